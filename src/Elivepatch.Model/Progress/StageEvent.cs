namespace Elivepatch.Model.Progress;

/// <summary>Where a stage stands.</summary>
public enum StageState
{
    /// <summary>Under way.</summary>
    Running,

    /// <summary>Done now.</summary>
    Done,

    /// <summary>Nothing to do: an earlier run's result serves.</summary>
    Cached,

    /// <summary>Ended with a problem.</summary>
    Failed,
}

/// <summary>A step in the progress of a long operation, for whoever shows it.</summary>
/// <param name="Stage">The stage in a few words, the same for all its events: "download", "prepare".</param>
/// <param name="Detail">What it is doing now; empty where the stage says it all.</param>
/// <param name="State">Where the stage stands.</param>
/// <param name="Done">How much is done, in a unit that depends on the stage; null if unknown.</param>
/// <param name="Total">How much there is to do; null if unknown.</param>
public sealed record StageEvent(string Stage, string Detail, StageState State, long? Done = null, long? Total = null);
