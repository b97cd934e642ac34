using Elivepatch.Model;

namespace Elivepatch.Kernel;

/// <summary>What keeps a translation unit from being compiled as the kernel was.</summary>
public static class CompileProblems
{
    /// <summary>The compiler that built the kernel was not found on this machine.</summary>
    public static readonly ProblemCode CompilerMissing = new(
        201,
        ProblemKind.Environment,
        "the kernel's compiler is not here",
        "Install exactly the compiler that built the kernel, or add a toolchain root that has it: `elivepatch toolchain --help`."
    );

    /// <summary>The kernel was built by a compiler that is not supported.</summary>
    public static readonly ProblemCode CompilerUnsupported = new(
        202,
        ProblemKind.Refused,
        "the kernel's compiler is not supported",
        "Use a kernel that was built by GCC: no other compiler is supported."
    );

    /// <summary>The configuration lacks an option that live patching needs.</summary>
    public static readonly ProblemCode ConfigurationLacks = new(
        203,
        ProblemKind.Refused,
        "the kernel cannot be live patched",
        "Build and boot a kernel with the option that the reason names; no livepatch can be made for this one."
    );

    /// <summary>
    /// The configuration has an option that keeps the code of the running kernel from being reproduced unit by unit.
    /// </summary>
    public static readonly ProblemCode ConfigurationUnsupported = new(
        204,
        ProblemKind.Refused,
        "the kernel's configuration is not supported",
        "Build and boot a kernel without the option that the reason names."
    );

    /// <summary>Preparing the source tree changed options of the kernel's configuration.</summary>
    public static readonly ProblemCode ConfigurationChanged = new(
        205,
        ProblemKind.Mismatch,
        "preparing the source changed the configuration",
        "Add a toolchain root with the versions of the tools that the configuration names (`elivepatch toolchain --help`), and use "
            + "the source of exactly this kernel."
    );

    /// <summary>kbuild could not prepare the source tree.</summary>
    public static readonly ProblemCode PreparationFailed = new(
        206,
        ProblemKind.Environment,
        "the source cannot be prepared",
        "Install the packages that a kernel build needs: make flex bison bc libelf-dev libssl-dev."
    );

    /// <summary>A header generated in the prepared tree differs from the one in the kernel's package.</summary>
    public static readonly ProblemCode GeneratedHeaderDiffers = new(
        207,
        ProblemKind.Mismatch,
        "a generated header differs from the kernel's",
        "Use the source package of exactly this kernel and the compiler that built it."
    );

    /// <summary>A base patch does not match the source of the kernel.</summary>
    public static readonly ProblemCode BasePatchFails = new(
        208,
        ProblemKind.Mismatch,
        "a base patch does not apply to the source",
        "Give the patches that the kernel was built with, in order, and the source that they were made for."
    );

    /// <summary>The configuration of this kernel does not build the named unit.</summary>
    public static readonly ProblemCode UnitNotBuilt = new(
        209,
        ProblemKind.Refused,
        "a file is not part of this kernel",
        "Leave the file out: the configuration of this kernel does not build it."
    );

    /// <summary>The output of kbuild's dry run, or of the probe of the kernel's headers, could not be understood.</summary>
    public static readonly ProblemCode CommandUnreadable = new(
        210,
        ProblemKind.Environment,
        "kbuild gave no compile command",
        "Read the output that the reason quotes."
    );

    /// <summary>The compiler reported an error in a unit.</summary>
    public static readonly ProblemCode CompileFailed = new(
        211,
        ProblemKind.Refused,
        "a unit does not compile",
        "Correct the patch; the reason quotes the compiler's messages."
    );

    /// <summary>
    /// A unit includes a file that the build generates from others (a list of SELinux classes, a parser made from ASN.1), and
    /// kbuild could not make it.
    /// </summary>
    public static readonly ProblemCode GeneratedFileMissing = new(
        212,
        ProblemKind.Refused,
        "a generated file that a unit includes cannot be made",
        "Read kbuild's messages in the reason. If the unpatched source is at fault, leave out the change to this unit, "
            + "provided that the rest of the patch is useful by itself."
    );

    /// <summary>The source of a module that is built outside of the kernel's tree is not one that kbuild could compile.</summary>
    public static readonly ProblemCode ModuleSourceUnusable = new(
        213,
        ProblemKind.Refused,
        "the source of the module cannot be used",
        "Name the directory with the module's Kbuild or Makefile (obj-m), with all that it needs inside of it."
    );

    /// <summary>The configuration of DKMS has a module built in a way that cannot be read from it.</summary>
    public static readonly ProblemCode DkmsUnreadable = new(
        214,
        ProblemKind.Refused,
        "dkms.conf does not simply run make",
        "Give make's variables (--make-variable KEY=VALUE, or an empty one for none) and the path of the build (--module-path); what "
            + "changes the source, do in a copy of the directory, take it out of the copy's dkms.conf, and name the copy."
    );
}
