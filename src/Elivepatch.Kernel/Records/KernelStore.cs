// In: a name. Out: the record of that kernel. Records are added in one piece by renaming a finished folder, and removed in one
// piece likewise.

using System.Text.Json;
using Elivepatch.Kernel.Storage;
using Elivepatch.Model;
using Elivepatch.Protocol.Captures;

namespace Elivepatch.Kernel.Records;

/// <summary>The kernels that have been imported.</summary>
public sealed class KernelStore(CacheRoot cache)
{
    private readonly string folder = cache.EnsureFolder("kernels");

    /// <summary>All records, in order of name; damaged ones are left out.</summary>
    public IReadOnlyList<KernelRecord> List() =>
        [
            .. Directory
                .EnumerateDirectories(folder)
                .Order(StringComparer.Ordinal)
                .Select(d => Read(d))
                .Where(r => r.Succeeded)
                .Select(r => r.Value),
        ];

    /// <summary>Opens a record by name, by <c>debian:</c> and name, or by build-id.</summary>
    public Outcome<KernelRecord> Open(string name)
    {
        var plain = name.StartsWith("debian:", StringComparison.Ordinal) ? name["debian:".Length..] : name;
        if (ReleaseName.IsValid(plain) && Directory.Exists(PathOf(plain)))
        {
            return Read(PathOf(plain));
        }

        if (List().FirstOrDefault(r => r.Facts.BuildId == plain) is { } record)
        {
            return record;
        }

        return new Problem(RecordProblems.KernelUnknown, $"no kernel {plain} has been imported");
    }

    /// <summary>Removes a record.</summary>
    public Outcome<KernelRecord> Remove(string name) =>
        Open(name)
            .Then<KernelRecord>(record =>
            {
                using var rubbish = cache.NewWorkspace();
                Directory.Move(record.Folder, Path.Combine(rubbish.FullPath, "removed"));
                return record;
            });

    /// <summary>Adds a record whose files lie finished in a workspace, in place of one of the same name.</summary>
    public KernelRecord Add(Workspace workspace, KernelFacts facts)
    {
        if (!ReleaseName.IsValid(facts.Name))
        {
            throw new ArgumentException($"not a name: {facts.Name}", nameof(facts));
        }

        using (var stream = new FileStream(Path.Combine(workspace.FullPath, RecordFiles.Facts), FileMode.Create))
        {
            JsonSerializer.Serialize(stream, facts, RecordJson.Default.KernelFacts);
            stream.Flush(flushToDisk: true);
        }
        return new(cache.Publish(workspace, PathOf(facts.Name)), facts);
    }

    /// <summary>The name for a kernel: its release, unless that belongs to another build.</summary>
    public string NameFor(string release, BuildId buildId)
    {
        var taken =
            Directory.Exists(PathOf(release))
            && Read(PathOf(release)).TryGet(out var record)
            && record.Facts.BuildId != buildId.Hex;
        return taken ? $"{release}-{buildId.Hex[..8]}" : release;
    }

    private string PathOf(string name) => Path.Combine(folder, name);

    private static Outcome<KernelRecord> Read(string path)
    {
        var name = Path.GetFileName(path);
        try
        {
            var json = File.ReadAllBytes(Path.Combine(path, RecordFiles.Facts));
            var facts = JsonSerializer.Deserialize(json, RecordJson.Default.KernelFacts);
            if (facts is not { Format: KernelFacts.CurrentFormat } || facts.Name != name)
            {
                return new Problem(RecordProblems.RecordDamaged, $"{name}: the record is of another format");
            }

            var record = new KernelRecord(path, facts);
            return File.Exists(record.ConfigPath) && File.Exists(record.KallsymsPath)
                ? record
                : new Problem(RecordProblems.RecordDamaged, $"{name}: files are missing");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException)
        {
            return new Problem(RecordProblems.RecordDamaged, $"{name}: {e.Message}");
        }
    }
}
