using Elivepatch.Kernel.Toolchains;

namespace Elivepatch.Author.Output;

/// <summary>A toolchain root as scripts read it.</summary>
/// <param name="Name">Where it is from: <c>debian:SUITE</c>, or the file that was imported.</param>
/// <param name="Digest">SHA-256 of its files.</param>
/// <param name="Compilers">What its compilers print of themselves.</param>
/// <param name="Assembler">Version of its assembler, as kbuild writes it (24400 for 2.44).</param>
/// <param name="Linker">Version of its linker, likewise.</param>
/// <param name="RustCompiler">What its Rust compiler prints of itself; empty for none.</param>
/// <param name="Bindgen">What its bindgen prints of itself; empty for none.</param>
/// <param name="Size">Bytes of its files.</param>
/// <param name="MadeAt">When it was added, UTC.</param>
/// <param name="Packages">The packages that it was made of, as <c>name=version</c>; empty for one that was imported.</param>
/// <param name="Folder">The top of its file system.</param>
internal sealed record ToolchainReport(
    string Name,
    string Digest,
    IReadOnlyList<string> Compilers,
    int Assembler,
    int Linker,
    string RustCompiler,
    string Bindgen,
    long Size,
    DateTimeOffset MadeAt,
    IReadOnlyList<string> Packages,
    string Folder
)
{
    /// <summary>Gathers the report of a root.</summary>
    public static ToolchainReport Of(ToolchainRoot root) =>
        new(
            root.Facts.Name,
            root.Digest.Hex,
            [.. root.Facts.Compilers.Select(c => c.Text)],
            root.Facts.Assembler,
            root.Facts.Linker,
            root.Facts.RustCompiler,
            root.Facts.Bindgen,
            root.Facts.Size,
            root.Facts.MadeAt,
            root.Facts.Packages,
            root.Folder
        );
}
