// What becomes of a unit in a module: scripts/module.lds.S and ld -r, which put the sections of one name behind each other and
// keep their relocations. Facts of the kernel's own module loader (kernel/module/main.c, kernel/module/kallsyms.c) are here as
// well.
using Elivepatch.Elf;
using Elivepatch.Engine.Units;

namespace Elivepatch.Engine.Targets;

/// <summary>The link of a module.</summary>
internal sealed class ModuleLinkRules : LinkRules
{
    private static readonly string[] droppedSections =
    [
        ".discard",
        ".modinfo",
        ".export_symbol",
        "__ksymtab",
        "__kcrctab",
        ".gnu.",
        ".eh_frame",
    ];

    public override bool IsKeptWhole(ElfSection section) =>
        section.Has(ElfSectionFlags.Alloc)
        && section.Type is not (ElfSectionType.Note or ElfSectionType.Rela)
        && !IsMerged(section)
        && !Array.Exists(droppedSections, name => section.Name.StartsWith(name, StringComparison.Ordinal));

    // ld -r may leave them as they are, and a module's own link need not: an entry is compared by its content either way.
    public override bool IsMerged(ElfSection section) => section.Has(ElfSectionFlags.Merge);

    // module_init_section(). What is for the end stays: the module may go.
    public override bool IsGoneAfterStart(ElfSection section) => IsOfStart(section);

    public override bool IsFilledLater(ElfSection section) => section.Name == SectionRules.BtfIds;

    public override bool IsClearedLater(ElfSymbol symbol) => false;

    public override bool IsListed(ElfSymbol symbol) =>
        symbol.IsDefined
        && symbol.Name.Length > 0
        && symbol.Type is not (ElfSymbolType.Section or ElfSymbolType.File)
        && !symbol.Name.StartsWith(".L", StringComparison.Ordinal);

    public override bool MayHaveLetter(ElfSymbol symbol, char letter) => LetterOf(symbol) == letter;

    /// <summary>True for what is freed when the module's init function has returned.</summary>
    internal static bool IsOfStart(ElfSection section) => section.Name.StartsWith(".init", StringComparison.Ordinal);

    /// <summary>The letter of a symbol, as far as it is of use: whether it is code, and whether other units see it.</summary>
    internal static char LetterOf(ElfSymbol symbol) =>
        symbol.Binding switch
        {
            ElfSymbolBinding.Weak => 'W',
            ElfSymbolBinding.Local => symbol.Section!.Has(ElfSectionFlags.Execute) ? 't' : 'd',
            _ => symbol.Section!.Has(ElfSectionFlags.Execute) ? 'T' : 'D',
        };
}
