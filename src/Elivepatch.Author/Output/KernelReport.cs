using Elivepatch.Kernel.Records;

namespace Elivepatch.Author.Output;

/// <summary>A kernel record as scripts read it.</summary>
/// <param name="Name">The name for <c>--kernel</c>.</param>
/// <param name="Release">What <c>uname -r</c> says on it.</param>
/// <param name="BuildId">The build-id of vmlinux in hexadecimal.</param>
/// <param name="Compiler">The compiler that built it.</param>
/// <param name="Version">The version text of the build.</param>
/// <param name="Origin"><c>debian</c> or <c>capture</c>.</param>
/// <param name="Packages">The packages with their versions; empty for a capture.</param>
/// <param name="ImportedAt">When it was imported, UTC.</param>
/// <param name="Source">SHA-256 of the source archive.</param>
/// <param name="BasePatches">Patches that it was built with, in order.</param>
/// <param name="Proof">
/// What a livepatch for it is proven against: <c>bytes</c> where its image is known, else <c>layout</c>.
/// </param>
/// <param name="HasBootImage">True where it can be booted for a trial.</param>
/// <param name="Modules">Modules that were loaded when it was captured.</param>
/// <param name="Livepatches">Livepatches that were loaded when it was captured.</param>
/// <param name="Folder">The folder of the record.</param>
internal sealed record KernelReport(
    string Name,
    string Release,
    string BuildId,
    string Compiler,
    string Version,
    string Origin,
    IReadOnlyList<string> Packages,
    DateTimeOffset ImportedAt,
    string Source,
    IReadOnlyList<string> BasePatches,
    string Proof,
    bool HasBootImage,
    IReadOnlyList<string> Modules,
    IReadOnlyList<string> Livepatches,
    string Folder
)
{
    /// <summary>Gathers the report of a record.</summary>
    public static KernelReport Of(KernelRecord record) =>
        new(
            record.Facts.Name,
            record.Facts.Release,
            record.Facts.BuildId,
            record.Facts.Compiler,
            record.Facts.KernelVersionText,
            record.Facts.Origin.Kind,
            record.Facts.Origin.Packages,
            record.Facts.Origin.ImportedAt,
            record.Facts.SourceDigest,
            [.. record.Facts.BasePatches.Select(p => p.Name)],
            record.VmlinuxPath is null ? "layout" : "bytes",
            record.BootImagePath is not null,
            [.. record.Facts.Modules.Select(m => m.Name)],
            record.Facts.Livepatches,
            record.Folder
        );
}
