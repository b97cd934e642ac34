// What the link of a kernel does to the sections and symbols of an object: facts of include/asm-generic/vmlinux.lds.h,
// scripts/mksysmap and scripts/kallsyms.c, told by name and flags so that they hold for every version.
using Elivepatch.Elf;

namespace Elivepatch.Engine.Targets;

/// <summary>The link of the kernel proper.</summary>
internal sealed class VmlinuxLinkRules : LinkRules
{
    private protected override string[] DroppedSections { get; } =
    [
        ".discard",
        ".modinfo",
        ".exitcall.exit",
        ".export_symbol",
        ".no_trim_symbol",
        "__ksymtab",
        "__kcrctab",
        ".gnu.",
        ".eh_frame",
        "__tracepoint_check",
    ];

    private protected override string[] UnlistedPrefixes { get; } =
    [
        ".L",
        "$",
        "__crc_",
        "__kstrtab_",
        "__kstrtabns_",
        "__kcfi_typeid_",
        // Other names of tables for scripts/mod/modpost.c (scripts/Makefile.vmlinux: remove-symbols).
        "__mod_device_table__",
    ];

    // Freed at the end of the boot.
    public override bool IsGoneAfterStart(ElfSection section) =>
        section.Name.StartsWith(".init.", StringComparison.Ordinal)
        || section.Name.StartsWith(".exit.", StringComparison.Ordinal);

    // A flag that scripts/sorttable.c clears in the linked kernel when it has sorted the exception table there. Nobody else
    // writes it before the start, and either value means the same sorted table.
    public override bool IsClearedLater(ElfSymbol symbol) => symbol.Name == "main_extable_sort_needed";

    public override bool MayHaveLetter(ElfSymbol symbol, char letter) =>
        letter switch
        {
            // Per-cpu data with CONFIG_KALLSYMS_ABSOLUTE_PERCPU, static or not.
            'A' => true,
            'W' or 'V' => symbol.Binding == ElfSymbolBinding.Weak,
            _ when symbol.Binding == ElfSymbolBinding.Weak => false,
            _ when char.IsAsciiLetterUpper(letter) != (symbol.Binding == ElfSymbolBinding.Global) => false,
            // .data of a kernel may be executable, as the linker sees it, and nm(1) then calls its symbols text.
            _ => letter is 'T' or 't' || !symbol.Section!.Has(ElfSectionFlags.Execute),
        };
}
