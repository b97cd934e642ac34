using Elivepatch.Elf;
using Elivepatch.Engine.Architectures;
using Elivepatch.Engine.Facts;

namespace Elivepatch.Engine.Units;

/// <summary>
/// Tells the role of each section from its name and flags. The names are those that <c>include/asm-generic/vmlinux.lds.h</c> and
/// the headers of all processors give, and those of the one processor (<see cref="SectionTable"/>); what is on no list is
/// <see cref="SectionRole.Unknown"/>, so that a kernel that invents a section is refused instead of misread.
/// </summary>
public static class SectionRules
{
    /// <summary>Pointers to the descriptions of printk calls; only the description names the function.</summary>
    public const string PrintkIndex = ".printk_index";

    /// <summary>Lists of BTF ids (<c>include/linux/btf_ids.h</c>).</summary>
    public const string BtfIds = ".BTF_ids";

    /// <summary>Static branches: the place, the target and the static key of each.</summary>
    public const string JumpTable = "__jump_table";

    /// <summary>Alternatives: the place and the replacement of each.</summary>
    public const string Alternatives = ".altinstructions";

    /// <summary>Instructions that may fault, and where code goes on then.</summary>
    public const string ExceptionTable = "__ex_table";

    /// <summary>Warnings and bugs (<c>struct bug_entry</c>).</summary>
    public const string BugTable = "__bug_table";

    /// <summary>Static calls: the place and the key of each.</summary>
    public const string StaticCallSites = ".static_call_sites";

    /// <summary>Trampolines of static calls.</summary>
    public const string StaticCallText = ".static_call.text";

    private const string Annotation = ".discard.";

    // What objtool is told of single instructions. It goes with the code, and the link of a module drops it
    // (scripts/module.lds.S).
    private static readonly HashSet<string> annotations =
    [
        ".discard.reachable",
        ".discard.unreachable",
        ".discard.annotate_insn",
        ".discard.annotate_data",
        ".discard.retpoline_safe",
        ".discard.intra_function_calls",
        ".discard.instr_begin",
        ".discard.instr_end",
        ".discard.validate_unret",
        ".discard.noendbr",
        ".discard.ibt_endbr_noseal",
        ".discard.func_stack_frame_non_standard",
        ".discard.ignore_alts",
        ".discard.nospec",
        ".discard.unwind_hints",
    ];

    // Tables whose entries belong to one place in one function; the first reference to code in an entry names the place.
    private static readonly HashSet<string> tables =
    [
        BugTable,
        ExceptionTable,
        JumpTable,
        Alternatives,
        StaticCallSites,
        "__mcount_loc",
        "__patchable_function_entries",
        ".kcfi_traps",
        PrintkIndex,
    ];

    // Whose places the kernel rewrites when it loads them, beside alternatives.
    private static readonly HashSet<string> rewrittenSites =
    [
        JumpTable,
        StaticCallSites,
        "__mcount_loc",
        "__patchable_function_entries",
        ".kcfi_traps",
    ];

    private static readonly HashSet<string> registries =
    [
        ".export_symbol",
        "__tracepoints_ptrs",
        "__bpf_raw_tp_map",
        "_ftrace_events",
        "_ftrace_eval_map",
        "_kprobe_blacklist",
        "__syscalls_metadata",
        "__param",
        "__modver",
        ".static_call_tramp_key",
        ".con_initcall.init",
        ".init.setup",
        "_error_injection_whitelist",
        "__kstrtab_strings",
        "__ksymtab_strings",
        ".ctors",
        ".init_array",
        "__earlycon_table",
        "__lsm_info",
        ".lsm_info.init",
        "__clk_of_table",
        "__timer_of_table",
        "__irqchip_of_table",
        ".builtin_fw",
        "__cpuidle_method_of_table",
    ];

    private static readonly string[] registryPrefixes =
    [
        "___ksymtab",
        "__ksymtab",
        "___kcrctab",
        "__kcrctab",
        ".initcall",
        ".discard.addressable",
        ".acpi_probe_",
    ];

    private static readonly string[] initPrefixes = [".init.", ".exit.", ".head.text", ".meminit.", ".cpuinit.", ".devinit."];

    private static readonly string[] codeSections =
    [
        ".noinstr.text",
        ".sched.text",
        ".spinlock.text",
        ".ref.text",
        ".cpuidle.text",
        ".kprobes.text",
        ".irqentry.text",
        ".softirqentry.text",
        StaticCallText,
    ];

    private static readonly string[] dataSections =
    [
        ".ref.data",
        ".ref.rodata",
        "__tracepoints",
        "__tracepoint_str",
        "__dyndbg",
        "__verbose",
        "__dyndbg_classes",
        "__idle_sched_class",
        "__ext_sched_class",
        "__fair_sched_class",
        "__rt_sched_class",
        "__dl_sched_class",
        "__stop_sched_class",
    ];

    /// <summary>
    /// True for a table whose places are instructions that the kernel rewrites when it loads them; alternatives, which say how
    /// long each is, are another one.
    /// </summary>
    internal static bool ListsRewrittenSites(ElfSection section, SectionTable own) =>
        rewrittenSites.Contains(section.Name) || own.RewrittenSites.Contains(section.Name);

