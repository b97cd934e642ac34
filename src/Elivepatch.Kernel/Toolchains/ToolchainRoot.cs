using Elivepatch.Kernel.Processes;
using Elivepatch.Model;

namespace Elivepatch.Kernel.Toolchains;

/// <summary>
/// A root file system in the cache that has the tools of another machine's distribution. A sandbox sees it in place of this
/// machine's, and nothing of it runs outside of one.
/// </summary>
/// <param name="Digest">Digest of its files.</param>
/// <param name="Folder">The top of the file system.</param>
/// <param name="Facts">What it is.</param>
public sealed record ToolchainRoot(ContentDigest Digest, string Folder, ToolchainFacts Facts)
{
    /// <summary>What a sandbox is given.</summary>
    public Userland Userland => new(Folder);
}

/// <summary>What is known of a toolchain root.</summary>
/// <param name="Format">Version of this form.</param>
/// <param name="Name">Where it is from: <c>debian:SUITE</c>, or the file that was imported.</param>
/// <param name="MadeAt">When it was made, UTC.</param>
/// <param name="Size">Bytes of its files.</param>
/// <param name="Packages">The packages that it was made of, as <c>name=version</c>; empty for one that was imported.</param>
/// <param name="Compilers">Its compilers.</param>
/// <param name="Assembler">Version of its assembler, as kbuild writes it (24400 for 2.44); 0 for none.</param>
/// <param name="Linker">Version of its linker, likewise.</param>
/// <param name="RustCompiler">The first line that its Rust compiler prints of itself; empty for none.</param>
/// <param name="Bindgen">What its bindgen prints of itself; empty for none.</param>
public sealed record ToolchainFacts(
    int Format,
    string Name,
    DateTimeOffset MadeAt,
    long Size,
    IReadOnlyList<string> Packages,
    IReadOnlyList<RootCompiler> Compilers,
    int Assembler,
    int Linker,
    string RustCompiler,
    string Bindgen
)
{
    /// <summary>The form that this program writes.</summary>
    public const int CurrentFormat = 1;
}

/// <summary>A compiler in a toolchain root.</summary>
/// <param name="Path">Where it is in the root.</param>
/// <param name="Version">What it says of itself, without its name.</param>
public sealed record RootCompiler(string Path, string Version)
{
    /// <summary>The name of its file.</summary>
    public string Name => System.IO.Path.GetFileName(Path);

    /// <summary>The first line that it prints of itself.</summary>
    public string Text => $"{Name} {Version}";
}
