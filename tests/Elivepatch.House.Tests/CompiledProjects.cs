using ArchUnitNET.Domain;
using ArchUnitNET.Loader;

namespace Elivepatch.House.Tests;

/// <summary>Who uses whom in the compiled projects: signatures, bodies and attributes, whatever the source looks like.</summary>
internal static class CompiledProjects
{
    /// <summary>What a type is in that lies in no folder of its project.</summary>
    public const string Root = "(root)";

    /// <summary>The names of the projects, without the product's.</summary>
    public static IReadOnlyList<string> All { get; } = [.. ProductAssemblies.Projects.Select(p => p["Elivepatch.".Length..])];

    private static readonly Lazy<ArchUnitNET.Domain.Architecture> loaded = new(() =>
        new ArchLoader().LoadAssemblies([.. ProductAssemblies.All]).Build()
    );

    /// <summary>The arrows between the folders of a project.</summary>
    public static IReadOnlyList<Arrow> BetweenFolders(string project) =>
        Gather(
            from use in Uses()
            where ProjectOf(use.Type) == project && ProjectOf(use.Used) == project
            select (use.Type, use.Used, FolderOf(project, use.Type), FolderOf(project, use.Used))
        );

    /// <summary>The arrows between projects.</summary>
    public static IReadOnlyList<Arrow> BetweenProjects() =>
        Gather(from use in Uses() select (use.Type, use.Used, ProjectOf(use.Type), ProjectOf(use.Used)));

    // A parameter of a generic type stands for another type, which is used besides.
    private static IEnumerable<(IType Type, IType Used)> Uses() =>
        from type in loaded.Value.Types
        from dependency in type.Dependencies
        where dependency.Target is not GenericParameter
        select (type, dependency.Target);

    private static IReadOnlyList<Arrow> Gather(IEnumerable<(IType Type, IType Used, string? From, string? To)> uses) =>
        [
            .. uses.Where(u => u is { From: not null, To: not null } && u.From != u.To)
                .GroupBy(u => (u.From, u.To), u => $"{u.Type.Name} uses {u.Used.Name}")
                .Select(g => new Arrow(g.Key.From!, g.Key.To!, [.. g.Distinct().Order(StringComparer.Ordinal)])),
        ];

    private static string FolderOf(string project, IType type) =>
        type
            .Namespace.FullName[("Elivepatch." + project).Length..]
            .Split('.', StringSplitOptions.RemoveEmptyEntries)
            .FirstOrDefault(Root);

    private static string? ProjectOf(IType type) =>
        type.Namespace?.FullName.Split('.') is ["Elivepatch", var project, ..] && type.Assembly is not null ? project : null;
}

/// <summary>That something uses something.</summary>
/// <param name="From">Who uses.</param>
/// <param name="To">Who is used.</param>
/// <param name="Because">The types by which.</param>
internal sealed record Arrow(string From, string To, IReadOnlyList<string> Because)
{
    public override string ToString() =>
        $"{From} -> {To} ({string.Join(", ", Because.Take(3))}{(Because.Count > 3 ? ", ..." : "")})";
}
