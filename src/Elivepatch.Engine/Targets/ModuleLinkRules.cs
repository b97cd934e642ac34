// What becomes of a unit in a module: scripts/module.lds.S and ld -r, which put the sections of one name behind each other and
// keep their relocations. Facts of the kernel's own module loader (kernel/module/main.c, kernel/module/kallsyms.c) are here as
// well.
using Elivepatch.Elf;

namespace Elivepatch.Engine.Targets;

/// <summary>The link of a module.</summary>
internal sealed class ModuleLinkRules : LinkRules
{
    private protected override string[] DroppedSections { get; } =
    [".discard", ".modinfo", ".export_symbol", ".no_trim_symbol", "__ksymtab", "__kcrctab", ".gnu.", ".eh_frame"];

    private protected override string[] UnlistedPrefixes { get; } = [".L"];

    // module_init_section(). What is for the end stays: the module may go.
    public override bool IsGoneAfterStart(ElfSection section) => IsOfStart(section);

    public override bool IsClearedLater(ElfSymbol symbol) => false;

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
