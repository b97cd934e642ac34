using Elivepatch.Model;

namespace Elivepatch.Engine;

/// <summary>References and sections that cannot be placed in a livepatch.</summary>
public static class LinkProblems
{
    /// <summary>ELP0501.</summary>
    public static readonly ProblemCode UnresolvedSymbol = new(
        501,
        ProblemKind.Refused,
        "a symbol that the running kernel does not have",
        "Add the missing definition to the patch, or do without it: the kernel has no symbol of that name that other units "
            + "can refer to."
    );

    /// <summary>ELP0502.</summary>
    public static readonly ProblemCode AmbiguousSymbol = new(
        502,
        ProblemKind.Refused,
        "an ambiguous symbol name",
        "Report the symbol: no rule tells which one the linker selected."
    );

    /// <summary>ELP0503.</summary>
    public static readonly ProblemCode UnplacedSymbol = new(
        503,
        ProblemKind.Refused,
        "a symbol of the unit whose address in the kernel is unknown",
        "Patch the definition that the running kernel uses instead, such as the one that overrides a weak function."
    );

    /// <summary>ELP0504.</summary>
    public static readonly ProblemCode ModuleSymbol = new(
        504,
        ProblemKind.Refused,
        "vmlinux code refers to a symbol of a module",
        "Use a symbol of vmlinux: a livepatch of vmlinux cannot depend on a module."
    );

    /// <summary>ELP0505.</summary>
    public static readonly ProblemCode UnsupportedRelocation = new(
        505,
        ProblemKind.Refused,
        "a relocation type that the module loader does not support",
        "Report the function and the compiler's options."
    );

    /// <summary>ELP0506.</summary>
    public static readonly ProblemCode NameTooLong = new(
        506,
        ProblemKind.Refused,
        "a symbol name longer than the kernel accepts",
        "Shorten the name: the livepatch core reads at most 511 characters of a symbol name (127 before 6.1)."
    );

    /// <summary>ELP0507.</summary>
    public static readonly ProblemCode DuplicateNewSymbol = new(
        507,
        ProblemKind.Refused,
        "two units define the same new symbol",
        "Define it in one of them and declare it in the other."
    );

    /// <summary>ELP0508.</summary>
    public static readonly ProblemCode LinkedModuleChanged = new(
        508,
        ProblemKind.Environment,
        "a link step changed something that it must keep",
        "Report the versions of binutils and of the kernel."
    );

    /// <summary>ELP0511.</summary>
    public static readonly ProblemCode InitReference = new(
        511,
        ProblemKind.Refused,
        "a new reference to init memory",
        "Do the same work in a function that stays, or put a copy of the code into the patch: __init, __exit, __initdata and "
            + "__initconst of vmlinux have been freed."
    );

    /// <summary>ELP0512.</summary>
    public static readonly ProblemCode SealedEntry = new(
        512,
        ProblemKind.Refused,
        "the address of a function that may not be called through a pointer",
        "Take the address of a new function that calls it: its entry has no ENDBR64 in the running kernel, so an indirect "
            + "call traps."
    );

    /// <summary>ELP0513.</summary>
    public static readonly ProblemCode ReadOnlyStaticKey = new(
        513,
        ProblemKind.Refused,
        "a static branch on a key in read-only memory",
        "Patch callers that have no such branch: this kernel writes to the key when a module with such a branch is loaded, "
            + "and panics."
    );

    /// <summary>ELP0514.</summary>
    public static readonly ProblemCode UnknownMemory = new(
        514,
        ProblemKind.Refused,
        "the boundaries of init and per-cpu memory are unknown",
        "Capture the kernel again as root, with a complete /proc/kallsyms (CONFIG_KALLSYMS_ALL)."
    );

    /// <summary>ELP0515.</summary>
    public static readonly ProblemCode NotImageMemory = new(
        515,
        ProblemKind.Refused,
        "new data is used as part of the kernel image",
        "Store a copy (kstrdup()) where kfree_const() frees it, and allocate memory whose physical address is needed: a "
            + "livepatch is loaded into module memory."
    );

    /// <summary>ELP0516.</summary>
    public static readonly ProblemCode ModuleNotNeeded = new(
        516,
        ProblemKind.Refused,
        "a reference to a module that need not be loaded",
        "Do without the symbol: only code of modules that depend on its module in the running kernel can rely on its being there."
    );

    /// <summary>ELP0517.</summary>
    public static readonly ProblemCode ModuleStaticKey = new(
        517,
        ProblemKind.Refused,
        "a static branch on a key of a module",
        "Ask the key itself instead of branching on it (static_key_enabled(&key)): the branches of a livepatch are linked to "
            + "their keys when it is loaded, with or without the module."
    );

    /// <summary>ELP0518.</summary>
    public static readonly ProblemCode ModuleReferenceTooEarly = new(
        518,
        ProblemKind.Refused,
        "a reference to a module where the kernel reads it before the module is there",
        "Move the reference into plain code or data: alternatives, per-cpu data and the kernel's tables are read when the "
            + "livepatch is loaded, with or without the module."
    );
}
