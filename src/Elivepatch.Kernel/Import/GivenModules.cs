using Elivepatch.Engine.Facts;
using Elivepatch.Kernel.Architectures;
using Elivepatch.Kernel.Records;
using Elivepatch.Model;
using Elivepatch.Protocol.Captures;

namespace Elivepatch.Kernel.Import;

/// <summary>Files of modules that a user names (<c>.ko</c>, compressed or not), each of them known to be of the kernel.</summary>
public sealed class GivenModules
{
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
        foreach (var path in paths)
        {
            var info = new FileInfo(path);
            if (!info.Exists || info.Length > ModuleContent.Largest)
            {
                return new Problem(
                    RecordProblems.ModuleUnreadable,
                    $"{path} {(info.Exists ? $"has {info.Length >> 20} MiB" : "does not exist")}"
                );
            }

            var read = await ModuleContent.ReadAsync(path, await File.ReadAllBytesAsync(path, cancellation), cancellation);
            if (!read.TryGet(out var content))
            {
                return Outcome<GivenModules>.Failure(read.Problems);
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
}
