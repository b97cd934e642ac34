using static Elivepatch.House.Tests.CompiledProjects;

namespace Elivepatch.House.Tests;

/// <summary>An arrow between projects points at one that may be used: docs/architecture.md has the same table.</summary>
public sealed class ProjectTests
{
    private static readonly Dictionary<string, string[]> mayUse = new()
    {
        ["Model"] = [],
        ["Elf"] = [],
        ["Engine"] = ["Model", "Elf"],
        ["Protocol"] = ["Model", "Elf"],
        ["Kernel"] = ["Engine", "Protocol"],
        ["Terminal"] = ["Protocol"],
        ["Builder"] = ["Kernel"],
        ["Server"] = ["Builder", "Terminal"],
        ["Machine"] = ["Protocol"],
        ["Client"] = ["Machine", "Terminal"],
        ["Author"] = ["Kernel", "Terminal"],
    };

    [Fact]
    public void A_project_uses_only_those_that_it_may()
    {
        var wrong = BetweenProjects().Where(a => !Reach(a.From).Contains(a.To)).ToList();
        Assert.True(wrong.Count == 0, $"arrows that point the wrong way:\n{string.Join('\n', wrong)}");
    }

    [Fact]
    public void Every_project_has_its_place() =>
        Assert.Equal(All.Order(StringComparer.Ordinal), mayUse.Keys.Order(StringComparer.Ordinal));

    // Whoever may use a project may use what that may use.
    private static HashSet<string> Reach(string project) => [.. mayUse[project], .. mayUse[project].SelectMany(Reach)];
}
