using Elivepatch.Model;

namespace Elivepatch.Engine;

/// <summary>A finished module that breaks a rule of the kernel.</summary>
public static class SelfCheckProblems
{
    private const string ModuleIsWrong =
        "Do not load the module. If this program built it, report it; otherwise tell whoever built it.";

    private const string OtherKernel = "Build the livepatch for exactly the kernel that is to load it.";

    /// <summary>ELP0601.</summary>
    public static readonly ProblemCode NotALivepatch = new(
        601,
        ProblemKind.Refused,
        "the file is not a livepatch module for x86-64",
        "Name a kernel module (.ko) that calls klp_enable_patch() when it is loaded."
    );

    /// <summary>ELP0602.</summary>
    public static readonly ProblemCode UnreadablePatchLists = new(
        602,
        ProblemKind.Refused,
        "the lists of patched functions cannot be read",
        "Do not load the module, and report which tool built it: what it patches cannot be determined."
    );

    /// <summary>ELP0603.</summary>
    public static readonly ProblemCode WrongModuleInformation = new(
        603,
        ProblemKind.Refused,
        "the module information is not that of a livepatch",
        ModuleIsWrong
    );

    /// <summary>ELP0604.</summary>
    public static readonly ProblemCode BuiltForOtherKernel = new(
        604,
        ProblemKind.Mismatch,
        "the module was built for another kernel",
        OtherKernel
    );

    /// <summary>ELP0605.</summary>
    public static readonly ProblemCode WrongSymbolVersions = new(
        605,
        ProblemKind.Mismatch,
        "the module's symbol versions differ from the kernel's",
        OtherKernel
    );

    /// <summary>ELP0606.</summary>
    public static readonly ProblemCode UnresolvableSymbol = new(
        606,
        ProblemKind.Mismatch,
        "the module refers to a symbol that the kernel will not resolve",
        OtherKernel
    );

    /// <summary>ELP0607.</summary>
    public static readonly ProblemCode WrongLivepatchRelocations = new(
        607,
        ProblemKind.Refused,
        "malformed livepatch relocations",
        ModuleIsWrong
    );

    /// <summary>ELP0608.</summary>
    public static readonly ProblemCode WrongRelocations = new(
        608,
        ProblemKind.Refused,
        "a relocation that the kernel rejects or applies wrongly",
        ModuleIsWrong
    );

    /// <summary>ELP0609.</summary>
    public static readonly ProblemCode WrongPatchLists = new(
        609,
        ProblemKind.Refused,
        "malformed lists of patched functions",
        ModuleIsWrong
    );

    /// <summary>ELP0610.</summary>
    public static readonly ProblemCode MissingPatchTarget = new(
        610,
        ProblemKind.Mismatch,
        "the kernel has no such function to patch",
        OtherKernel
    );

    /// <summary>ELP0611.</summary>
    public static readonly ProblemCode WrongModuleStart = new(
        611,
        ProblemKind.Refused,
        "the module does not enable its livepatch",
        ModuleIsWrong
    );

    /// <summary>ELP0612.</summary>
    public static readonly ProblemCode WrongSections = new(
        612,
        ProblemKind.Refused,
        "the module has sections that the kernel would misread",
        ModuleIsWrong
    );

    /// <summary>ELP0613.</summary>
    public static readonly ProblemCode WrongMemoryUse = new(
        613,
        ProblemKind.Refused,
        "the module uses kernel memory that is freed, or in a way that its kind does not allow",
        ModuleIsWrong
    );

    /// <summary>ELP0620.</summary>
    public static readonly ProblemCode UnresolvedIds = new(
        620,
        ProblemKind.Refused,
        "the module uses BTF IDs that have not been resolved",
        ModuleIsWrong
    );

    /// <summary>ELP0621.</summary>
    public static readonly ProblemCode JumpsIntoOldCode = new(
        621,
        ProblemKind.Refused,
        "the module refers to the middle of a kernel function",
        ModuleIsWrong
    );

    /// <summary>ELP0623.</summary>
    public static readonly ProblemCode SecondDefinitionInModule = new(
        623,
        ProblemKind.Refused,
        "the module redefines a symbol of the kernel",
        "Do not load the module: the kernel keeps using its own definition. Build the livepatch again from a patch of the "
            + "unit that defines the name."
    );

    /// <summary>ELP0626.</summary>
    public static readonly ProblemCode AddressesDangle = new(
        626,
        ProblemKind.Refused,
        "the kernel may keep addresses of a module that can be unloaded",
        "Build the module again with this program, which makes such a module stay in memory. If it is already loaded, do not "
            + "unload it."
    );
}
