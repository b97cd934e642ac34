namespace Elivepatch.Terminal;

/// <summary>A verb that needs the builder.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Summary">What it does, in one line.</param>
public sealed record AuthorVerb(string Name, string Summary);

/// <summary>
/// The verbs of whoever builds livepatches. One program runs them; the other, on machines, knows that they are there.
/// </summary>
public static class AuthorVerbs
{
    /// <summary>The program that runs them.</summary>
    public const string Program = "elivepatch-author";

    /// <summary><c>elivepatch kernel</c>.</summary>
    public static AuthorVerb Kernel { get; } = new("kernel", "Manages the kernels for which livepatches can be built.");

    /// <summary><c>elivepatch toolchain</c>.</summary>
    public static AuthorVerb Toolchain { get; } =
        new("toolchain", "Manages compilers of other distributions than this machine's.");

    /// <summary><c>elivepatch build</c>.</summary>
    public static AuthorVerb Build { get; } = new("build", "Builds a livepatch module from source patches.");

    /// <summary><c>elivepatch diff</c>.</summary>
    public static AuthorVerb Diff { get; } =
        new("diff", "Shows what changed between two objects of one unit, and what of it could be made live.");

    /// <summary><c>elivepatch inspect</c>.</summary>
    public static AuthorVerb Inspect { get; } =
        new("inspect", "Shows what a livepatch module patches, refers to and needs, and whether it follows the kernel's rules.");

    /// <summary><c>elivepatch try</c>.</summary>
    public static AuthorVerb Try { get; } = new("try", "Boots a kernel in a virtual machine and tests livepatches on it.");

    /// <summary>All of them.</summary>
    public static IReadOnlyList<AuthorVerb> All { get; } = [Kernel, Toolchain, Build, Diff, Inspect, Try];
}
