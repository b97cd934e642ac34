namespace Elivepatch.Builder.Jobs;

/// <summary>Whether livepatches are tried in a virtual machine before they are published.</summary>
public enum TrialPolicy
{
    /// <summary>Required where the boot image is known; not done otherwise.</summary>
    Auto,

    /// <summary>Always required; without the boot image there is no livepatch.</summary>
    Required,

    /// <summary>Done where the boot image is known; what it saw is told, and keeps nothing back.</summary>
    Optional,

    /// <summary>Never done.</summary>
    Off,
}
