using Elivepatch.Kernel.Architectures;
using Elivepatch.Kernel.Records;
using Elivepatch.Kernel.Storage;
using Elivepatch.Model;
using Elivepatch.Protocol.Captures;

namespace Elivepatch.Kernel.Trees;

/// <summary>All that determines a prepared tree.</summary>
/// <param name="Architecture">The processor that the kernel is for.</param>
/// <param name="Source">The source archive, with its digest.</param>
/// <param name="Config">The kernel's configuration.</param>
/// <param name="Release">The kernel's release, which its build got as <c>KERNELRELEASE</c>.</param>
/// <param name="BasePatches">Patches that the kernel was built with, in order.</param>
/// <param name="PackagedHeaders">A folder with the generated headers of the kernel's package, to compare with; or null.</param>
public sealed record TreeRecipe(
    KernelArchitecture Architecture,
    SourceArchive Source,
    KernelConfig Config,
    string Release,
    IReadOnlyList<string> BasePatches,
    string? PackagedHeaders
)
{
    // Raised whenever preparation does something else with the same inputs.
    private const string Version = "3";

    private static readonly string[] builderHeaders = ["compile.h", "package.h", "utsversion.h"];

    /// <summary>The recipe for an imported kernel.</summary>
    public static Outcome<TreeRecipe> For(KernelRecord record, CacheRoot cache) =>
        new SourceArchives(cache)
            .Find(record.SourceKey)
            .Then<TreeRecipe>(source => new TreeRecipe(
                record.Facts.Architecture,
                source,
                record.ReadConfig(),
                record.Facts.Release,
                record.BasePatchPaths,
                record.PackagedHeadersPath
            )
            {
                SourcePath = record.Facts.SourcePath,
            });

    /// <summary>Where the source lay when the kernel was compiled; null where its code does not tell.</summary>
    public string? SourcePath { get; init; }

    /// <summary>Where the source lay when a kernel was compiled; null where its code does not tell.</summary>
    /// <param name="config">The configuration: without UBSAN no code has a path.</param>
    /// <param name="vmlinux">The uncompressed image; empty where it is not known.</param>
    public static string? FindSourcePath(KernelConfig config, ReadOnlySpan<byte> vmlinux) =>
        config.IsSet("UBSAN") ? Records.SourcePath.Find(vmlinux) : null;

    /// <summary>The key of the tree that this recipe makes.</summary>
    public ContentDigest Key =>
        ContentDigest.OfParts([
            Version,
            Source.Key.Hex,
            Config.Text,
            Release,
            .. BasePatches.Select(p => ContentDigest.Of(File.ReadAllBytes(p)).Hex),
            "builder",
            .. BuilderHeaders.Select(h => ContentDigest.Of(h.Text).Hex),
            .. SourcePath is { } path ? ["path", path] : Array.Empty<string>(),
        ]);

    /// <summary>
    /// The generated headers that tell who built the kernel, when and as which package, where its package has them: path in the
    /// tree and text. No preparation can know it.
    /// </summary>
    public IReadOnlyList<(string Path, byte[] Text)> BuilderHeaders =>
        PackagedHeaders is null
            ? []
            :
            [
                .. builderHeaders
                    .Select(n => Path.Combine("include", "generated", n))
                    .Where(n => File.Exists(Path.Combine(PackagedHeaders, n)))
                    .Select(n => (n, File.ReadAllBytes(Path.Combine(PackagedHeaders, n)))),
            ];
}
