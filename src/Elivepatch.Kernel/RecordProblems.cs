using Elivepatch.Model;

namespace Elivepatch.Kernel;

/// <summary>Packages, images and records of kernels that cannot be used.</summary>
public static class RecordProblems
{
    /// <summary>No kernel of that name has been imported.</summary>
    public static readonly ProblemCode KernelUnknown = new(
        701, ProblemKind.Usage, "no such kernel",
        "List the imported kernels with `elivepatch kernel list`, or import it with `elivepatch kernel import`.");

    /// <summary>A package that the import needs is not offered.</summary>
    public static readonly ProblemCode PackageMissing = new(
        702, ProblemKind.Environment, "a package is missing",
        "Bring the package lists up to date (apt-get update), or name a release whose packages are offered.");

    /// <summary>A package could not be downloaded.</summary>
    public static readonly ProblemCode DownloadFailed = new(
        703, ProblemKind.Environment, "a package could not be downloaded", "Check the network and run the command again.")
    {
        IsTemporary = true,
    };

    /// <summary>A boot image is not one, or is damaged.</summary>
    public static readonly ProblemCode BootImageUnreadable = new(
        704, ProblemKind.Refused, "the boot image cannot be read", "Use the bzImage that the kernel was booted from.");

    /// <summary>A kernel record is damaged.</summary>
    public static readonly ProblemCode RecordDamaged = new(
        705, ProblemKind.Environment, "a kernel record is damaged", "Remove the kernel and import it again.");

    /// <summary>What the booted image says of itself contradicts the packages.</summary>
    public static readonly ProblemCode KernelContradicts = new(
        708, ProblemKind.Mismatch, "the kernel is not the one that was named",
        "Import the packages again; where that does not help, the archive mixes versions.");

    /// <summary>The source archive or folder holds no kernel.</summary>
    public static readonly ProblemCode SourceUnusable = new(
        709, ProblemKind.Refused, "not a kernel source", "Name the top folder of a kernel source tree, or an archive of it.");

    /// <summary>The name of a kernel cannot be used as one.</summary>
    public static readonly ProblemCode KernelNameInvalid = new(
        710, ProblemKind.Usage, "not a kernel release", "Use the release as `uname -r` gives it.");
}
