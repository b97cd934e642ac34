using System.Text;
using Elivepatch.Kernel.Architectures;
using Elivepatch.Kernel.Patches;
using Elivepatch.Model;
using Elivepatch.Protocol.Api;
using Xunit;

namespace Elivepatch.Kernel.Tests.Patches;

public sealed class PatchReaderTests
{
    private const string Simple = """
        From: somebody
        Subject: [PATCH] a fix

        ---
        diff --git a/fs/x.c b/fs/x.c
        index 0123456..789abcd 100644
        --- a/fs/x.c
        +++ b/fs/x.c
        @@ -1,3 +1,3 @@ static int f(void)
         one
        -two
        +TWO
         three
        --
        2.39.5

        """;

    [Fact]
    public void A_git_patch_with_mail_around_it_is_read()
    {
        var patch = StockKernel.Get(Parse(Simple));
        var file = Assert.Single(patch.Files);
        Assert.Equal(("fs/x.c", PatchedFileKind.Changed), (file.Path, file.Kind));
        Assert.Equal(["one\n", "two\n", "three\n"], file.Hunks[0].Before);
        Assert.Equal(["one\n", "TWO\n", "three\n"], file.Hunks[0].After);
    }

    [Fact]
    public void A_missing_newline_at_the_end_of_a_file_is_kept()
    {
        var patch = StockKernel.Get(
            Parse("--- a/x.c\n+++ b/x.c\n@@ -1 +1 @@\n-a\n\\ No newline at end of file\n+b\n\\ No newline at end of file\n")
        );
        Assert.Equal(
            (["a"], ["b"]),
            (patch.Files[0].Hunks[0].Before.ToArray(), patch.Files[0].Hunks[0].After.ToArray()),
            Arrays.Equal
        );
    }

    [Theory]
    [InlineData("fs/x.c", "fs/x.c", "fs/x.c")]
    [InlineData("/dev/null", "fs/x.c", "fs/x.c")]
    [InlineData("/dev/null", "b/fs/x.c", "fs/x.c")]
    [InlineData("linux/fs/x.c", "linux/fs/x.c", "fs/x.c")]
    [InlineData("linux.orig/fs/x.c", "linux/fs/x.c", "fs/x.c")]
    [InlineData("fs/a/x.c", "kernel/a/x.c", "a/x.c")]
    public void A_path_with_and_without_a_prefix_is_the_same(string before, string after, string path)
    {
        var hunk = before == "/dev/null" ? "@@ -0,0 +1,1 @@\n+b\n" : "@@ -1,1 +1,1 @@\n-a\n+b\n";
        Assert.Equal(path, Assert.Single(StockKernel.Get(Parse($"--- {before}\n+++ {after}\n{hunk}")).Files).Path);
    }

    [Theory]
    [InlineData("\"a/fs/x.c\"", "\"b/fs/x.c\"")]
    [InlineData("\"a/fs/x.c\"\t2026-01-01", "b/fs/x.c")]
    [InlineData("\"fs/\\170.c\"", "\"fs/x.c\"")]
    public void A_quoted_name_is_read_as_C_reads_it(string before, string after) =>
        Assert.Equal(
            "fs/x.c",
            Assert.Single(StockKernel.Get(Parse($"--- {before}\n+++ {after}\n@@ -1,1 +1,1 @@\n-a\n+b\n")).Files).Path
        );

    private const string Quoting = """
        From 0123456789012345678901234567890123456789 Mon Sep 17 00:00:00 2001
        From: somebody
        Subject: [PATCH] a fix

        Undoes part of

        --- a/fs/y.c
        +++ b/fs/y.c
        @@ -1,1 +1,1 @@
        -y
        +Y
        ---
        and says so.
        ---
         fs/x.c | 2 +-
         1 file changed, 1 insertion(+), 1 deletion(-)

        """;

    [Fact]
    public void A_change_that_the_message_of_a_mail_quotes_is_not_the_patchs_own()
    {
        var change = Simple[Simple.IndexOf("diff --git", StringComparison.Ordinal)..];
        Assert.Equal(["fs/x.c", "fs/x.c"], StockKernel.Get(Parse(Quoting + change + Quoting + change)).Files.Select(f => f.Path));
    }

