using Elivepatch.Elf;
using Elivepatch.Engine.Architectures;
using Elivepatch.Engine.Facts;
using Elivepatch.Engine.Targets;
using Elivepatch.Engine.Units;

namespace Elivepatch.Engine.SelfCheck;

/// <summary>What rules look at: the file, what it says, the kernel, and what several rules ask of these.</summary>
internal sealed class RuleContext(ElfObject elf, LivepatchModule module, TargetKernel kernel)
{
    /// <summary>What the names of livepatch relocation sections begin with.</summary>
    public const string LivepatchSectionPrefix = ".klp.rela.";

    private readonly Dictionary<(string Object, string Name), IReadOnlyList<KernelSymbol>?> named = [];

    public ElfObject Elf => elf;

    public LivepatchModule Module => module;

    /// <summary>The processor.</summary>
    public Architecture Architecture => module.Architecture;

    public TargetKernel Kernel => kernel;

    /// <summary>The objects of the kernel that are known; null where its symbols are not.</summary>
    public KernelObjects? Objects { get; } = kernel.Objects;

    /// <summary>Relocation sections whose target is loaded; the kernel passes over all others.</summary>
    public IReadOnlyList<ElfRelocationSection> Loaded { get; } =
    [.. elf.RelocationSections.Where(s => s.Target.Has(ElfSectionFlags.Alloc))];

    /// <summary>Relocation sections that are meant for the livepatch core, by flag or by name.</summary>
    public IReadOnlyList<ElfRelocationSection> Livepatch { get; } =
    [.. elf.RelocationSections.Where(s => s.Has(ElfSectionFlags.RelaLivepatch) || HasLivepatchName(s))];

    /// <summary>
    /// True where the kernel is older than this; false where its version is not known, because newer ones ask for more.
    /// </summary>
    public bool IsBefore(int version, int level) =>
        module.Information.KernelVersion is { } built && built < new Version(version, level);

    /// <summary>
    /// Symbols of vmlinux or of a module; null where nothing is known of that. The file of a module tells more than what kallsyms
    /// had of it when it was loaded.
    /// </summary>
    private ObjectSymbols? SymbolsOf(string? objectName) =>
        Objects?.Find(objectName ?? VmlinuxTarget.Name)?.Symbols
        ?? (objectName is null ? null : kernel.Symbols?.Module(objectName));

    /// <summary>The symbols among which a symbol of this module is looked for, in the same way.</summary>
    public ObjectSymbols? SymbolsOf(ElfSymbol symbol) => SymbolsOf(LivepatchSymbol.TryParse(symbol.Name)?.ObjectName);

    /// <summary>
    /// All symbols of one name in one object, in the kernel's order; null where the record has nothing of the object.
    /// </summary>
    public IReadOnlyList<KernelSymbol>? Named(string? objectName, string name)
    {
        var key = (objectName ?? VmlinuxTarget.Name, name);
        if (!named.TryGetValue(key, out var found))
        {
            named[key] = found = SymbolsOf(objectName)?.Named(name);
        }

        return found;
    }

    /// <summary>
    /// What is wrong with a position that fits while the module loads, and means another symbol when its start is over; null
    /// where nothing is.
    /// </summary>
    public string? CountedTwice(string? objectName, string name, Sympos position) =>
        Objects?.Find(objectName ?? VmlinuxTarget.Name) is { } target
        && At(Named(objectName, name), position) is { } symbol
        && !(target.PositionOf(name, symbol.Address) is { } steady && Math.Max(steady.Value, 1) == Math.Max(position.Value, 1))
            ? $"position {position} means another one when {target} has started"
            : null;

    /// <summary>The map of the memory of the kernel proper; null where its symbols are not known.</summary>
    public KernelMemory? Memory => Objects?.Vmlinux.Memory;

    /// <summary>What kind of memory a place is.</summary>
    public MemoryKind KindOf(RunningPlace place) => Objects?.Find(place.ObjectName)?.KindOf(place.Address) ?? MemoryKind.Unknown;

    /// <summary>
    /// True for a symbol of code. Its letter alone does not say so: a weak one says nothing, and where the linker took .data for
    /// executable its symbols have the letter of text.
    /// </summary>
    public bool IsCode(string objectName, KernelSymbol symbol) =>
        KindOf(new(objectName, symbol.Address)) switch
        {
            MemoryKind.Data or MemoryKind.Constant or MemoryKind.PerCpu or MemoryKind.ReadOnlyAfterInit => false,
            MemoryKind.Code => symbol.IsText || symbol.Type is 'W' or 'w',
            _ => symbol.IsText,
        };

