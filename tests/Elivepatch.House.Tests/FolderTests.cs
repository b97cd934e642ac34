using static Elivepatch.House.Tests.CompiledProjects;

namespace Elivepatch.House.Tests;

/// <summary>Data flows one way: between the folders of a project there is no circle.</summary>
public sealed class FolderTests
{
    /// <summary>
    /// The arrows that close a circle and are known. The list only gets shorter: what closes none any more has to leave it, and
    /// what is new belongs elsewhere.
    /// </summary>
    private static readonly (string Project, string From, string To)[] known =
    [
        ("Protocol", Root, "Api"),
        ("Protocol", Root, "Manifests"),
        ("Protocol", "Manifests", "Api"),
    ];

    public static TheoryData<string> Projects => [.. All];

    public static TheoryData<string, string, string> Known => [.. known];

    [Theory]
    [MemberData(nameof(Projects))]
    public void The_folders_of_a_project_form_no_circle(string project)
    {
        var circle = Circle.Find([.. BetweenFolders(project).Where(a => !known.Contains((project, a.From, a.To)))]);
        Assert.True(circle.Count == 0, $"{project} has a circle of folders:\n{string.Join('\n', circle)}");
    }

    [Theory]
    [MemberData(nameof(Known))]
    public void A_known_arrow_closes_a_circle(string project, string from, string to)
    {
        var others = known.Where(k => k != (project, from, to));
        var circle = Circle.Find([.. BetweenFolders(project).Where(a => !others.Contains((project, a.From, a.To)))]);
        Assert.True(
            circle.Count > 0,
            $"{project}: the arrow from {from} to {to} closes no circle any more: take it off the list"
        );
    }
}
