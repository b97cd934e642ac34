namespace Elivepatch.Kernel.VirtualMachines;

/// <summary>
/// One trial: the modules are loaded one after the other, each when the transition of the former has ended. Then a livepatch that
/// changes nothing replaces all that is still active, and what was replaced is unloaded, unless it keeps itself in memory. The
/// last module is then loaded once more, under another name, and disabled and unloaded.
/// </summary>
public sealed record TrialCase
{
    /// <summary>What the case is called in reports.</summary>
    public required string Name { get; init; }

    /// <summary>The livepatch modules, as paths on this machine.</summary>
    public required IReadOnlyList<string> Modules { get; init; }

    /// <summary>
    /// A script for busybox's <c>sh</c>, or null. It runs in the folder of the case's files as <c>script before</c>,
    /// <c>script during LIVEPATCH</c> after each transition, and <c>script after</c> twice: when the livepatches are replaced and
    /// not yet unloaded, and when they are unloaded. A status other than 0 fails the case. What it leaves in the background is
    /// ended with the case.
    /// </summary>
    public string? Script { get; init; }

    /// <summary>Files for the case's folder, statically linked programs among them.</summary>
    public IReadOnlyList<GuestFile> Files { get; init; } = [];

    /// <summary>How long one transition may take. The kernel itself nudges tasks that lag behind every 15 seconds.</summary>
    public TimeSpan TransitionTimeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>How long the script may take each time.</summary>
    public TimeSpan ScriptTimeout { get; init; } = TimeSpan.FromSeconds(120);
}