    [Fact]
    public void A_change_of_which_it_is_not_sure_whether_a_message_quotes_it_is_refused()
    {
        var change = Simple[Simple.IndexOf("diff --git", StringComparison.Ordinal)..];
        Assert.Equal(101, Assert.Single(Parse(Quoting + change + change).Problems).Code.Number);
        Assert.Equal(
            101,
            Assert.Single(Parse(Quoting.Replace(" 1 file changed", "", StringComparison.Ordinal) + change).Problems).Code.Number
        );
        Assert.Equal(101, Assert.Single(Parse(Quoting).Problems).Code.Number);
    }

    [Theory]
    [InlineData("diff --git a/fs/y.c b/fs/y.c\n--- a/fs/y.c\n+++ b/fs/y.c\n@@ -1,1 +1,1 @@\n-y\n+Y\n")]
    [InlineData("--- a/fs/y.c\n+++ b/fs/y.c\n@@ -1,1 +1,1 @@\n-y\n+Y\n-- \n2.39.5\n")]
    [InlineData("--- a/fs/y.c\n+++ b/fs/y.c\n@@ -1,1 +1,1 @@\n-y\n+Y\n\nFrom mboxrd@z Thu Jan  1 00:00:00 1970\n")]
    [InlineData("--- a/fs/y.c\n+++ b/fs/y.c\n@@ -1,1 +1,1 @@\n-y\n+Y\n\nSubject: [PATCH] more\n")]
    [InlineData("--- a/fs/y.c\n+++ b/fs/y.c\n@@ -1,1 +1,1 @@\n-y\n+Y\n\ncommit 0123456789012345678901234567890123456789\n")]
    public void What_may_be_a_patch_before_a_statistic_is_not_passed_over(string before)
    {
        var mail =
            Quoting[..Quoting.IndexOf("Undoes", StringComparison.Ordinal)]
            + before
            + Quoting[Quoting.IndexOf("---\n fs", StringComparison.Ordinal)..];
        var outcome = Parse(mail + Simple[Simple.IndexOf("diff --git", StringComparison.Ordinal)..]);
        Assert.Equal(101, Assert.Single(outcome.Problems).Code.Number);
    }

    [Theory]
    [InlineData("static int limit = 10;\n", true)]
    [InlineData("\tstatic int limit;\n", true)]
    [InlineData("int limit = 10;\n", true)]
    [InlineData("int limit[4] = {\n", true)]
    [InlineData("extern int limit;\n", true)]
    [InlineData("static DEFINE_MUTEX(limit);\n", true)]
    [InlineData("\tDEFINE_RATELIMIT_STATE(limit, 1, 2);\n", true)]
    [InlineData("static int\n", true)]
    [InlineData("static int (*limit)(void) = f;\n", true)]
    [InlineData("static int limit __aligned(8) = 10;\n", true)]
    [InlineData("#define limit static int x\n", true)]
    [InlineData("\t= 10;\n", true)]
    [InlineData("static bool damon_pa_young(unsigned long paddr)\n", false)]
    [InlineData("static bool damon_pa_young(unsigned long paddr,\n", false)]
    [InlineData("\tbool accessed;\n", false)]
    [InlineData("\taccessed = f(a);\n", false)]
    [InlineData("}\n", false)]
    [InlineData("\n", false)]
    public void A_line_that_may_add_a_variable_is_told(string line, bool may) => Assert.Equal(may, NewVariables.MayBeIn([line]));

    [Fact]
    public void A_message_without_a_statistic_hides_nothing()
    {
        var bare = Quoting[..Quoting.IndexOf("---\n fs", StringComparison.Ordinal)]
            .Replace("---\nand says so.\n", "", StringComparison.Ordinal);
        Assert.Equal(["fs/y.c"], StockKernel.Get(Parse(bare)).Files.Select(f => f.Path));
    }

