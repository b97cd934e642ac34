using Elivepatch.Kernel.Architectures;
using Elivepatch.Kernel.Processes;
using Elivepatch.Model;
using Elivepatch.Protocol.Captures;

namespace Elivepatch.Kernel.Trees;

/// <summary>
/// A kernel's source with its base patches, its configuration and everything that <c>make modules_prepare</c> makes, read-only.
/// Inside a sandbox it always lies at <c>/build</c>, so nothing in it depends on where the cache is.
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
)
{
    /// <summary>Where a sandbox sees the source.</summary>
    public const string InsidePath = "/build";

    /// <summary>Where a sandbox sees the tools.</summary>
    public const string ToolsInsidePath = "/tools";

    /// <summary>The mounts of a sandbox that works in the tree.</summary>
    public IReadOnlyList<SandboxBind> Binds => [new(Folder, InsidePath), new(Tools, ToolsInsidePath)];

    /// <summary>The environment of a sandbox that works in the tree.</summary>
    public IReadOnlyDictionary<string, string> Environment => KbuildEnvironment.Variables;

    /// <summary>The variables that make's command line needs.</summary>
    public IReadOnlyList<string> MakeVariables => KbuildEnvironment.MakeVariables(Architecture, Config, Release, Compiler);

    /// <summary>True where the source has a file of this path.</summary>
    public bool HasFile(string path) => File.Exists(Path.Combine(Folder, path));
}
