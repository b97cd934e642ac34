using static Elivepatch.House.Tests.CompiledProjects;

namespace Elivepatch.House.Tests;

/// <summary>Data flows one way: between the folders of a project there is no circle.</summary>
public sealed class FolderTests
{
    public static TheoryData<string> Projects => [.. All];

    [Theory]
    [MemberData(nameof(Projects))]
    public void The_folders_of_a_project_form_no_circle(string project)
    {
        var circle = Circle.Find(BetweenFolders(project));
        Assert.True(circle.Count == 0, $"{project} has a circle of folders:\n{string.Join('\n', circle)}");
    }
}
