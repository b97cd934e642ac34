namespace Elivepatch.Machine;

/// <summary>
/// A livepatch as the kernel shows it in <c>/sys/kernel/livepatch/NAME</c> (the kernel's ABI/testing/sysfs-kernel-livepatch).
/// </summary>
/// <param name="Name">Name of its module.</param>
/// <param name="IsEnabled">What it is or becomes: true for live.</param>
/// <param name="IsInTransition">True while tasks move over.</param>
/// <param name="Replaces">True where it replaced all others; null where the kernel does not say (before 6.11).</param>
/// <param name="Functions">
/// What it patches: <c>OBJECT/FUNCTION</c> with the position behind a comma where it is not the first of its name.
/// </param>
public sealed record LoadedLivepatch(
    string Name,
    bool IsEnabled,
    bool IsInTransition,
    bool? Replaces,
    IReadOnlyList<string> Functions
)
{
    /// <summary>The modules that it patches, by name.</summary>
    public IReadOnlyList<PatchedModule> Modules { get; init; } = [];
}

/// <summary>What has become of a module that a livepatch is for.</summary>
public enum PatchedModuleState
{
    /// <summary>It is loaded and patched, or becomes so in the transition that lasts.</summary>
    Patched,

    /// <summary>It is not loaded; when it is, it is patched before any of its code runs.</summary>
    Waiting,

    /// <summary>It is not loaded, and the kernel's folder of modules has none of that name.</summary>
    Absent,

    /// <summary>It is loaded, and the livepatch does not patch it.</summary>
    NotPatched,
}

/// <summary>A module that a livepatch is for.</summary>
/// <param name="Name">Its name.</param>
/// <param name="State">What has become of it.</param>
public sealed record PatchedModule(string Name, PatchedModuleState State)
{
    /// <summary>
    /// True where the file that is installed now is known to be another build than the one that the livepatch is for: while the
    /// livepatch is live, that file cannot be loaded.
    /// </summary>
    public bool IsReplacedOnDisk { get; init; }
}