    [Fact]
    public void Carriage_returns_at_the_end_of_all_lines_are_not_the_patchs_own()
    {
        var read = StockKernel.Get(Parse(Simple.Replace("\n", "\r\n", StringComparison.Ordinal)));
        Assert.Equal(["one\n", "TWO\n", "three\n"], read.Files[0].Hunks[0].After);
        var own = StockKernel.Get(Parse("--- a/x.c\n+++ b/x.c\n@@ -1,1 +1,1 @@\n-a\r\n+b\r\n"));
        Assert.Equal(["b\r\n"], own.Files[0].Hunks[0].After);
    }

    [Fact]
    public void A_new_file_is_known_as_one()
    {
        var patch = StockKernel.Get(Parse("--- /dev/null\n+++ b/kernel/new.c\n@@ -0,0 +1,2 @@\n+a\n+b\n"));
        Assert.Equal(("kernel/new.c", PatchedFileKind.Added), (patch.Files[0].Path, patch.Files[0].Kind));
    }

    [Theory]
    [InlineData("", 101)]
    [InlineData("nothing here\n", 101)]
    [InlineData("--- a/x.c\n+++ b/x.c\n", 101)]
    [InlineData("--- a/x.c\n+++ b/x.c\n@@ -1,2 +1,2 @@\n a\n", 101)]
    [InlineData("--- a/x.c\n+++ b/x.c\n@@ -1,1 +1,1 @@\n-a\n+b\n+c\n", 101)]
    [InlineData("--- a/x.c\n+++ b/x.c\n@@ -1,1 +1,1 @@\n a\n", 101)]
    [InlineData("--- a/x.c\n+++ b/x.c\n@@ -999999999999,1 +1,1 @@\n-a\n+b\n", 101)]
    [InlineData("*** a/x.c\n--- b/x.c\n***************\n", 101)]
    [InlineData("--- a/../x.c\n+++ b/../x.c\n@@ -1 +1 @@\n-a\n+b\n", 102)]
    [InlineData("--- /etc/passwd\n+++ /etc/passwd\n@@ -1 +1 @@\n-a\n+b\n", 102)]
    [InlineData("--- a//etc/passwd\n+++ b//etc/passwd\n@@ -1 +1 @@\n-a\n+b\n", 102)]
    [InlineData("--- x.c\n+++ x.c\n@@ -1 +1 @@\n-a\n+b\n", 102)]
    [InlineData("--- a/-o.c\n+++ b/-o.c\n@@ -1 +1 @@\n-a\n+b\n", 102)]
    [InlineData("--- a/$(x).c\n+++ b/$(x).c\n@@ -1 +1 @@\n-a\n+b\n", 102)]
    [InlineData("--- a/x.c\n+++ /dev/null\n@@ -1,2 +1 @@\n a\n-b\n", 101)]
    [InlineData("--- \"a/fs/\\303\\266.c\"\n+++ \"b/fs/\\303\\266.c\"\n@@ -1 +1 @@\n-a\n+b\n", 102)]
    [InlineData("--- \"a/../x.c\"\n+++ \"b/../x.c\"\n@@ -1 +1 @@\n-a\n+b\n", 102)]
    [InlineData("--- \"a/\\056\\056/x.c\"\n+++ \"b/\\056\\056/x.c\"\n@@ -1 +1 @@\n-a\n+b\n", 102)]
    [InlineData("--- \"a/x.c\n+++ \"b/x.c\n@@ -1 +1 @@\n-a\n+b\n", 102)]
    [InlineData("--- a/x.c\n+++ b/y.c\n@@ -1 +1 @@\n-a\n+b\n", 103)]
    [InlineData("diff --git a/x.c b/y.c\nsimilarity index 100%\nrename from x.c\nrename to y.c\n", 103)]
    [InlineData("diff --git a/x.c b/x.c\ndeleted file mode 100644\n", 103)]
    [InlineData(
        "diff --git a/x b/x\nnew file mode 120000\nindex 0..1\n--- /dev/null\n+++ b/x\n@@ -0,0 +1 @@\n+/etc/passwd\n",
        104
    )]
    [InlineData("diff --git a/x b/x\nindex 0123..4567 160000\n", 104)]
    [InlineData("diff --git a/x b/x\nindex 0123..4567\nGIT binary patch\n", 104)]
    [InlineData("Binary files a/x and b/x differ\n", 104)]
    public void What_is_no_plain_change_of_text_is_refused(string text, int number)
    {
        var outcome = Parse(text);
        Assert.False(outcome.Succeeded);
        Assert.Equal(number, outcome.Problems[0].Code.Number);
    }