    /// <summary>Which functions may be called through pointers; null where the kernel's symbols are not known.</summary>
    public IndirectEntries? Entries { get; } = kernel.Symbols is { } symbols ? new(module.Architecture, symbols) : null;

    /// <summary>The image of an object of the kernel, or null.</summary>
    public KernelImage? ImageOf(string objectName) => Objects?.Find(objectName)?.Image;

    /// <summary>What the module's instructions do with addresses.</summary>
    public CodeUses CodeUses => codeUses.Value;

    private readonly Lazy<CodeUses> codeUses = new(() => CodeUses.Read(module.Architecture, elf));

    private ReplacedCode? Replaced => field ??= Objects is { } objects ? new(module.Architecture, objects, kernel.Exports) : null;

    private readonly Lazy<Dictionary<string, (string ObjectName, ReplacedFunction Function)>> replaced = new(() =>
        module
            .Objects.SelectMany(o => o.Functions.Select(f => (ObjectName: o.DisplayName, Function: f)))
            .Where(f => f.Function.New?.Symbol is not null)
            .GroupBy(f => f.Function.New!.Symbol!)
            .Where(g => g.Count() == 1)
            .ToDictionary(g => g.Key, g => g.First(), StringComparer.Ordinal)
    );

    /// <summary>The place of a symbol of the running kernel; null where it has none or is not known.</summary>
    public RunningPlace? PlaceOf(ElfSymbol? symbol) =>
        KernelSymbolOf(symbol) is { } found ? new RunningPlace(found.ObjectName, found.Symbol.Address) : null;

    /// <summary>The symbol of vmlinux or of a module that one of this module stands for; null where it is not known.</summary>
    public (string ObjectName, KernelSymbol Symbol)? KernelSymbolOf(ElfSymbol? symbol)
    {
        if (symbol is null || symbol.Name.Length == 0)
        {
            return null;
        }

        if (LivepatchSymbol.TryParse(symbol.Name) is { } livepatch)
        {
            return At(Named(livepatch.ObjectName, livepatch.Name), livepatch.Position) is { } meant
                ? (livepatch.ObjectName, meant)
                : null;
        }

        if (
            symbol.Place != ElfSymbolPlace.Undefined
            || (kernel.Exports?.Find(symbol.Name) is { } export && !VmlinuxTarget.HasExport(export))
        )
        {
            return null;
        }

        // A static symbol of the same name is not what the module loader takes.
        KernelSymbol[] global = [.. (Named(null, symbol.Name) ?? []).Where(s => s.IsGlobal)];
        return global.Length == 1 ? (VmlinuxTarget.Name, global[0]) : null;
    }

    /// <summary>The one of several of a name that a position means; null where there are not so many.</summary>
    public static KernelSymbol? At(IReadOnlyList<KernelSymbol>? named, Sympos position)
    {
        var index = Math.Max(position.Value, 1) - 1;
        return named is not null && index < named.Count ? named[index] : null;
    }

    /// <summary>The place that an instruction's field refers to, without displacement; null where it is not known.</summary>
    public RunningPlace? PlaceOf(CodeUse use) => PlaceOf(use.Relocation.Symbol);

    /// <summary>
    /// What the function does that the one with this instruction replaces; null for new functions, and without image.
    /// </summary>
    public FunctionAccesses? ReplacedCodeOf(CodeUse use)
    {
        var name = SymbolNames.ParentOfCold(use.Function);
        return
            Replaced is { } code
            && replaced.Value.TryGetValue(name, out var entry)
            && entry.Function.OldName is { } oldName
            && At(Named(entry.ObjectName, oldName), entry.Function.OldPosition) is { } old
            ? code.Read(entry.ObjectName, old)
            : null;
    }

    public static bool HasLivepatchName(ElfSection section) =>
        section.Name.StartsWith(LivepatchSectionPrefix, StringComparison.Ordinal);

    /// <summary>The object in the name of a livepatch relocation section, up to the next dot; null where there is none.</summary>
    public static string? ObjectOf(ElfRelocationSection section)
    {
        if (!HasLivepatchName(section))
        {
            return null;
        }

        var rest = section.Name[LivepatchSectionPrefix.Length..];
        var dot = rest.IndexOf('.', StringComparison.Ordinal);
        return dot > 0 ? rest[..dot] : null;
    }

    /// <summary>Where a relocation is, for people.</summary>
    public static string At(ElfRelocationSection section, ElfRelocation relocation) =>
        $"{section.Target.Name}+0x{relocation.Offset:x}";
}
