using Elivepatch.Elf;
using Elivepatch.Engine.Units;

namespace Elivepatch.Engine.Targets;

/// <summary>What becomes of the sections and symbols of a translation unit when its object is linked.</summary>
public abstract class LinkRules
{
    /// <summary>What the names of sections begin with that the linker script drops.</summary>
    private protected abstract string[] DroppedSections { get; }

    /// <summary>What the names of symbols begin with that kallsyms does not list.</summary>
    private protected abstract string[] UnlistedPrefixes { get; }

    /// <summary>
    /// True for a section that comes into the object whole and in one piece. Dropped sections are not there; of merged ones
    /// (equal strings and constants of all units become one) every entry goes its own way.
    /// </summary>
    public bool IsKeptWhole(ElfSection section) =>
        section.Has(ElfSectionFlags.Alloc)
        && section.Type is not (ElfSectionType.Note or ElfSectionType.Rela)
        && !IsMerged(section)
        && !Array.Exists(DroppedSections, name => section.Name.StartsWith(name, StringComparison.Ordinal));

    /// <summary>
    /// True where the linker may merge equal entries of different units (<c>ld -r</c> need not): each is compared by its content.
    /// </summary>
    public bool IsMerged(ElfSection section) => section.Has(ElfSectionFlags.Merge);

    /// <summary>True for what is freed when the object has started.</summary>
    public abstract bool IsGoneAfterStart(ElfSection section);

    /// <summary>True where a later step of the build writes the content: the type numbers that resolve_btfids fills in.</summary>
    public bool IsFilledLater(ElfSection section) => section.Name == SectionRules.BtfIds;

    /// <summary>True for a datum that a later step of the build clears, and that means the same with either value.</summary>
    public abstract bool IsClearedLater(ElfSymbol symbol);

    /// <summary>True for a symbol that kallsyms lists when the object has it.</summary>
    public bool IsListed(ElfSymbol symbol) =>
        symbol.IsDefined
        && symbol.Name.Length > 0
        && symbol.Type is not (ElfSymbolType.Section or ElfSymbolType.File)
        && !Array.Exists(UnlistedPrefixes, prefix => symbol.Name.StartsWith(prefix, StringComparison.Ordinal));

    /// <summary>True where kallsyms may give this letter to the symbol once it is linked.</summary>
    public abstract bool MayHaveLetter(ElfSymbol symbol, char letter);
}
