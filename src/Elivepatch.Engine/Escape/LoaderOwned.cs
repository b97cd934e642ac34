// What the kernel keeps addresses of while a module is loaded, and forgets by itself before the module's memory is freed:
//   free_module(), mod_sysfs_teardown(), the module notifiers (kernel/module/main.c: MODULE_STATE_GOING) of
//   dynamic debug (lib/dynamic_debug.c: ddebug_remove_module), jump labels (kernel/jump_label.c: jump_label_del_module),
//   static calls (kernel/static_call_inline.c: static_call_del_module), tracepoints (kernel/tracepoint.c:
// tracepoint_module_going),
//   trace events and their formats (kernel/trace/trace_events.c, trace_printk.c), raw BPF tracepoints (kernel/trace/bpf_trace.c),
//   bug tables (lib/bug.c: module_bug_cleanup), ftrace (kernel/trace/ftrace.c: ftrace_release_mod), printk formats
//   (kernel/printk/index.c), unwind tables (arch/x86/kernel/unwind_orc.c reads them through struct module), exception tables,
//   alternatives (patched in once; arch/x86/kernel/alternative.c: alternatives_smp_module_del), lock classes
//   (kernel/locking/lockdep.c: lockdep_free_key_range), and tags of memory allocations (lib/alloc_tag.c keeps the memory itself).
// The lists of struct klp_patch are the livepatch core's, which gives them back in klp_free_patch_finish().
using Elivepatch.Elf;
using Elivepatch.Engine.Architectures;
using Elivepatch.Engine.SelfCheck;
using Elivepatch.Engine.Units;

namespace Elivepatch.Engine.Escape;

/// <summary>Tells what of a module is taken back without the module's doing.</summary>
internal static class LoaderOwned
{
    private static readonly HashSet<string> sections =
    [
        "__dyndbg",
        "__dyndbg_classes",
        "__tracepoints",
        "__tracepoint_str",
        "__tracepoints_ptrs",
        "__tracepoints_strings",
        "__bpf_raw_tp_map",
        "_ftrace_events",
        "_ftrace_eval_map",
        "__trace_printk_fmt",
        "__param",
        "__modver",
        ".modinfo",
        "__versions",
        ".init.eh_frame",
        "alloc_tags",
        ".codetag.alloc_tags",
        "__kcrctab",
        "__kcrctab_gpl",
        "__ksymtab",
        "__ksymtab_gpl",
        "__ksymtab_strings",
        ".kpatch.funcs",
        ".init.klp_objects",
        ".init.klp_funcs",
        "__klp_objects",
        "__klp_funcs",
        ".kpatch.strings",
        ".kpatch.force",
        ModuleStart.Section,
    ];

    /// <summary>True for a section that the kernel reads as a list and lets go of with the module.</summary>
    public static bool IsLoaderOwned(Architecture architecture, ElfSection section) =>
        sections.Contains(section.Name)
        || SectionRules.RoleOf(section, architecture.Sections) is SectionRole.Table or SectionRole.Ignored
        || section.Name.StartsWith(".kpatch.callbacks.", StringComparison.Ordinal);

    /// <summary>
    /// True for the key of a lock class, which lockdep gives back by its address. Macros make it under this one name; without
    /// lockdep it has no byte.
    /// </summary>
    public static bool IsLockClass(string name) => SymbolNames.IsStaticLocal(name) && SymbolNames.OfVariable(name) == "__key";
}
