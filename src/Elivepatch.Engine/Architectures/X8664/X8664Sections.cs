namespace Elivepatch.Engine.Architectures.X8664;

/// <summary>What <c>arch/x86/kernel/vmlinux.lds.S</c> and the inline assembly of <c>arch/x86/include</c> name.</summary>
internal static class X8664Sections
{
    /// <summary>Where code goes on behind an instruction that faulted, without names of its own (until 5.15).</summary>
    private const string Fixup = ".fixup";

    /// <summary>
    /// Slow paths of reference counters, without names of their own (<c>arch/x86/include/asm/refcount.h</c> until 5.4).
    /// </summary>
    private const string RefcountText = ".text..refcount";

    // Calls that INCREMENT_CALL_DEPTH comes before where the processor wants it (arch/x86/kernel/callthunks.c).
    private const string CallSites = ".call_sites";

    // All of them list instructions, which the kernel rewrites when it loads them.
    private static readonly HashSet<string> sites =
    [
        ".smp_locks",
        ".parainstructions",
        CallSites,
        ".retpoline_sites",
        ".return_sites",
        ".ibt_endbr_seal",
        ".cfi_sites",
    ];

    public static SectionTable Table { get; } =
        new()
        {
            Tables = sites,
            Registries = new HashSet<string>
            {
                ".data..init_irqstack",
                ".x86_cpu_dev.init",
                ".x86_intel_mid_dev.init",
                ".iommu_table",
                ".apicdrivers",
            },
            Code = new HashSet<string> { ".entry.text" },
            Replacements = new HashSet<string> { ".altinstr_replacement", ".altinstr_aux", Fixup, RefcountText },
            Outlines = new HashSet<string> { Fixup, RefcountText },
            RewrittenSites = sites,
            CallSites = CallSites,
            Ignored = new HashSet<string> { ".orc_unwind", ".orc_unwind_ip", ".orc_header", ".orc_lookup" },
        };
}
