// What the link of a kernel does to the sections and symbols of an object: facts of include/asm-generic/vmlinux.lds.h,
// scripts/mksysmap and scripts/kallsyms.c, told by name and flags so that they hold for every version.
using Elivepatch.Elf;
using Elivepatch.Engine.Units;

namespace Elivepatch.Engine.Fidelity;

/// <summary>What becomes of a section or a symbol of a translation unit when the kernel is linked.</summary>
internal static class LinkRules
{
    private static readonly string[] DroppedSections = [".discard", ".modinfo", ".exitcall.exit", ".export_symbol", "__ksymtab", "__kcrctab", ".gnu.", ".eh_frame"];
    private static readonly string[] UnlistedPrefixes = [".L", "$", "__crc_", "__kstrtab_", "__kstrtabns_", "__kcfi_typeid_"];

    /// <summary>
    /// True for a section that comes into the kernel whole and in one piece. Dropped sections are not there; of merged ones (equal
    /// strings and constants of all units become one) every entry goes its own way.
    /// </summary>
    public static bool IsKeptWhole(ElfSection section) =>
        section.Has(ElfSectionFlags.Alloc) && section.Type is not (ElfSectionType.Note or ElfSectionType.Rela)
        && !IsMerged(section) && !Array.Exists(DroppedSections, name => section.Name.StartsWith(name, StringComparison.Ordinal));

    /// <summary>True where the linker merges equal entries of different units.</summary>
    public static bool IsMerged(ElfSection section) => section.Has(ElfSectionFlags.Merge);

    /// <summary>True for what the kernel frees at the end of its boot.</summary>
    public static bool IsGoneAfterBoot(ElfSection section) =>
        section.Name.StartsWith(".init.", StringComparison.Ordinal) || section.Name.StartsWith(".exit.", StringComparison.Ordinal);

    /// <summary>True where a later step of the build writes the content: the type numbers that resolve_btfids fills in.</summary>
    public static bool IsFilledLater(ElfSection section) => section.Name == SectionRules.BtfIds;

    /// <summary>
    /// A flag that scripts/sorttable.c clears in the linked kernel when it has sorted the exception table there. Nobody else
    /// writes it before the start, and either value means the same sorted table.
    /// </summary>
    public const string SortFlag = "main_extable_sort_needed";

    /// <summary>True for a symbol that kallsyms lists when the kernel has it.</summary>
    public static bool IsListed(ElfSymbol symbol) =>
        symbol.IsDefined && symbol.Name.Length > 0 && symbol.Type is not (ElfSymbolType.Section or ElfSymbolType.File)
        && !Array.Exists(UnlistedPrefixes, prefix => symbol.Name.StartsWith(prefix, StringComparison.Ordinal));

    /// <summary>True where nm(1) may give this letter to the symbol once it is linked.</summary>
    public static bool MayHaveLetter(ElfSymbol symbol, char letter) => letter switch
    {
        // Per-cpu data with CONFIG_KALLSYMS_ABSOLUTE_PERCPU, static or not.
        'A' => true,
        'W' or 'V' => symbol.Binding == ElfSymbolBinding.Weak,
        _ when symbol.Binding == ElfSymbolBinding.Weak => false,
        _ when char.IsAsciiLetterUpper(letter) != (symbol.Binding == ElfSymbolBinding.Global) => false,
        _ => letter is 'T' or 't' == symbol.Section!.Has(ElfSectionFlags.Execute),
    };
}
