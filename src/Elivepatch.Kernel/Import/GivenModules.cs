using Elivepatch.Engine.Facts;
using Elivepatch.Kernel.Architectures;
using Elivepatch.Kernel.Records;
using Elivepatch.Model;
using Elivepatch.Protocol.Captures;

namespace Elivepatch.Kernel.Import;

/// <summary>Files of modules that a user names (<c>.ko</c>, compressed or not), each of them known to be of the kernel.</summary>
public sealed class GivenModules
{
    // All that a user's patches may be about; those of a machine have some megabytes each.
    private const long LargestTotal = 512L << 20;

    private GivenModules(IReadOnlyDictionary<string, ReadOnlyMemory<byte>> all, IReadOnlyList<ExportedSymbol> exports) =>
        (All, Exports) = (all, exports);

    /// <summary>No files.</summary>
    public static GivenModules None { get; } = new(new Dictionary<string, ReadOnlyMemory<byte>>(), []);

    /// <summary>Names of the modules, as the kernel calls them, with their files, not compressed.</summary>
    public IReadOnlyDictionary<string, ReadOnlyMemory<byte>> All { get; }

    /// <summary>What they export: the kernel's own list lacks modules that were built outside of its tree.</summary>
    public IReadOnlyList<ExportedSymbol> Exports { get; }

    /// <summary>Reads files for a kernel record.</summary>
    public static Task<Outcome<GivenModules>> ReadAsync(
        KernelRecord record,
        IReadOnlyList<string> paths,
        CancellationToken cancellation
    ) => ReadAsync(record.Facts.Architecture, record.Facts.Release, record.Facts.Modules, paths, cancellation);

    /// <summary>Reads files.</summary>
    /// <param name="architecture">The kernel's processor.</param>
    /// <param name="release">The kernel's release.</param>
    /// <param name="loaded">Modules that were loaded when it was captured.</param>
    /// <param name="paths">The files.</param>
    /// <param name="cancellation">Ends it.</param>
    public static async Task<Outcome<GivenModules>> ReadAsync(
        KernelArchitecture architecture,
        string release,
        IReadOnlyList<LoadedModule> loaded,
        IReadOnlyList<string> paths,
        CancellationToken cancellation
    )
    {
        var identity = new ModuleIdentity(architecture.Engine, release, loaded);
        var found = new Dictionary<string, ReadOnlyMemory<byte>>(StringComparer.Ordinal);
        var exports = new List<ExportedSymbol>();
        var total = 0L;
        foreach (var path in paths)
        {
            var read = await ReadFileAsync(path, cancellation);
            if (!read.TryGet(out var content))
            {
                return Outcome<GivenModules>.Failure(read.Problems);
            }

            total += content.Length;
            if (total > LargestTotal)
            {
                return new Problem(
                    RecordProblems.ModuleUnreadable,
                    $"{path}: the modules together have more than {LargestTotal >> 20} MiB"
                );
            }

            var opened = identity.Open(path, null, content);
            if (!opened.TryGet(out var module))
            {
                return Outcome<GivenModules>.Failure(opened.Problems);
            }

            if (!found.TryAdd(module.ObjectName, content))
            {
                return new Problem(
                    RecordProblems.ModuleUnreadable,
                    $"{path}: another file of {module.ObjectName} is named as well"
                );
            }

            exports.AddRange(module.Exports);
        }

        return new GivenModules(found, exports);
    }

    // A file may be a link: its size is known when it is open.
    private static async Task<Outcome<ReadOnlyMemory<byte>>> ReadFileAsync(string path, CancellationToken cancellation)
    {
        try
        {
            await using var file = File.OpenRead(path);
            if (file.Length > ModuleContent.Largest)
            {
                return new Problem(RecordProblems.ModuleUnreadable, $"{path} has {file.Length >> 20} MiB");
            }

            var content = new byte[file.Length];
            await file.ReadExactlyAsync(content, cancellation);
            return await ModuleContent.ReadAsync(path, content, cancellation);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return new Problem(RecordProblems.ModuleUnreadable, $"{path}: {e.Message}");
        }
    }
}
