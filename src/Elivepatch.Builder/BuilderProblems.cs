using Elivepatch.Model;

namespace Elivepatch.Builder;

/// <summary>What keeps a builder from working: its settings, its disk, and what it has of a kernel.</summary>
public static class BuilderProblems
{
    /// <summary>The test policy requires a test, and the kernel's boot image is not known.</summary>
    public static readonly ProblemCode TestImpossible = new(
        1014,
        ProblemKind.Refused,
        "the livepatch must be tested, but cannot be",
        "Send the boot image, or ask the server's operator for another test policy."
    );

    /// <summary>The server cannot read or write its state.</summary>
    public static readonly ProblemCode StateUnusable = new(
        1016,
        ProblemKind.Environment,
        "the server's state cannot be used",
        "Check that the disk is not full and that the state directory belongs to the server's user."
    );

    /// <summary>A setting of the server is unknown or has an invalid value.</summary>
    public static readonly ProblemCode ConfigurationInvalid = new(
        1017,
        ProblemKind.Usage,
        "invalid configuration",
        "Read `elivepatchd serve --help`, which lists the settings."
    );

    /// <summary>None of the configured places provides the source of the kernel.</summary>
    public static readonly ProblemCode SourceNotProvided = new(
        1018,
        ProblemKind.Refused,
        "no source is configured for the kernel",
        "Send the source, or ask the server's operator to provide it."
    );
}
