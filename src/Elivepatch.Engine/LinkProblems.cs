using Elivepatch.Model;

namespace Elivepatch.Engine;

/// <summary>References and sections that cannot be placed in a livepatch.</summary>
public static class LinkProblems
{
    /// <summary>ELP0501.</summary>
    public static readonly ProblemCode UnresolvedSymbol = new(501, ProblemKind.Refused, "a symbol that the running kernel does not have",
        "add what the patch uses to the patch itself, or do without it: the kernel has nothing by that name that other units can refer to");

    /// <summary>ELP0502.</summary>
    public static readonly ProblemCode AmbiguousSymbol = new(502, ProblemKind.Refused, "a symbol name that could mean several things",
        "report the symbol; no rule tells which one the linker took");

    /// <summary>ELP0503.</summary>
    public static readonly ProblemCode UnplacedSymbol = new(503, ProblemKind.Refused, "a symbol of the unit whose place in the kernel is not known",
        "the running kernel may use another definition (a weak function that was overridden): patch that one instead");

    /// <summary>ELP0504.</summary>
    public static readonly ProblemCode ModuleSymbol = new(504, ProblemKind.Refused, "vmlinux code refers to a symbol of a module",
        "a livepatch of vmlinux cannot depend on a module: use a symbol of vmlinux");

    /// <summary>ELP0505.</summary>
    public static readonly ProblemCode UnsupportedRelocation = new(505, ProblemKind.Refused, "a relocation type that the module loader does not know",
        "report the function and the compiler's options");

    /// <summary>ELP0506.</summary>
    public static readonly ProblemCode NameTooLong = new(506, ProblemKind.Refused, "a symbol name longer than the kernel accepts",
        "the livepatch core reads at most 511 characters (127 before 6.1) of a symbol name");

    /// <summary>ELP0507.</summary>
    public static readonly ProblemCode DuplicateNewSymbol = new(507, ProblemKind.Refused, "two units define the same new symbol",
        "define it in one of them and declare it in the other");

    /// <summary>ELP0508.</summary>
    public static readonly ProblemCode LinkedModuleChanged = new(508, ProblemKind.Environment, "a link step changed what it must keep",
        "report the versions of binutils and of the kernel");

    /// <summary>ELP0511.</summary>
    public static readonly ProblemCode InitReference = new(511, ProblemKind.Refused, "a new reference to what the kernel frees after its start",
        "__init, __exit, __initdata and __initconst of vmlinux are gone: do the same work in a function that stays, or bring a copy of your own");

    /// <summary>ELP0512.</summary>
    public static readonly ProblemCode SealedEntry = new(512, ProblemKind.Refused, "the address of a function that may not be called through a pointer",
        "its entry has no ENDBR64 in the running kernel, so an indirect call traps: take the address of a new function that calls it");

    /// <summary>ELP0513.</summary>
    public static readonly ProblemCode ReadOnlyStaticKey = new(513, ProblemKind.Refused, "a static branch on a key in read-only memory",
        "this kernel writes to the key when a module with such a branch is loaded, and panics: patch callers that have no such branch");

    /// <summary>ELP0514.</summary>
    public static readonly ProblemCode UnknownMemory = new(514, ProblemKind.Refused, "the symbols do not say which memory the kernel freed after its start",
        "capture the kernel again, as root, with a complete /proc/kallsyms (CONFIG_KALLSYMS_ALL)");

    /// <summary>ELP0515.</summary>
    public static readonly ProblemCode NotImageMemory = new(515, ProblemKind.Refused, "what is new is used as part of the kernel's image",
        "a livepatch lies in memory of a module: store a copy (kstrdup()) where kfree_const() frees it, and allocate what needs a physical address");
}
