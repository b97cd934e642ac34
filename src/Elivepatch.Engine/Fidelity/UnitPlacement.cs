using Elivepatch.Elf;
using Elivepatch.Engine.Targets;

namespace Elivepatch.Engine.Fidelity;

/// <summary>Where everything of one translation unit lies in the running kernel, and how well that is proven.</summary>
public sealed class UnitPlacement
{
    private readonly Dictionary<string, SymbolPlacement> byName;

    internal UnitPlacement(
        string unit,
        PatchTarget target,
        IReadOnlyList<SectionPlacement> sections,
        Dictionary<string, SymbolPlacement> byName
    )
    {
        Unit = unit;
        Target = target;
        Sections = sections;
        this.byName = byName;
    }

    /// <summary>The translation unit.</summary>
    public string Unit { get; }

    /// <summary>What it is linked into.</summary>
    public PatchTarget Target { get; }

    /// <summary>All sections of the unit that the linked kernel keeps as they are, in file order.</summary>
    public IReadOnlyList<SectionPlacement> Sections { get; }

    /// <summary>All symbols with a known place, static ones and those that kallsyms does not list included.</summary>
    public IReadOnlyCollection<SymbolPlacement> Symbols => byName.Values;

    /// <summary>
    /// What is proven of the unit as a whole: <see cref="PlacementProof.Bytes"/> where every section of code with a function
    /// in it was compared.
    /// </summary>
    public PlacementProof Proof =>
        Sections
            .Where(s => s.Section.Has(ElfSectionFlags.Execute) && s.Address is not null)
            .Select(s => s.Proof)
            .DefaultIfEmpty(Sections.Select(s => s.Proof).DefaultIfEmpty(PlacementProof.None).Max())
            .Min();

    /// <summary>
    /// The place of the symbol of this name, static or global; null where the unit does not define it, the running kernel uses
    /// another unit's definition in its stead (weak), or its place is not known.
    /// </summary>
    public SymbolPlacement? Find(string name) => byName.GetValueOrDefault(name);
}
