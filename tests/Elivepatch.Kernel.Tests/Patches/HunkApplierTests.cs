using System.Text;
using Elivepatch.Kernel.Patches;
using Elivepatch.Model;
using Xunit;

namespace Elivepatch.Kernel.Tests.Patches;

public sealed class HunkApplierTests
{
    private const string Patch = "--- a/x.c\n+++ b/x.c\n@@ -2,3 +2,3 @@\n b\n-c\n+C\n d\n";

    [Fact]
    public void A_hunk_applies_where_it_says() => Assert.Equal("abCde", Letters(Apply("abcde")));

    [Fact]
    public void A_hunk_that_moved_applies_where_it_fits_alone() => Assert.Equal("xxabCde", Letters(Apply("xxabcde")));

    [Fact]
    public void A_hunk_that_fits_in_two_other_places_is_ambiguous() =>
        Assert.Equal(PatchProblems.PatchAmbiguous, Apply("xxbcdybcd").Problems[0].Code);

    [Fact]
    public void A_hunk_with_other_context_does_not_apply_and_is_shown()
    {
        var problem = Apply("abcxe").Problems[0];
        Assert.Equal(PatchProblems.PatchDoesNotApply, problem.Code);
        Assert.Contains("-c\n+C\n", problem.Reason);
    }

    [Fact]
    public void Carriage_returns_that_only_the_patch_has_are_named()
    {
        var patch = StockKernel.Get(
            SourcePatch.Parse("--- a/x.c\n+++ b/x.c\n@@ -1,1 +1,1 @@\n-a\r\n+b\r\n"u8.ToArray(), "x.patch")
        );
        var problem = HunkApplier.Apply("x.patch", patch.Files[0], ["a\n"]).Problems[0];
        Assert.Contains("(those of the patch end in carriage returns, its own do not)", problem.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void A_hunk_that_is_there_already_is_told_apart() =>
        Assert.Equal(PatchProblems.PatchAlreadyApplied, Apply("abCde").Problems[0].Code);

    private static Outcome<List<string>> Apply(string letters)
    {
        var patch = StockKernel.Get(SourcePatch.Parse(Encoding.ASCII.GetBytes(Patch), "x.patch"));
        return HunkApplier.Apply("x.patch", patch.Files[0], [.. letters.Select(l => l + "\n")]);
    }

    private static string Letters(Outcome<List<string>> lines) =>
        string.Concat(StockKernel.Get(lines)).Replace("\n", "", StringComparison.Ordinal);
}