    [Fact]
    public void A_huge_patch_is_refused()
    {
        var outcome = SourcePatch.Parse(new byte[PatchFile.Largest + 1], "huge.patch");
        Assert.Equal(PatchProblems.PatchTooLarge, outcome.Problems[0].Code);
    }

    [Fact]
    public void Damaged_patches_never_make_it_fail_otherwise_than_with_a_problem()
    {
        var random = new Random(1);
        var original = Encoding.ASCII.GetBytes(Simple);
        for (var round = 0; round < 3000; round++)
        {
            var bytes = (byte[])original.Clone();
            for (var i = random.Next(1, 6); i > 0; i--)
            {
                bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            }

            _ = SourcePatch.Parse(bytes.AsMemory(0, random.Next(bytes.Length + 1)), "damaged.patch").Succeeded;
        }
    }

    [Theory]
    [InlineData("fs/Makefile", 107)]
    [InlineData("lib/Kconfig.debug", 107)]
    [InlineData("scripts/mod/modpost.c", 107)]
    [InlineData("tools/objtool/check.c", 107)]
    [InlineData("arch/x86/entry/entry_64.S", 108)]
    [InlineData("arch/x86/entry/vdso/vclock_gettime.c", 109)]
    [InlineData("arch/x86/boot/compressed/misc.c", 110)]
    [InlineData("arch/x86/realmode/init.c", 110)]
    [InlineData("arch/x86/purgatory/purgatory.c", 110)]
    [InlineData("arch/x86/entry/syscalls/syscall_64.tbl", 111)]
    [InlineData("Documentation/x.rst", 106)]
    [InlineData("arch/x86/lib/x86-opcode-map.txt", 107)]
    [InlineData("arch/arm64/kernel/smp.c", 106)]
    [InlineData("MAINTAINERS", 106)]
    [InlineData("tools/testing/selftests/mm/Makefile", 106)]
    [InlineData("kernel/fork.c", null)]
    [InlineData("include/linux/mm.h", null)]
    public void What_cannot_be_live_patched_has_its_own_number(string path, int? number)
    {
        var outcome = new PatchRules(KernelArchitectures.X8664).CodePaths([path]);
        Assert.Equal(number, outcome.Succeeded ? null : outcome.Problems[0].Code.Number);
    }

    [Theory]
    [InlineData("Kbuild", 107)]
    [InlineData("src/Makefile", 107)]
    [InlineData("dkms.conf", 107)]
    [InlineData("entry.S", 108)]
    [InlineData("README", 106)]
    [InlineData("docs/notes.md", 106)]
    [InlineData("table.txt", 111)]
    [InlineData("tools/shared.c", null)]
    [InlineData("arch/arm64/other.c", null)]
    [InlineData("scripts/table.h", null)]
    public void The_source_of_a_module_has_no_folders_with_a_meaning(string path, int? number)
    {
        var outcome = new PatchRules(kernel: null).CodePaths([path]);
        Assert.Equal(number, outcome.Succeeded ? null : outcome.Problems[0].Code.Number);
    }

    private static Outcome<SourcePatch> Parse(string text) => SourcePatch.Parse(Encoding.Latin1.GetBytes(text), "test.patch");

    private static class Arrays
    {
        public static bool Equal((string[] Before, string[] After) one, (string[] Before, string[] After) other) =>
            one.Before.SequenceEqual(other.Before) && one.After.SequenceEqual(other.After);
    }
}
