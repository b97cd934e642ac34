using Elivepatch.Kernel.Build;
using Elivepatch.Model;
using Xunit;
using static Elivepatch.Kernel.Tests.StockKernel;

namespace Elivepatch.Kernel.Tests.Build;

public sealed class HeaderReadersTests(StockKernel stock)
{
    // Called by fs/proc/generic.c as well, which is compiled again with the new declaration and comes out as it was.
    private const string ReturnType = """
        --- a/fs/proc/internal.h
        +++ b/fs/proc/internal.h
        @@ -275,1 +275,1 @@
        -extern void proc_entry_rundown(struct proc_dir_entry *);
        +extern int proc_entry_rundown(struct proc_dir_entry *);
        --- a/fs/proc/inode.c
        +++ b/fs/proc/inode.c
        @@ -255,1 +255,1 @@
        -void proc_entry_rundown(struct proc_dir_entry *de)
        +int proc_entry_rundown(struct proc_dir_entry *de)
        @@ -269,5 +269,6 @@
         		close_pdeo(de, pdeo);
         		spin_lock(&de->pde_unload_lock);
         	}
         	spin_unlock(&de->pde_unload_lock);
        +	return 1;
         }

        """;

    // Included by all units of fs/proc, and used by none.
    private const string NewHeader = """
        --- /dev/null
        +++ b/include/linux/elivepatch_test.h
        @@ -0,0 +1,1 @@
        +static inline int elivepatch_test(int x) { return x + 1; }
        --- a/fs/proc/internal.h
        +++ b/fs/proc/internal.h
        @@ -1,1 +1,2 @@
        +#include <linux/elivepatch_test.h>
         /* SPDX-License-Identifier: GPL-2.0-or-later */

        """;

    [Fact]
    public async Task Whoever_is_compiled_with_a_new_declaration_and_comes_out_the_same_uses_it_rightly()
    {
        var built = Get(await BuildAsync(ReturnType));
        Assert.Equal(["proc_entry_rundown"], built.Explanation.Functions.Where(f => f.Replaces is not null).Select(f => f.Name));
        Assert.Equal(["fs/proc/inode.c"], built.Explanation.Units.Select(u => u.Unit));
    }

    [Fact]
    public async Task A_declaration_that_only_the_definition_sees_is_no_word_for_its_callers()
    {
        var outcome = await BuildAsync(
            ReturnType.Replace(
                "+extern int proc_entry_rundown(struct proc_dir_entry *);",
                "+/* gone */",
                StringComparison.Ordinal
            )
        );
        Assert.False(outcome.Succeeded);
    }

    [Fact]
    public async Task A_header_that_nobody_uses_changes_nothing()
    {
        var outcome = await BuildAsync(NewHeader);
        Assert.Equal([PatchProblems.NothingChanged], outcome.Problems.Select(p => p.Code));
        Assert.Contains("none of them uses what differs", outcome.Problems[0].Reason, StringComparison.Ordinal);
    }

    private async Task<Outcome<BuildResult>> BuildAsync(string text)
    {
        var cancellation = TestContext.Current.CancellationToken;
        using var folder = new TemporaryCache();
        var patch = Path.Combine(folder.FullPath, "header.patch");
        await File.WriteAllTextAsync(patch, text, cancellation);
        return await new LivepatchBuild(stock.Cache).RunAsync(
            new(await stock.RecordAsync(), [patch], [], null, Replace: true, null),
            cancellation
        );
    }
}
