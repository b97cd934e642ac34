namespace Elivepatch.Engine.Escape;

/// <summary>Functions of the kernel of which is known what they do with an address. Each says where that can be read.</summary>
internal static class KnownCallees
{
    // Keep nothing of what they are given.
    private static readonly HashSet<string> keepNothing =
    [
        "_printk", "__warn_printk", // kernel/printk/printk.c, kernel/panic.c: the text is in the log's buffer when they return
        "___ratelimit", // lib/ratelimit.c: counts in the state that it is given, under its lock
        "klp_enable_patch", // kernel/livepatch/core.c: holds a reference to the module while it has the lists
        "klp_shadow_alloc", "klp_shadow_get_or_alloc", // kernel/livepatch/shadow.c: the constructor is called before they return,
        "klp_shadow_free", "klp_shadow_free_all", // and so is the destructor
        "__module_get", "try_module_get", "module_put", // kernel/module/main.c: count
    ];

    // memcpy() and its like (arch/x86/lib/memcpy_64.S, memmove_64.S, mm/util.c) store what the bytes at their second argument
    // hold.
    private static readonly HashSet<string> copies = ["memcpy", "__memcpy", "memmove", "__memmove"];

    // kmemdup(source, ...).
    private static readonly HashSet<string> duplicates = ["kmemdup", "kmemdup_noprof", "kvmemdup", "kmemdup_nul"];

    // Assembly that a compiler knows by its inline assembly: it need not change %rax. All else is called by the C calling
    // convention.
    private static readonly string[] assembly =
        ["__get_user", "__put_user", "__SCT__preempt_schedule", "preempt_schedule", "__raw_callee_save", "__fentry__", "__x86_", "rep_"];

    /// <summary>True where no argument outlives the call.</summary>
    public static bool KeepsNothing(string? name) => name is not null && keepNothing.Contains(name);

    /// <summary>True where the call copies bytes from its second argument to its first.</summary>
    public static bool Copies(string? name) => name is not null && copies.Contains(name);

    /// <summary>True where the call copies bytes from its first argument to new memory.</summary>
    public static bool Duplicates(string? name) => name is not null && duplicates.Contains(name);

    /// <summary>True where the call takes its reference to a module (<c>include/linux/module.h</c>).</summary>
    public static bool TakesReference(string? name) => name is "__module_get" or "try_module_get";

    /// <summary>True where the callee may leave <c>%rax</c> as it was.</summary>
    public static bool IsAssembly(string? name) => name is not null && Array.Exists(assembly, p => name.StartsWith(p, StringComparison.Ordinal));

    /// <summary>True for the ftrace entry, which passes nothing on.</summary>
    public static bool IsFtraceEntry(string? name) => name == "__fentry__";

    /// <summary>True for the thunk that stands for a return.</summary>
    public static bool IsReturnThunk(string? name) => name == "__x86_return_thunk";

    /// <summary>True for a thunk that stands for an indirect call or jump.</summary>
    public static bool IsIndirectThunk(string? name) => name?.StartsWith("__x86_indirect_", StringComparison.Ordinal) == true;
}
