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
);
