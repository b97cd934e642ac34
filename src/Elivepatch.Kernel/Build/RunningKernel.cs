using Elivepatch.Elf;
using Elivepatch.Engine;
using Elivepatch.Engine.Facts;
using Elivepatch.Engine.Targets;
using Elivepatch.Kernel.Records;
using Elivepatch.Model;

namespace Elivepatch.Kernel.Build;

/// <summary>The facts of a kernel record, read.</summary>
/// <param name="Symbols">Its symbols.</param>
/// <param name="Exports">Its exports; empty where nobody knows them, so that everything becomes a livepatch symbol.</param>
/// <param name="Image">Its image, or null where only the layout can be compared.</param>
public sealed record RunningKernel(KernelSymbols Symbols, ExportedSymbols Exports, KernelImage? Image)
{
    /// <summary>The kernel proper, as what functions live in.</summary>
    public VmlinuxTarget Vmlinux { get; } = new(Symbols, Image);

    /// <summary>Those of its modules that have been read.</summary>
    public IReadOnlyList<ModuleTarget> Modules { get; init; } = [];

    /// <summary>All objects that have been read.</summary>
    public KernelObjects Objects => new(Vmlinux, Modules);

    /// <summary>The same with more exports.</summary>
    public RunningKernel With(IReadOnlyList<ExportedSymbol> exports) =>
        exports.Count == 0 ? this : this with { Exports = Exports.With(exports) };

    /// <summary>Reads the files of a record.</summary>
    public static Outcome<RunningKernel> Load(KernelRecord record)
    {
        var symbols = KernelSymbols.Parse(File.ReadAllBytes(record.KallsymsPath));
        if (!symbols.TryGet(out var kernelSymbols))
        {
            return Outcome<RunningKernel>.Failure(symbols.Problems);
        }

        var exports = ExportedSymbols.Parse(record.SymversPath is { } path ? File.ReadAllBytes(path) : []);
        if (!exports.TryGet(out var exported))
        {
            return Outcome<RunningKernel>.Failure(exports.Problems);
        }

        if (record.VmlinuxPath is not { } vmlinux)
        {
            return new RunningKernel(kernelSymbols, exported, null);
        }

        try
        {
            return KernelImage
                .Open(record.Facts.Architecture.Engine, ElfReader.Read(File.ReadAllBytes(vmlinux)), kernelSymbols)
                .Then<RunningKernel>(image => new RunningKernel(kernelSymbols, exported, image));
        }
        catch (ElfFormatException e)
        {
            return new Problem(DiffProblems.MalformedObject, $"{vmlinux}: {e.Message}");
        }
    }
}
