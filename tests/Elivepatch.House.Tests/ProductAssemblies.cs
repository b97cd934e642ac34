using System.Reflection;

namespace Elivepatch.House.Tests;

/// <summary>The assemblies that are made of <c>src</c>.</summary>
internal static class ProductAssemblies
{
    /// <summary>The projects: one for each folder in <c>src</c>, or the tests would look past it.</summary>
    public static IReadOnlyList<string> Projects { get; } =
    [
        .. Directory
            .GetDirectories(Path.Combine(Repository.Root, "src"))
            .Select(f => Path.GetFileName(f))
            .Order(StringComparer.Ordinal),
    ];

    /// <summary>The assemblies of all of them.</summary>
    public static IReadOnlyList<Assembly> All { get; } = [.. Projects.Select(Named)];

    /// <summary>The assembly of a project.</summary>
    public static Assembly Named(string project) => Assembly.Load(NameOf(project));

    /// <summary>What the assembly of a project is called: the programs are called what people type.</summary>
    public static string NameOf(string project) =>
        project switch
        {
            "Elivepatch.Author" => "elivepatch-author",
            "Elivepatch.Client" => "elivepatch",
            "Elivepatch.Server" => "elivepatchd",
            var library => library,
        };
}
