using Elivepatch.Kernel.Build;
using Xunit;
using static Elivepatch.Kernel.Tests.StockKernel;

namespace Elivepatch.Kernel.Tests.Build;

public sealed class FilesWithoutCodeTests(StockKernel stock)
{
    private const string Others = """
        --- a/fs/proc/internal.h
        +++ b/fs/proc/internal.h
        @@ -1,1 +1,2 @@
        +/* nothing but a remark */
         /* SPDX-License-Identifier: GPL-2.0-or-later */
        --- a/drivers/net/hamradio/scc.c
        +++ b/drivers/net/hamradio/scc.c
        @@ -1,1 +1,2 @@
        +/* not built here */
         #define RCS_ID "$Id: scc.c,v 1.75 1998/11/04 15:15:01 jreuter Exp jreuter $"

        """;

    [Fact]
    public async Task What_of_a_patch_changes_no_code_of_this_kernel_is_said()
    {
        var cancellation = TestContext.Current.CancellationToken;
        using var folder = new TemporaryCache();
        var patch = Path.Combine(folder.FullPath, "three-files.patch");
        await File.WriteAllTextAsync(
            patch,
            await File.ReadAllTextAsync(Path.Combine(Repository.Root, "examples", "meminfo-caps.patch"), cancellation) + Others,
            cancellation
        );

        var built = Get(
            await new LivepatchBuild(stock.Cache).RunAsync(
                new(await stock.RecordAsync(), [patch], [], null, Replace: true, null),
                cancellation
            )
        );

        Assert.Equal(["drivers/net/hamradio/scc.c", "fs/proc/internal.h"], built.Explanation.FilesWithoutCode);
        Assert.Equal(["fs/proc/meminfo.c"], built.Explanation.Units.Select(u => u.Unit));
    }
}
