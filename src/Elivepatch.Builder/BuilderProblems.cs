using Elivepatch.Model;

namespace Elivepatch.Builder;

/// <summary>What keeps a builder from working: its settings, its disk, and what it has of a kernel.</summary>
public static class BuilderProblems
{
    /// <summary>A livepatch has to be tested, and cannot be.</summary>
    public static readonly ProblemCode TestImpossible = new(
        1014, ProblemKind.Refused, "the livepatch has to be tested and cannot be", "Send the boot image, or ask the server's operator for another test policy.");

    /// <summary>The server cannot keep its state.</summary>
    public static readonly ProblemCode StateUnusable = new(
        1016, ProblemKind.Environment, "the server's state cannot be used", "See that the disk is not full and that the folder belongs to the server's user.");

    /// <summary>The server's configuration makes no sense.</summary>
    public static readonly ProblemCode ConfigurationInvalid = new(
        1017, ProblemKind.Usage, "the configuration makes no sense", "`elivepatchd serve --help` lists the settings.");

    /// <summary>No configured source provides a kernel's source.</summary>
    public static readonly ProblemCode SourceNotProvided = new(
        1018, ProblemKind.Refused, "no source is configured for the kernel", "Send the source, or ask the server's operator to provide it.");
}
