// In: a root file system that somebody made elsewhere, as a tar archive or as an OCI image layout. Out: a toolchain root. Whoever
// made it is trusted with the code of livepatches and no more: it is unpacked and run in a sandbox only, and what it compiles of
// the unpatched source is compared with the kernel that runs.

using System.Text.Json;
using Elivepatch.Kernel.Storage;
using Elivepatch.Model;
using Elivepatch.Model.Progress;

namespace Elivepatch.Kernel.Toolchains;

/// <summary>Imports toolchain roots.</summary>
/// <param name="cache">Where roots are kept.</param>
/// <param name="progress">Told of every step.</param>
public sealed class ImportedRoots(CacheRoot cache, IProgress<StageEvent>? progress = null)
{
    private const string Stage = "toolchain";
    private const string LayoutName = "oci-layout";
    private const string BlobFolder = "blobs";
    private const int LongestJson = 4 << 20;
    private const int MostLayers = 256;
    private const long LargestLayout = 8L << 30;

    /// <summary>Imports one.</summary>
    /// <param name="path">A tar archive of a root file system or of an OCI layout, compressed or not; or the folder of a layout.</param>
    /// <param name="cancellation">Ends it.</param>
    public async Task<Outcome<ToolchainRoot>> RunAsync(string path, CancellationToken cancellation)
    {
        using var workspace = cache.NewWorkspace();
        var layers = await FindLayersAsync(path, workspace.FullPath, cancellation);
        if (!layers.TryGet(out var found))
        {
            return Fail(layers.Problems);
        }

        var root = Directory.CreateDirectory(Path.Combine(workspace.FullPath, "root")).FullName;
        var done = 0;
        if (
            await RootUnpacking.UnpackLayersAsync(
                found.Folder,
                found.Names,
                root,
                _ => Report(StageState.Running, "unpack", Interlocked.Increment(ref done), found.Names.Count),
                cancellation
            ) is
            { } problem
        )
        {
            return Fail([problem]);
        }

        Report(StageState.Running, "look what it has");
        var added = await new ToolchainRoots(cache).AddAsync(
            root,
            Path.GetFileName(Path.TrimEndingDirectorySeparator(path)),
            [],
            cancellation
        );
        Report(added.Succeeded ? StageState.Done : StageState.Failed, "");
        return added;
    }

    private async Task<Outcome<Layers>> FindLayersAsync(string path, string workspace, CancellationToken cancellation)
    {
        if (Directory.Exists(path))
        {
            return File.Exists(Path.Combine(path, LayoutName))
                ? await ReadLayoutAsync(Path.GetFullPath(path), cancellation)
                : new Problem(ToolchainProblems.RootUnusable, $"{path} is a folder without {LayoutName}: name an archive of it");
        }

        if (!File.Exists(path))
        {
            return new Problem(ToolchainProblems.RootUnusable, $"{path} does not exist");
        }

        Report(StageState.Running, "read the archive");
        var full = Path.GetFullPath(path);
        var (folder, name) = (Path.GetDirectoryName(full)!, Path.GetFileName(full));
        var listed = await RootUnpacking.HasMemberAsync(folder, name, LayoutName, cancellation);
        if (!listed.TryGet(out var isLayout))
        {
            return Outcome<Layers>.Failure(listed.Problems);
        }

        if (!isLayout)
        {
            return new Layers(folder, [name]);
        }

        var layout = Directory.CreateDirectory(Path.Combine(workspace, "layout")).FullName;
        return await Archives.UnpackPlainAsync(full, layout, LargestLayout, cancellation) is { } problem
            ? problem
            : await ReadLayoutAsync(layout, cancellation);
    }

    // https://github.com/opencontainers/image-spec: image-layout.md, image-index.md, manifest.md
    private static async Task<Outcome<Layers>> ReadLayoutAsync(string folder, CancellationToken cancellation)
    {
        try
        {
            var json = await ReadJsonAsync(Path.Combine(folder, "index.json"), cancellation);
            // An index may name another one, with an image for each processor.
            for (var depth = 0; depth < 4; depth++)
            {
                if (json.RootElement.TryGetProperty("layers", out var layers))
                {
                    var names = layers.EnumerateArray().Take(MostLayers + 1).Select(BlobOf).ToList();
                    if (names.Count > MostLayers)
                    {
                        return Unusable($"it has more than {MostLayers} layers");
                    }

                    foreach (var name in names)
                    {
                        await CheckBlobAsync(folder, name, cancellation);
                    }

                    return new Layers(folder, names);
                }

                var manifests = json.RootElement.GetProperty("manifests").EnumerateArray().Where(IsOfHere).ToList();
                if (manifests.Count != 1)
                {
                    return Unusable(
                        manifests.Count == 0
                            ? "it has no image for this processor"
                            : "it has several images: copy one of them into a layout of its own"
                    );
                }

                var manifest = BlobOf(manifests[0]);
                await CheckBlobAsync(folder, manifest, cancellation);
                json = await ReadJsonAsync(Path.Combine(folder, manifest), cancellation);
            }

            return Unusable("its indexes go too deep");
        }
        catch (Exception e)
            when (e is JsonException or InvalidOperationException or KeyNotFoundException or FormatException or IOException)
        {
            return Unusable(e.Message);
        }

        static Problem Unusable(string why) => new(ToolchainProblems.RootUnusable, $"the OCI layout: {why}");
    }

    private static async Task<JsonDocument> ReadJsonAsync(string path, CancellationToken cancellation)
    {
        if (new FileInfo(path) is { LinkTarget: not null } or { Length: > LongestJson })
        {
            throw new FormatException($"{Path.GetFileName(path)} is a link or too long");
        }

        return JsonDocument.Parse(await File.ReadAllBytesAsync(path, cancellation));
    }

    // What does not say which processor it is for is an image by itself.
    private static bool IsOfHere(JsonElement manifest) =>
        !manifest.TryGetProperty("platform", out var platform)
        || (
            platform.GetProperty("os").GetString() == "linux"
            && platform.GetProperty("architecture").GetString() == Architectures.KernelArchitectures.Host?.DistributionName
        );

    private static string BlobOf(JsonElement descriptor)
    {
        var digest = descriptor.GetProperty("digest").GetString();
        return digest is not null && digest.StartsWith("sha256:", StringComparison.Ordinal) && ContentDigest.IsHex(digest[7..])
            ? $"{BlobFolder}/sha256/{digest[7..]}"
            : throw new FormatException("a digest is not SHA-256");
    }

    private static async Task CheckBlobAsync(string folder, string blob, CancellationToken cancellation)
    {
        var path = Path.Combine(folder, blob);
        if (
            new FileInfo(path).LinkTarget is not null
            || await ContentDigest.OfFileAsync(path, cancellation) != new ContentDigest(Path.GetFileName(blob))
        )
        {
            throw new FormatException($"{blob} is not what its name says");
        }
    }

    private Outcome<ToolchainRoot> Fail(IReadOnlyList<Problem> problems)
    {
        Report(StageState.Failed, "");
        return Outcome<ToolchainRoot>.Failure(problems);
    }

    private void Report(StageState state, string detail, long? done = null, long? total = null) =>
        progress?.Report(new(Stage, detail, state, done, total));

    // The archives, the lowest layer first, by path in a folder.
    private sealed record Layers(string Folder, IReadOnlyList<string> Names);
}
