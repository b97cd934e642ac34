// In: a kernel's record and the names of modules. Out: their files, each of them known to be of this kernel.
using Elivepatch.Elf;
using Elivepatch.Engine;
using Elivepatch.Engine.Facts;
using Elivepatch.Engine.Targets;
using Elivepatch.Kernel.Records;
using Elivepatch.Kernel.Storage;
using Elivepatch.Model;

namespace Elivepatch.Kernel.Import;

/// <summary>Finds the files of a kernel's modules.</summary>
/// <param name="cache">Where packages are kept.</param>
/// <param name="record">The kernel.</param>
public sealed class ModuleFiles(CacheRoot cache, KernelRecord record)
{
    /// <summary>Reads modules as what functions live in.</summary>
    /// <param name="names">Their names, as the kernel calls them.</param>
    /// <param name="cancellation">Ends it.</param>
    public async Task<Outcome<IReadOnlyList<ModuleTarget>>> OpenAsync(IEnumerable<string> names, CancellationToken cancellation)
    {
        var found = new List<ModuleTarget>();
        var problems = new List<Problem>();
        foreach (var name in names.Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal))
        {
            var opened = (await ReadAsync(name, cancellation)).Then(file => Open(name, file));
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
        if (record.ModulePath(name) is { } path)
        {
            return await ModuleContent.ReadAsync(name, await File.ReadAllBytesAsync(path, cancellation), cancellation);
        }

        if (record.Facts.Origin.Packages is not [var image, ..])
        {
            return new Problem(RecordProblems.ModuleMissing, $"{name} of {record.Facts.Release}");
        }

        var packaged = await PackagedModules.OpenAsync(cache, record.Facts.Release, image, cancellation);
        if (!packaged.TryGet(out var modules))
        {
            return Outcome<ReadOnlyMemory<byte>>.Failure(packaged.Problems);
        }

        return await modules.ReadAsync(name, cancellation);
    }

    // The name and the release are what the module loader looks at; which build it is of, its own sections say.
    private Outcome<ModuleTarget> Open(string name, ReadOnlyMemory<byte> file)
    {
        try
        {
            var elf = ElfReader.Read(file.ToArray());
            var information = ModuleInformation.Of(elf);
            if (information.Name is { } called && called != name)
            {
                return new Problem(RecordProblems.ModuleUnreadable, $"{name}: the file is of a module that is called {called}");
            }

            if (information.Vermagic?.Split(' ')[0] is { } release && release != record.Facts.Release)
            {
                return new Problem(
                    RecordProblems.ModuleContradicts,
                    $"{name}: the file is for {release}, the kernel is {record.Facts.Release}"
                );
            }

            return ModuleTarget
                .Open(record.Facts.Architecture.Engine, name, elf)
                .Then<ModuleTarget>(target => IsLoadedOne(target) is { } problem ? problem : target);
        }
        catch (ElfFormatException e)
        {
            return new Problem(DiffProblems.MalformedObject, $"{name}: {e.Message}");
        }
    }

    private Problem? IsLoadedOne(ModuleTarget module)
    {
        var loaded = record.Facts.Modules.FirstOrDefault(m => m.Name == module.ObjectName);
        return
            loaded?.BuildId is { } running
            && module.BuildId is { } own
            && !string.Equals(own, running, StringComparison.OrdinalIgnoreCase)
            ? new(
                RecordProblems.ModuleContradicts,
                $"{module}: the file has build-id {own}, the module that was loaded when the kernel was captured {running}"
            )
            : null;
    }
}
