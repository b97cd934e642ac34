namespace Elivepatch.Engine.Architectures.X8664;

/// <summary>Functions of <c>arch/x86</c> that are written in assembly.</summary>
internal sealed class X8664Assembly : AssemblyCallees
{
    /// <summary>What <c>-mfentry</c> calls.</summary>
    public const string FtraceEntry = "__fentry__";

    // Assembly that a compiler knows by the constraints of its inline assembly: what it does not name stays in registers, and
    // what the callee reads may be in any (arch/x86/include/asm). All else is called by the C calling convention.
    private static readonly string[] assembly =
    [
        "__get_user",
        "__put_user",
        "__SCT__preempt_schedule",
        "preempt_schedule",
        "__SCT__might_resched",
        "__SCT__cond_resched",
        CalleeSave,
        FtraceEntry,
        "__x86_",
        "rep_",
        "__sw_hweight",
        "clear_page",
        "this_cpu_cmpxchg",
        "cmpxchg",
        "atomic64_",
        "xen_hypercall",
        "hypercall_page",
        "hv_hypercall",
        "__xen_hypercall",
        "call_rwsem_",
        "copy_user_",
        "entry_",
        "srso_",
        "retbleed_",
        "write_ibpb",
        "clear_bhb_loop",
        "BUG_func",
        "BUG_paravirt",
        "pv_native_",
        "__tdcall",
        "__seamcall",
    ];

    // The same where the arguments are those of a C function (arch/x86/include/asm/paravirt.h).
    private const string CalleeSave = "__raw_callee_save";

    // arch/x86/lib: getuser.S, putuser.S, hweight.S, clear_page_64.S, copy_user_64.S; arch/x86/include/asm/preempt.h,
    // include/linux/kernel.h.
    private static readonly HashSet<string> keepNothing =
    [
        "__get_user_1",
        "__get_user_2",
        "__get_user_4",
        "__get_user_8",
        "__get_user_nocheck_1",
        "__get_user_nocheck_2",
        "__get_user_nocheck_4",
        "__get_user_nocheck_8",
        "__put_user_1",
        "__put_user_2",
        "__put_user_4",
        "__put_user_8",
        "__put_user_nocheck_1",
        "__put_user_nocheck_2",
        "__put_user_nocheck_4",
        "__put_user_nocheck_8",
        "__sw_hweight32",
        "__sw_hweight64",
        "clear_page_orig",
        "clear_page_rep",
        "clear_page_erms",
        "rep_stos_alternative",
        "rep_movs_alternative",
        "preempt_schedule_thunk",
        "preempt_schedule_notrace_thunk",
        "__SCT__preempt_schedule",
        "__SCT__preempt_schedule_notrace",
        "__SCT__might_resched",
        "__SCT__cond_resched",
        // arch/x86/kernel/traps.c: it faults, and the handler prints its arguments. Nothing else is ever called there.
        "__WARN_trap",
        "__SCT__WARN_trap",
    ];

    public override bool RetainsNothing(string? name) => name is not null && keepNothing.Contains(name);

    public override bool IsAssembly(string? name) =>
        name is not null && Array.Exists(assembly, p => name.StartsWith(p, StringComparison.Ordinal));

    public override bool UsesAnyRegister(string? name) =>
        IsAssembly(name) && !name!.StartsWith(CalleeSave, StringComparison.Ordinal);

    public override bool IsFtraceEntry(string? name) => name == FtraceEntry;

    public override bool IsReturn(string? name) => name == "__x86_return_thunk";

    public override bool IsIndirect(string? name) => name?.StartsWith("__x86_indirect_", StringComparison.Ordinal) == true;
}
