using Elivepatch.Kernel.Architectures;
using Elivepatch.Kernel.Processes;
using Elivepatch.Kernel.Toolchains;
using Elivepatch.Model;
using Elivepatch.Protocol.Captures;

namespace Elivepatch.Kernel.Trees;

/// <summary>
/// A kernel's source with its base patches, its configuration and everything that <c>make modules_prepare</c> makes, read-only.
/// Inside a sandbox it always lies at <c>/kernel</c>, so nothing in it depends on where the cache is.
/// </summary>
/// <param name="Architecture">The processor that the kernel is for.</param>
/// <param name="Key">Digest of all that determines it.</param>
/// <param name="Folder">The source on this machine.</param>
/// <param name="Tools">A folder with the compiler under the name by which the kernel's build called it.</param>
/// <param name="Config">The configuration.</param>
/// <param name="Release">The kernel's release.</param>
/// <param name="Compiler">The compiler.</param>
public sealed record PreparedTree(
    KernelArchitecture Architecture,
    ContentDigest Key,
    string Folder,
    string Tools,
    KernelConfig Config,
    string Release,
    Toolchain Compiler
) : SourceTree(Key, Folder)
{
    /// <summary>Where a sandbox sees the source.</summary>
    public const string InsidePath = "/kernel";

    /// <summary>Where a sandbox sees the tools.</summary>
    public const string ToolsInsidePath = "/tools";

    // No unit of a kernel includes anything from these; what a patch may change in them is refused or passed over before.
    private static readonly string[] foldersWithoutCode =
    [
        "Documentation",
        "tools",
        "scripts",
        "samples",
        "LICENSES",
        "rust",
        "usr",
    ];

    /// <inheritdoc/>
    public override PreparedTree Kernel => this;

    /// <inheritdoc/>
    public override KernelArchitecture Architecture { get; } = Architecture;

    /// <inheritdoc/>
    public override string Title => "the kernel's source";

    /// <inheritdoc/>
    public override string BuildRules => $"the configuration of {Release}";

    /// <inheritdoc/>
    public override string Root => InsidePath;

    /// <inheritdoc/>
    public override IReadOnlyList<SandboxBind> Binds => [.. AtAllPaths([new(Folder, InsidePath)]), new(Tools, ToolsInsidePath)];

    /// <inheritdoc/>
    public override IReadOnlyList<string> MakeVariables =>
        KbuildEnvironment.MakeVariables(Architecture, Config, Release, Compiler);

    /// <inheritdoc/>
    public override IReadOnlyList<string> DebugOptions => CompiledPath is { } path ? [$"-fdebug-prefix-map={path}/="] : [];

    /// <inheritdoc/>
    public override IEnumerable<string> CodeFolders =>
        Directory
            .EnumerateDirectories(Folder)
            .Where(d => !foldersWithoutCode.Contains(Path.GetFileName(d)))
            .Select(d => Path.GetFileName(d) == "arch" ? Path.Combine(d, Architecture.SourceName) : d)
            .Where(Directory.Exists);

    /// <inheritdoc/>
    public override bool HasAllIncluders => true;

    /// <inheritdoc/>
    public override IReadOnlyList<SandboxBind> BindsForKbuild(string scratch) => Binds;

    /// <inheritdoc/>
    public override bool IsAmbiguous(string path) => false;
}
