using Elivepatch.Elf;
using Elivepatch.Engine.Facts;

namespace Elivepatch.Engine.SelfCheck;

/// <summary>What rules look at: the file, what it says, the kernel, and what several rules ask of these.</summary>
internal sealed class RuleContext(ElfObject elf, LivepatchModule module, TargetKernel kernel)
{
    /// <summary>What the names of livepatch relocation sections begin with.</summary>
    public const string LivepatchSectionPrefix = ".klp.rela.";

    private readonly Dictionary<(string Object, string Name), IReadOnlyList<KernelSymbol>?> named = [];

    public ElfObject Elf => elf;

    public LivepatchModule Module => module;

    public TargetKernel Kernel => kernel;

    /// <summary>Relocation sections whose target is loaded; the kernel passes over all others.</summary>
    public IReadOnlyList<ElfRelocationSection> Loaded { get; } =
        [.. elf.RelocationSections.Where(s => s.Target.Has(ElfSectionFlags.Alloc))];

    /// <summary>Relocation sections that are meant for the livepatch core, by flag or by name.</summary>
    public IReadOnlyList<ElfRelocationSection> Livepatch { get; } =
        [.. elf.RelocationSections.Where(s => s.Has(ElfSectionFlags.RelaLivepatch) || HasLivepatchName(s))];

    /// <summary>True where the kernel is older than this; false where its version is not known, because newer ones ask for more.</summary>
    public bool IsBefore(int version, int level) => module.Information.KernelVersion is { } built && built < new Version(version, level);

    /// <summary>Symbols of vmlinux or of a module; null where the record has none of that module, or nothing.</summary>
    private ObjectSymbols? SymbolsOf(string? objectName) =>
        objectName is null or PatchedObject.Vmlinux ? kernel.Symbols?.Vmlinux : kernel.Symbols?.Module(objectName);

    /// <summary>All symbols of one name in one object, in the kernel's order; null where the record has nothing of the object.</summary>
    public IReadOnlyList<KernelSymbol>? Named(string? objectName, string name)
    {
        var key = (objectName ?? PatchedObject.Vmlinux, name);
        if (!named.TryGetValue(key, out var found))
            named[key] = found = SymbolsOf(objectName)?.Named(name);
        return found;
    }

    public static bool HasLivepatchName(ElfSection section) => section.Name.StartsWith(LivepatchSectionPrefix, StringComparison.Ordinal);

    /// <summary>The object in the name of a livepatch relocation section, up to the next dot; null where there is none.</summary>
    public static string? ObjectOf(ElfRelocationSection section)
    {
        if (!HasLivepatchName(section))
            return null;
        var rest = section.Name[LivepatchSectionPrefix.Length..];
        var dot = rest.IndexOf('.', StringComparison.Ordinal);
        return dot > 0 ? rest[..dot] : null;
    }

    /// <summary>Where a relocation is, for people.</summary>
    public static string At(ElfRelocationSection section, ElfRelocation relocation) => $"{section.Target.Name}+0x{relocation.Offset:x}";
}
