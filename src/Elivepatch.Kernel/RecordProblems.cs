using Elivepatch.Model;

namespace Elivepatch.Kernel;

/// <summary>Packages, images and records of kernels that cannot be used.</summary>
public static class RecordProblems
{
    /// <summary>No kernel of this name has been imported.</summary>
    public static readonly ProblemCode KernelUnknown = new(
        701,
        ProblemKind.Usage,
        "no such kernel",
        "List the imported kernels with `elivepatch kernel list`, or import this one with `elivepatch kernel import`."
    );

    /// <summary>A package that the import needs is not offered by the configured package sources.</summary>
    public static readonly ProblemCode PackageMissing = new(
        702,
        ProblemKind.Environment,
        "a package is not available",
        "Update the package lists (apt-get update), or name a release whose packages are available."
    );

    /// <summary>The download of a package failed.</summary>
    public static readonly ProblemCode DownloadFailed = new(
        703,
        ProblemKind.Environment,
        "a package could not be downloaded",
        "Check the network and run the command again."
    )
    {
        IsTemporary = true,
    };

    /// <summary>The file is not a boot image, or is damaged.</summary>
    public static readonly ProblemCode BootImageUnreadable = new(
        704,
        ProblemKind.Refused,
        "the boot image cannot be read",
        "Use the bzImage that the kernel was booted from."
    );

    /// <summary>The stored record of an imported kernel is damaged.</summary>
    public static readonly ProblemCode RecordDamaged = new(
        705,
        ProblemKind.Environment,
        "a kernel record is damaged",
        "Remove the kernel and import it again."
    );

    /// <summary>The release or build-id of the booted image contradicts the packages or the capture.</summary>
    public static readonly ProblemCode KernelContradicts = new(
        708,
        ProblemKind.Mismatch,
        "the kernel is not the one that was named",
        "Import the packages again; if that does not help, the archive mixes versions."
    );

    /// <summary>The archive or directory does not contain a kernel source tree.</summary>
    public static readonly ProblemCode SourceUnusable = new(
        709,
        ProblemKind.Refused,
        "not a kernel source tree",
        "Name the top directory of a kernel source tree, or an archive of it."
    );

    /// <summary>The name cannot be that of a kernel release.</summary>
    public static readonly ProblemCode KernelNameInvalid = new(
        710,
        ProblemKind.Usage,
        "not a kernel release",
        "Use the release as printed by `uname -r`."
    );

    /// <summary>Nobody has the file of a module that a build needs.</summary>
    public static readonly ProblemCode ModuleMissing = new(
        711,
        ProblemKind.Environment,
        "the file of a module is missing",
        "Name the file (--module /lib/modules/RELEASE/.../NAME.ko), here or when you import the kernel's capture, or import the "
            + "kernel from its packages (debian:RELEASE). `elivepatch patch` sends the files that a server asks for."
    );

    /// <summary>A module's file is damaged, or is not one.</summary>
    public static readonly ProblemCode ModuleUnreadable = new(
        712,
        ProblemKind.Refused,
        "the file of a module cannot be read",
        "Use the module's file (.ko, .ko.xz, .ko.zst or .ko.gz) as the package of the kernel or its build installed it."
    );

    /// <summary>A module's file is of another kernel, or of another build of the module.</summary>
    public static readonly ProblemCode ModuleContradicts = new(
        713,
        ProblemKind.Mismatch,
        "the file of a module is not the one of this kernel",
        "Use the file that the machine loads, or load the module from it: a livepatch for one build of a module does not fit "
            + "another. If the machine has one that was built outside of the kernel's tree (DKMS), build from its own source "
            + "(--module-source) and name its file (--module)."
    );

    /// <summary>The text cannot be the name of a suite of the Debian archive.</summary>
    public static readonly ProblemCode SuiteUnknown = new(
        714,
        ProblemKind.Usage,
        "not a Debian suite",
        "Use a codename, or one with -backports: debian:trixie/newest-cloud, debian:trixie-backports/newest-cloud."
    );

    /// <summary>The keys that sign the Debian archive are missing.</summary>
    public static readonly ProblemCode ArchiveUnverifiable = new(
        715,
        ProblemKind.Environment,
        "packages of Debian cannot be verified",
        "Install the package debian-archive-keyring."
    );
}
