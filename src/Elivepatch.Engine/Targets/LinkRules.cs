using Elivepatch.Elf;

namespace Elivepatch.Engine.Targets;

/// <summary>What becomes of the sections and symbols of a translation unit when its object is linked.</summary>
public abstract class LinkRules
{
    /// <summary>
    /// True for a section that comes into the object whole and in one piece. Dropped sections are not there; of merged ones
    /// (equal strings and constants of all units become one) every entry goes its own way.
    /// </summary>
    public abstract bool IsKeptWhole(ElfSection section);

    /// <summary>True where the linker merges equal entries of different units.</summary>
    public abstract bool IsMerged(ElfSection section);

    /// <summary>True for what is freed when the object has started.</summary>
    public abstract bool IsGoneAfterStart(ElfSection section);

    /// <summary>True where a later step of the build writes the content.</summary>
    public abstract bool IsFilledLater(ElfSection section);

    /// <summary>True for a datum that a later step of the build clears, and that means the same with either value.</summary>
    public abstract bool IsClearedLater(ElfSymbol symbol);

    /// <summary>True for a symbol that kallsyms lists when the object has it.</summary>
    public abstract bool IsListed(ElfSymbol symbol);

    /// <summary>True where kallsyms may give this letter to the symbol once it is linked.</summary>
    public abstract bool MayHaveLetter(ElfSymbol symbol, char letter);
}
