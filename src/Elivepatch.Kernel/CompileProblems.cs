using Elivepatch.Model;

namespace Elivepatch.Kernel;

/// <summary>What keeps a translation unit from being compiled as the kernel was.</summary>
public static class CompileProblems
{
    /// <summary>The compiler that built the kernel is not here.</summary>
    public static readonly ProblemCode CompilerMissing = new(
        201, ProblemKind.Environment, "the kernel's compiler is not installed",
        "Install exactly the compiler that built the kernel.");

    /// <summary>The kernel was built by a compiler that is not supported.</summary>
    public static readonly ProblemCode CompilerUnsupported = new(
        202, ProblemKind.Refused, "the kernel's compiler is not supported", "Only kernels built by GCC can be live patched.");

    /// <summary>The configuration lacks something that live patching needs.</summary>
    public static readonly ProblemCode ConfigurationLacks = new(
        203, ProblemKind.Refused, "the kernel cannot be live patched",
        "Build the kernel with the option that the reason names; no livepatch can be made for this one.");

    /// <summary>The configuration has something that makes a rebuild differ from the running kernel.</summary>
    public static readonly ProblemCode ConfigurationUnsupported = new(
        204, ProblemKind.Refused, "the kernel's configuration is not supported",
        "The option that the reason names makes code that cannot be built twice alike.");

    /// <summary>Preparing the source changed the configuration.</summary>
    public static readonly ProblemCode ConfigurationChanged = new(
        205, ProblemKind.Mismatch, "the configuration does not survive on this machine",
        "Install the versions of the tools that the configuration names, and use the kernel's own source.");

    /// <summary>The source could not be prepared.</summary>
    public static readonly ProblemCode PreparationFailed = new(
        206, ProblemKind.Environment, "the source cannot be prepared",
        "Install what building a kernel needs: make flex bison bc libelf-dev libssl-dev");

    /// <summary>A generated header differs from the one in the kernel's package.</summary>
    public static readonly ProblemCode GeneratedHeaderDiffers = new(
        207, ProblemKind.Mismatch, "a generated header is not the kernel's",
        "Use the source package of exactly this kernel and the compiler that built it.");

    /// <summary>A base patch does not apply.</summary>
    public static readonly ProblemCode BasePatchFails = new(
        208, ProblemKind.Mismatch, "a base patch does not apply to the source",
        "Give the patches that the kernel was built with, in their order, on the source that they were made for.");

    /// <summary>A unit is not part of this kernel.</summary>
    public static readonly ProblemCode UnitNotBuilt = new(
        209, ProblemKind.Refused, "a file is not part of this kernel",
        "This kernel's configuration does not build the file, so there is nothing to patch in it.");

    /// <summary>The build system's answer could not be understood.</summary>
    public static readonly ProblemCode CommandUnreadable = new(
        210, ProblemKind.Environment, "kbuild gave no compile command", "The reason carries what it said.");

    /// <summary>A unit does not compile.</summary>
    public static readonly ProblemCode CompileFailed = new(
        211, ProblemKind.Refused, "a unit does not compile", "Correct the patch; the reason carries the compiler's own words.");

    /// <summary>A unit includes a file that the build makes of others, and kbuild could not make it.</summary>
    public static readonly ProblemCode GeneratedFileMissing = new(
        212, ProblemKind.Refused, "a file that a unit includes cannot be made",
        "The reason has what kbuild said. Where the unpatched source is at fault, leave out the change of this unit, if the rest is worth it alone.");
}
