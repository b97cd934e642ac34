// In: a kernel's record, files that a user names, and the names of modules. Out: their files, each of them known to be of this
// kernel.
using Elivepatch.Engine.Targets;
using Elivepatch.Kernel.Records;
using Elivepatch.Kernel.Storage;
using Elivepatch.Model;

namespace Elivepatch.Kernel.Import;

/// <summary>Finds the files of a kernel's modules.</summary>
/// <param name="cache">Where packages are kept.</param>
/// <param name="record">The kernel.</param>
/// <param name="given">Files that are used before any other; null for none.</param>
public sealed class ModuleFiles(CacheRoot cache, KernelRecord record, GivenModules? given = null)
{
    private readonly ModuleIdentity identity = new(record.Facts.Architecture.Engine, record.Facts.Release, record.Facts.Modules);

    /// <summary>Those that a user names.</summary>
    public GivenModules Given { get; } = given ?? GivenModules.None;

    /// <summary>Reads modules as what functions live in.</summary>
    /// <param name="names">Their names, as the kernel calls them.</param>
    /// <param name="cancellation">Ends it.</param>
    public async Task<Outcome<IReadOnlyList<ModuleTarget>>> OpenAsync(IEnumerable<string> names, CancellationToken cancellation)
    {
        var found = new List<ModuleTarget>();
        var problems = new List<Problem>();
        foreach (var name in names.Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal))
        {
            var opened = (await ReadAsync(name, cancellation)).Then(file => identity.Open(name, name, file));
            if (opened.TryGet(out var target))
            {
                found.Add(target);
            }
            else
            {
                problems.AddRange(opened.Problems);
            }
        }

        return problems.Count > 0 ? Outcome<IReadOnlyList<ModuleTarget>>.Failure(problems) : found;
    }

    /// <summary>Reads a module's file, uncompressed.</summary>
    /// <param name="name">Its name, as the kernel calls it.</param>
    /// <param name="cancellation">Ends it.</param>
    public async Task<Outcome<ReadOnlyMemory<byte>>> ReadAsync(string name, CancellationToken cancellation)
    {
        if (Given.All.TryGetValue(name, out var content))
        {
            return content;
        }

        if (record.ModulePath(name) is { } path)
        {
            return await ModuleContent.ReadAsync(name, await File.ReadAllBytesAsync(path, cancellation), cancellation);
        }

        if (record.Facts.Origin.Packages.Count == 0)
        {
            return new Problem(RecordProblems.ModuleMissing, $"{name} of {record.Facts.Release}") { MissingModule = name };
        }

        var packaged = await PackagedModules.OpenAsync(cache, record.Facts.Release, record.Facts.Origin, cancellation);
        if (!packaged.TryGet(out var modules))
        {
            return Outcome<ReadOnlyMemory<byte>>.Failure(packaged.Problems);
        }

        return await modules.ReadAsync(name, cancellation);
    }
}
