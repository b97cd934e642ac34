using Elivepatch.Model;

namespace Elivepatch.Engine;

/// <summary>A finished module that breaks a rule of the kernel.</summary>
public static class SelfCheckProblems
{
    private const string ModuleIsWrong =
        "do not load it; where this program built it, report the module, else ask whoever built it";

    private const string OtherKernel = "build the livepatch for exactly the kernel that is to load it";

    /// <summary>ELP0601.</summary>
    public static readonly ProblemCode NotALivepatch = new(601, ProblemKind.Refused, "the file is no livepatch module for x86-64",
        "give a kernel module (.ko) that calls klp_enable_patch() when it loads");

    /// <summary>ELP0602.</summary>
    public static readonly ProblemCode UnreadablePatchLists = new(602, ProblemKind.Refused, "the lists of patched functions cannot be read",
        "nothing can be said about what the module patches: do not load it, and report which tool built it");

    /// <summary>ELP0603.</summary>
    public static readonly ProblemCode WrongModuleInformation = new(603, ProblemKind.Refused,
        "the module's description of itself is not that of a livepatch", ModuleIsWrong);

    /// <summary>ELP0604.</summary>
    public static readonly ProblemCode BuiltForOtherKernel = new(604, ProblemKind.Mismatch, "the module was built for another kernel", OtherKernel);

    /// <summary>ELP0605.</summary>
    public static readonly ProblemCode WrongSymbolVersions = new(605, ProblemKind.Mismatch,
        "the module's symbol versions are not the kernel's", OtherKernel);

    /// <summary>ELP0606.</summary>
    public static readonly ProblemCode UnresolvableSymbol = new(606, ProblemKind.Mismatch,
        "the module refers to a symbol that the kernel will not resolve", OtherKernel);

    /// <summary>ELP0607.</summary>
    public static readonly ProblemCode WrongLivepatchRelocations = new(607, ProblemKind.Refused,
        "the livepatch relocations are not what the kernel reads", ModuleIsWrong);

    /// <summary>ELP0608.</summary>
    public static readonly ProblemCode WrongRelocations = new(608, ProblemKind.Refused,
        "a relocation that the kernel refuses or applies wrongly", ModuleIsWrong);

    /// <summary>ELP0609.</summary>
    public static readonly ProblemCode WrongPatchLists = new(609, ProblemKind.Refused,
        "the lists of patched functions are not what the kernel reads", ModuleIsWrong);

    /// <summary>ELP0610.</summary>
    public static readonly ProblemCode MissingPatchTarget = new(610, ProblemKind.Mismatch,
        "the kernel has no such function to patch", OtherKernel);

    /// <summary>ELP0611.</summary>
    public static readonly ProblemCode WrongModuleStart = new(611, ProblemKind.Refused, "the module does not enable its livepatch", ModuleIsWrong);

    /// <summary>ELP0612.</summary>
    public static readonly ProblemCode WrongSections = new(612, ProblemKind.Refused,
        "the module has sections that the kernel would misread", ModuleIsWrong);

    /// <summary>ELP0613.</summary>
    public static readonly ProblemCode WrongMemoryUse = new(613, ProblemKind.Refused,
        "the module uses memory of the kernel that is gone, or uses it in a way that it cannot be used", ModuleIsWrong);

    /// <summary>ELP0620.</summary>
    public static readonly ProblemCode UnresolvedIds = new(620, ProblemKind.Refused,
        "the module uses BTF ids that nobody has filled in", ModuleIsWrong);

    /// <summary>ELP0621.</summary>
    public static readonly ProblemCode JumpsIntoOldCode = new(621, ProblemKind.Refused,
        "the module leads into the middle of a function of the kernel", ModuleIsWrong);

    /// <summary>ELP0623.</summary>
    public static readonly ProblemCode SecondDefinitionInModule = new(623, ProblemKind.Refused,
        "the module defines a second time what the kernel has",
        "do not load it: the kernel goes on to use its own definition; build the livepatch again, from a patch of the unit that defines the name");

    /// <summary>ELP0626.</summary>
    public static readonly ProblemCode AddressesDangle = new(626, ProblemKind.Refused,
        "the kernel may keep addresses of the module, and the module can be unloaded",
        "build it again with this program, which makes such a module stay in memory; where it is loaded already, do not unload it");
}
