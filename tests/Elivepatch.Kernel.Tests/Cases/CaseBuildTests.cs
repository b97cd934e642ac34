using Elivepatch.Elf;
using Elivepatch.Engine.SelfCheck;
using Elivepatch.Kernel.Build;
using Elivepatch.Kernel.Patches;
using Elivepatch.Model;
using Xunit;

namespace Elivepatch.Kernel.Tests.Cases;

/// <summary>Each case is built on the stock kernel; what comes out is compared with what the case says.</summary>
[Collection(nameof(CaseCollection))]
public sealed class CaseBuildTests(StockKernel stock, CaseBuilds builds)
{
    public static TheoryData<string> Cases => [.. LivepatchCase.All.Select(c => c.Name)];

    public static TheoryData<string> CasesWithUnits => [.. LivepatchCase.All.Where(c => c.Units.Count > 0).Select(c => c.Name)];

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task A_case_is_built_or_refused_as_it_says(string name)
    {
        builds.StartAll();
        var built = LivepatchCase.Named(name);
        var outcome = await builds.GetAsync(built);

        Assert.True(
            built.Expect.Status == StatusOf(outcome),
            $"status {StatusOf(outcome)} for {built.Expect.Status}: {Describe(outcome)}"
        );
        if (outcome.TryGet(out var result))
        {
            Compare(built, result);
        }
        else
        {
            CompareRefusal(built, outcome.Problems);
        }
    }

    [Fact]
    public async Task Every_case_is_for_the_kernel_and_names_all_of_its_files()
    {
        var facts = (await stock.RecordAsync()).Facts;
        foreach (var one in LivepatchCase.All)
        {
            Assert.True(
                TestKernels.AreNewest || one.Kernels.Exists(k => facts.Release.StartsWith(k + ".", StringComparison.Ordinal)),
                one.Name
            );
            Assert.Contains(facts.Machine, one.Architectures);
            Assert.NotEmpty(one.Title);
            Assert.NotEmpty(one.Notes);
            string[] named = ["case.yaml", .. one.Patches, .. ((string?[])[one.Statements, one.Script]).OfType<string>()];
            Assert.Equal(
                named.Order(StringComparer.Ordinal),
                Directory
                    .EnumerateFiles(one.Folder)
                    .Select(f => Path.GetFileName(f))
                    .Where(f => !f.EndsWith(".c", StringComparison.Ordinal))
                    .Order(StringComparer.Ordinal)
            );
        }
    }

    [Theory]
    [MemberData(nameof(CasesWithUnits))]
    public async Task The_units_that_a_patch_touches_are_found(string name)
    {
        var cancellation = TestContext.Current.CancellationToken;
        var found = LivepatchCase.Named(name);
        var tree = await stock.TreeAsync();
        var patches = found
            .PatchFiles.Select(p => StockKernel.Get(SourcePatch.Parse(File.ReadAllBytes(p), Path.GetFileName(p))))
            .ToList();
        var sources = StockKernel.Get(PatchedSources.Apply(tree, patches));

        var units = StockKernel.Get(
            await new TouchedUnits(stock.Cache, BuildRequest.UsualMostUnits).FindAsync(tree, sources, cancellation)
        );

        Assert.Equal(found.Units.Order(StringComparer.Ordinal), units.Select(u => u.Command.Unit));
    }

    private static void Compare(LivepatchCase built, BuildResult result)
    {
        var expect = built.Expect;
        var explanation = result.Explanation;
        var replaced = explanation.Functions.Where(f => f.Replaces is not null).Select(f => SourceName(f.Replaces!)).ToList();
        var referred = explanation.References.Select(r => SourceName(r.Name)).ToHashSet();

        Assert.Equal(expect.Patched.Order(StringComparer.Ordinal), replaced.Order(StringComparer.Ordinal));
        Assert.Equal([], expect.RefersTo.Except(referred));
        Assert.Equal(
            built
                .ReadStatements()
                .All.OrderBy(s => s.Unit, StringComparer.Ordinal)
                .ThenBy(s => s.Kind)
                .ThenBy(s => s.Name, StringComparer.Ordinal),
            explanation
                .Statements.OrderBy(s => s.Unit, StringComparer.Ordinal)
                .ThenBy(s => s.Kind)
                .ThenBy(s => s.Name, StringComparer.Ordinal)
        );
        Assert.All(explanation.Units, u => Assert.Equal("bytes", u.Proof));
        Assert.Equal(built.Objects.ToHashSet(), explanation.Units.Select(u => u.Object!).ToHashSet());
        Assert.Equal(built.Objects, explanation.Objects.Select(o => o.Name).Order(StringComparer.Ordinal));
        Assert.All(explanation.References, r => Assert.NotNull(r.Object));

        // As the file itself says it.
        var objects = StockKernel.Get(LivepatchModule.Read(ElfReader.Read(result.Module))).Objects;
        Assert.Equal(built.Objects, objects.Select(o => o.DisplayName).Order(StringComparer.Ordinal));
        Assert.Equal(
            expect.Patched.Order(StringComparer.Ordinal),
            objects.SelectMany(o => o.Functions).Select(f => SourceName(f.OldName!)).Order(StringComparer.Ordinal)
        );
        Assert.Empty(result.Warnings);
    }

    private void CompareRefusal(LivepatchCase built, IReadOnlyList<Problem> problems)
    {
        if (built.Expect.Status is 2 or 4 or 5)
        {
            Assert.Equal(built.Expect.Error, Assert.Single(problems.Select(p => p.Code.Id).Distinct()));
        }

        Assert.All(problems, p => Assert.NotEmpty(p.Reason));
        Assert.All(problems, p => Assert.NotEmpty(p.Remedy));
        Assert.False(Directory.Exists(builds.FolderOf(built)), "something was written");
    }

    private static int StatusOf(Outcome<BuildResult> outcome) =>
        outcome.Succeeded ? 0 : (int)outcome.Problems.Max(p => p.Code.Kind);

    private static string Describe(Outcome<BuildResult> outcome) =>
        outcome.TryGet(out var result)
            ? "replaces " + string.Join(", ", result.Explanation.Functions.Select(f => f.Replaces).OfType<string>())
            : string.Join('\n', outcome.Problems);

    // GCC's suffixes (.isra.0, the number of a static local) are no part of a name in the source.
    private static string SourceName(string symbol) => symbol.IndexOf('.', 1) is > 0 and var dot ? symbol[..dot] : symbol;
}
