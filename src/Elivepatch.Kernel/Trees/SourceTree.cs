using Elivepatch.Kernel.Architectures;
using Elivepatch.Kernel.Processes;
using Elivepatch.Model;

namespace Elivepatch.Kernel.Trees;

/// <summary>
/// A source that kbuild compiles units from, read-only: the kernel's own, or that of a module which is built outside of it.
/// Paths of units and of patched files are relative to its top.
/// </summary>
/// <param name="Key">Digest of all that determines what kbuild compiles from it.</param>
/// <param name="Folder">The source on this machine.</param>
public abstract record SourceTree(ContentDigest Key, string Folder)
{
    /// <summary>The kernel that it is compiled for.</summary>
    public abstract PreparedTree Kernel { get; }

    /// <summary>The processor that the kernel is for.</summary>
    public abstract KernelArchitecture Architecture { get; }

    /// <summary>What messages call it, as in "X has no such file".</summary>
    public abstract string Title { get; }

    /// <summary>What messages call that which decides what is compiled, as in "X does not build that file".</summary>
    public abstract string BuildRules { get; }

    /// <summary>Where a sandbox sees it: <c>__FILE__</c> may have this path.</summary>
    public abstract string Root { get; }

    /// <summary>
    /// Where a sandbox sees it as well, if the kernel's code tells at which path it was compiled: kbuild then takes the source
    /// from there, and builds in <see cref="Root"/>, as it did for the kernel (<c>make O=</c>).
    /// </summary>
    public string? CompiledPath { get; init; }

    /// <summary>The mounts of a sandbox that reads it.</summary>
    public abstract IReadOnlyList<SandboxBind> Binds { get; }

    /// <summary>The variables that make's command line needs.</summary>
    public abstract IReadOnlyList<string> MakeVariables { get; }

    /// <summary>Options by which debug information names files by their paths in the source.</summary>
    public abstract IReadOnlyList<string> DebugOptions { get; }

    /// <summary>The folders that have its sources, on this machine.</summary>
    public abstract IEnumerable<string> CodeFolders { get; }

    /// <summary>
    /// True where whatever includes one of its files is in it as well, by a name in its text. A module's header may stand in for
    /// one that headers of the kernel include, or the module's Kbuild may have it included in every unit.
    /// </summary>
    public abstract bool HasAllIncluders { get; }

    /// <summary>The userland of a sandbox that works in it: that of the compiler.</summary>
    public Userland Userland => Kernel.Compiler.Userland;

    /// <summary>The environment of a sandbox that works in it.</summary>
    public IReadOnlyDictionary<string, string> Environment => KbuildEnvironment.Variables;

    /// <summary>
    /// The mounts of a sandbox in which kbuild runs: it may write where it would when it builds, and what it writes is lost.
    /// </summary>
    /// <param name="scratch">An empty folder for it.</param>
    public abstract IReadOnlyList<SandboxBind> BindsForKbuild(string scratch);

    /// <summary>
    /// True where the path of one of its files may mean another file as well, as debug information and messages have it.
    /// </summary>
    public abstract bool IsAmbiguous(string path);

    /// <summary>Mounts in <see cref="Root"/>, and the same in <see cref="CompiledPath"/> if there is one.</summary>
    public IReadOnlyList<SandboxBind> AtAllPaths(IReadOnlyList<SandboxBind> binds) =>
        CompiledPath is { } other ? [.. binds, .. binds.Select(b => b with { Target = other + b.Target[Root.Length..] })] : binds;

    /// <summary>
    /// The path in the source of what a sandbox sees at a whole path, "" for its top; null for what is not in it.
    /// </summary>
    public string? PathOf(string inside)
    {
        foreach (var top in CompiledPath is { } other ? [Root, other] : new[] { Root })
        {
            var path = Path.GetRelativePath(top, inside);
            if (path == ".")
            {
                return "";
            }

            if (path != ".." && !path.StartsWith("../", StringComparison.Ordinal))
            {
                return path;
            }
        }

        return null;
    }

    /// <summary>True where the source has a file of this path.</summary>
    public bool HasFile(string path) => File.Exists(Path.Combine(Folder, path));
}
