// In: a name or a digest. Out: the toolchain root. Roots are added and removed in one piece, as kernel records are.

using System.Text.Json;
using Elivepatch.Kernel.Storage;
using Elivepatch.Model;

namespace Elivepatch.Kernel.Toolchains;

/// <summary>The toolchain roots in the cache.</summary>
public sealed class ToolchainRoots(CacheRoot cache)
{
    private const string FactsName = "toolchain.json";
    private const string RootName = "root";
    private const int ShortestDigest = 8;

    // 30,000 files are too many to look at each time. A damaged library shows when a program does not run.
    private static readonly EntryKind Kind = new(
        "toolchains",
        path => path == FactsName || Path.GetFileName(path) is "cc1" or "as" or "ld" or "collect2"
    );

    private readonly string folder = cache.EnsureFolder(Kind.Name);

    /// <summary>All roots, the oldest first; damaged ones are left out.</summary>
    public IReadOnlyList<ToolchainRoot> List() =>
        [
            .. Directory
                .EnumerateDirectories(folder)
                .Select(d => Path.GetFileName(d))
                .Where(ContentDigest.IsHex)
                .Select(d => Read(new(d)))
                .Where(r => r.Succeeded)
                .Select(r => r.Value)
                .OrderBy(r => r.Facts.MadeAt)
                .ThenBy(r => r.Digest.Hex, StringComparer.Ordinal),
        ];

    /// <summary>Opens a root by its digest, the first digits of it, or its name; of several of a name the newest.</summary>
    public Outcome<ToolchainRoot> Open(string name)
    {
        if (ContentDigest.IsHex(name) && Directory.Exists(Path.Combine(folder, name)))
        {
            return Read(new(name));
        }

        var found = List()
            .LastOrDefault(r =>
                r.Facts.Name == name || (name.Length >= ShortestDigest && r.Digest.Hex.StartsWith(name, StringComparison.Ordinal))
            );
        return found is null ? new Problem(ToolchainProblems.RootUnknown, name) : found;
    }

    /// <summary>Removes a root; what it compiled stays.</summary>
    public Outcome<ToolchainRoot> Remove(string name) =>
        Open(name)
            .Then<ToolchainRoot>(root =>
            {
                using var rubbish = cache.NewWorkspace();
                Directory.Move(Path.Combine(folder, root.Digest.Hex), Path.Combine(rubbish.FullPath, "removed"));
                return root;
            });

    /// <summary>Adds a root whose files lie finished in a folder of the cache, which is moved.</summary>
    /// <param name="files">The top of the file system.</param>
    /// <param name="name">Where it is from.</param>
    /// <param name="packages">The packages that it was made of.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <param name="expected">The digest that it has to have; null for any.</param>
    public async Task<Outcome<ToolchainRoot>> AddAsync(
        string files,
        string name,
        IReadOnlyList<string> packages,
        CancellationToken cancellation,
        ContentDigest? expected = null
    )
    {
        var (digest, size) = await Task.Run(() => RootFiles.Measure(files, cancellation), cancellation);
        if (expected is { } wanted && digest != wanted)
        {
            return new Problem(ToolchainProblems.RootDamaged, $"{name} has the digest {digest.Hex} instead of {wanted.Hex}");
        }

        var probed = await RootProbe.RunAsync(new(files), name, size, packages, cancellation);
        if (!probed.TryGet(out var facts))
        {
            return Outcome<ToolchainRoot>.Failure(probed.Problems);
        }

        var entry = await cache.GetAsync(
            Kind,
            digest,
            async target =>
            {
                Directory.Move(files, Path.Combine(target, RootName));
                await using var stream = File.Create(Path.Combine(target, FactsName));
                await JsonSerializer.SerializeAsync(stream, facts, ToolchainJson.Default.ToolchainFacts, cancellation);
                return null;
            },
            cancellation
        );
        return entry.Succeeded ? Read(digest) : Outcome<ToolchainRoot>.Failure(entry.Problems);
    }

    private Outcome<ToolchainRoot> Read(ContentDigest digest)
    {
        if (cache.Find(Kind, digest) is not { } path)
        {
            return new Problem(ToolchainProblems.RootDamaged, digest.Hex);
        }

        try
        {
            var json = File.ReadAllBytes(Path.Combine(path, FactsName));
            var facts = JsonSerializer.Deserialize(json, ToolchainJson.Default.ToolchainFacts);
            return facts is { Format: ToolchainFacts.CurrentFormat }
                ? new ToolchainRoot(digest, Path.Combine(path, RootName), facts)
                : new Problem(ToolchainProblems.RootDamaged, $"{digest.Hex} is of another format");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException)
        {
            return new Problem(ToolchainProblems.RootDamaged, $"{digest.Hex}: {e.Message}");
        }
    }
}