    /// <summary>Role of one section.</summary>
    /// <param name="section">The section.</param>
    /// <param name="own">The sections of the processor.</param>
    internal static SectionRole RoleOf(ElfSection section, SectionTable own)
    {
        var name = section.Name;
        // Nothing that runs reads these: of vmlinux they are not even in memory. The loader has read the first of a module; a
        // tool of the build reads the second (scripts/tracepoint-update.c).
        if (section is ElfRelocationSection or ElfGroupSection || name is ".modinfo" or "__tracepoint_check")
        {
            return SectionRole.Ignored;
        }

        if (
            tables.Contains(name)
            || annotations.Contains(name)
            || own.Tables.Contains(name)
            || RuntimeConstants.VariableOf(name) is not null
        )
        {
            return SectionRole.Table;
        }

        if (name == BtfIds)
        {
            return SectionRole.IdList;
        }

        if (registries.Contains(name) || own.Registries.Contains(name) || StartsWithAny(name, registryPrefixes))
        {
            return SectionRole.Registry;
        }

        if (!section.Has(ElfSectionFlags.Alloc))
        {
            return IsUnlistedAnnotation(section) ? SectionRole.Table
                : name.StartsWith(Annotation, StringComparison.Ordinal) ? SectionRole.Unknown
                : SectionRole.Ignored;
        }

        if (
            section.Type == ElfSectionType.Note
            || name.StartsWith(".note", StringComparison.Ordinal)
            || name == ".eh_frame"
            || own.Ignored.Contains(name)
        )
        {
            return SectionRole.Ignored;
        }

        if (StartsWithAny(name, initPrefixes))
        {
            return SectionRole.Init;
        }

        if (section.Has(ElfSectionFlags.Execute))
        {
            return RoleOfCode(name, own);
        }

        if (section.Has(ElfSectionFlags.Merge))
        {
            return SectionRole.Literal;
        }

        return
            name.StartsWith(".data", StringComparison.Ordinal)
            || name.StartsWith(".bss", StringComparison.Ordinal)
            || name.StartsWith(".rodata", StringComparison.Ordinal)
            || Array.IndexOf(dataSections, name) >= 0
            ? SectionRole.Data
            : SectionRole.Unknown;
    }

    /// <summary>
    /// True for what looks like one more table of what a tool of the build is told of instructions. It is one only where each of
    /// its entries names code, and has room for something beside that: else nothing tells where an entry ends.
    /// </summary>
    internal static bool IsUnlistedAnnotation(ElfSection section) =>
        section.Name.StartsWith(Annotation, StringComparison.Ordinal)
        && !annotations.Contains(section.Name)
        && !section.Has(ElfSectionFlags.Alloc)
        && !section.Has(ElfSectionFlags.Execute)
        && section.Relocations is { Entries.Count: > 0 };

    /// <summary>
    /// True where the section's data is constant: without state, so that equal content means equal meaning. The kernel's linker
    /// script puts <c>.data.rel.ro</c> (writable in the object file, where a loader would have to relocate it) among them.
    /// </summary>
    public static bool IsConstant(ElfSection section) =>
        (!section.Has(ElfSectionFlags.Write) && section.Name.StartsWith(".rodata", StringComparison.Ordinal))
        || section.Name.StartsWith(".data.rel.ro", StringComparison.Ordinal);

    /// <summary>
    /// True for what a sanitizer's checks say of the place that they are in: GCC calls it <c>.Lubsan_data12</c>, Clang
    /// <c>.L__unnamed_3</c>. Its only state is that it was reported, so that a fresh copy is as good.
    /// </summary>
    public static bool IsSanitizerData(ElfSection section) =>
        section.Name.StartsWith(".data..Lubsan_", StringComparison.Ordinal)
        || section.Name.StartsWith(".data..L__unnamed_", StringComparison.Ordinal);

    /// <summary>True where two sections of unnamed data can be the same: the compiler numbers those of its own labels.</summary>
    public static bool HaveOneName(ElfSection one, ElfSection other) => NameOfLabel(one.Name) == NameOfLabel(other.Name);

    private static string NameOfLabel(string name) =>
        name.Contains("..L", StringComparison.Ordinal) ? name.TrimEnd("0123456789".ToCharArray()) : name;

    /// <summary>
    /// What the linked kernel does with the memory of a section of data (<c>include/asm-generic/vmlinux.lds.h</c>). Sections that
    /// differ only in where they lie (<c>__read_mostly</c>, zeroed data, cache lines) hold variables all the same.
    /// </summary>
    public static MemoryKind MemoryOf(ElfSection section) =>
        section.Name switch
        {
            _ when ModuleLoader.IsPerCpu(section) => MemoryKind.PerCpu,
            _ when StartsWithAny(section.Name, initPrefixes) => MemoryKind.Init,
            var name when name.StartsWith(".data..ro_after_init", StringComparison.Ordinal) => MemoryKind.ReadOnlyAfterInit,
            _ when IsConstant(section) => MemoryKind.Constant,
            _ => MemoryKind.Data,
        };

    private static SectionRole RoleOfCode(string name, SectionTable own) =>
        name switch
        {
            _ when own.Replacements.Contains(name) => SectionRole.Replacement,
            _ when name == ".text" || name.StartsWith(".text.", StringComparison.Ordinal) => SectionRole.Code,
            _ when Array.IndexOf(codeSections, name) >= 0 || own.Code.Contains(name) => SectionRole.Code,
            _ => SectionRole.Unknown,
        };

    private static bool StartsWithAny(string name, string[] prefixes) =>
        Array.Exists(prefixes, p => name.StartsWith(p, StringComparison.Ordinal));
}
