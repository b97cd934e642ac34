namespace Elivepatch.Bench;

/// <summary>A patch to build, and what its times are hoped to be.</summary>
/// <param name="Name">What it stands for.</param>
/// <param name="Patch">Its path in the repository.</param>
/// <param name="WarmAim">Most times the reference that a warm build is to take, or null.</param>
/// <param name="ColdAim">The same of a cold build.</param>
internal sealed record BenchCase(string Name, string Patch, double? WarmAim, double? ColdAim)
{
    /// <summary>All cases.</summary>
    public static IReadOnlyList<BenchCase> All { get; } =
    [
        new("small", "examples/meminfo-caps.patch", 3, 6),
        new("large", "benchmarks/patches/sched-core.patch", 1.3, 3),
        new("many files", "benchmarks/patches/many-files.patch", null, null),
        new("header", "benchmarks/patches/fsnotify-header.patch", 1.3, 1.3),
    ];
}
