using System.Reflection;

namespace Elivepatch.House.Tests;

/// <summary>The assemblies that are made of <c>src</c>.</summary>
internal static class ProductAssemblies
{
    /// <summary>All of them: one for each folder in <c>src</c>, or the tests would look past it.</summary>
    public static IReadOnlyList<Assembly> All { get; } =
        [.. Directory.GetDirectories(Path.Combine(Repository.Root, "src")).Select(NameOf).Order(StringComparer.Ordinal).Select(Assembly.Load)];

    // The programs are called what people type.
    private static string NameOf(string folder) => Path.GetFileName(folder) switch
    {
        "Elivepatch.Client" => "elivepatch",
        "Elivepatch.Server" => "elivepatchd",
        var library => library,
    };
}
