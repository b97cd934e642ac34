using static Elivepatch.Engine.ProblemKind;

namespace Elivepatch.Engine;

/// <content>Numbers 06xx: reading a finished livepatch module and checking what a kernel accepts.</content>
public static partial class ProblemCodes
{
    private const string ModuleIsWrong =
        "do not load it; where this program built it, report the module, else ask whoever built it";

    private const string OtherKernel = "build the livepatch for exactly the kernel that is to load it";

    /// <summary>ELP0601.</summary>
    public static readonly ProblemCode NotALivepatch = new(601, Refused, "the file is no livepatch module for x86-64",
        "give a kernel module (.ko) that calls klp_enable_patch() when it loads");

    /// <summary>ELP0602.</summary>
    public static readonly ProblemCode UnreadablePatchLists = new(602, Refused, "the lists of patched functions cannot be read",
        "nothing can be said about what the module patches: do not load it, and report which tool built it");

    /// <summary>ELP0603.</summary>
    public static readonly ProblemCode WrongModuleInformation = new(603, Refused,
        "the module's description of itself is not that of a livepatch", ModuleIsWrong);

    /// <summary>ELP0604.</summary>
    public static readonly ProblemCode BuiltForOtherKernel = new(604, Mismatch, "the module was built for another kernel", OtherKernel);

    /// <summary>ELP0605.</summary>
    public static readonly ProblemCode WrongSymbolVersions = new(605, Mismatch,
        "the module's symbol versions are not the kernel's", OtherKernel);

    /// <summary>ELP0606.</summary>
    public static readonly ProblemCode UnresolvableSymbol = new(606, Mismatch,
        "the module refers to a symbol that the kernel will not resolve", OtherKernel);

    /// <summary>ELP0607.</summary>
    public static readonly ProblemCode WrongLivepatchRelocations = new(607, Refused,
        "the livepatch relocations are not what the kernel reads", ModuleIsWrong);

    /// <summary>ELP0608.</summary>
    public static readonly ProblemCode WrongRelocations = new(608, Refused,
        "a relocation that the kernel refuses or applies wrongly", ModuleIsWrong);

    /// <summary>ELP0609.</summary>
    public static readonly ProblemCode WrongPatchLists = new(609, Refused,
        "the lists of patched functions are not what the kernel reads", ModuleIsWrong);

    /// <summary>ELP0610.</summary>
    public static readonly ProblemCode MissingPatchTarget = new(610, Mismatch,
        "the kernel has no such function to patch", OtherKernel);

    /// <summary>ELP0611.</summary>
    public static readonly ProblemCode WrongModuleStart = new(611, Refused, "the module does not enable its livepatch", ModuleIsWrong);

    /// <summary>ELP0612.</summary>
    public static readonly ProblemCode WrongSections = new(612, Refused,
        "the module has sections that the kernel would misread", ModuleIsWrong);

    /// <summary>ELP0613.</summary>
    public static readonly ProblemCode WrongMemoryUse = new(613, Refused,
        "the module uses memory of the kernel that is gone, or uses it in a way that it cannot be used", ModuleIsWrong);
}
