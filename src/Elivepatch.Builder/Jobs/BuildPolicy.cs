using Elivepatch.Kernel.Build;

namespace Elivepatch.Builder.Jobs;

/// <summary>What the operator decided about how builds are made.</summary>
public record BuildPolicy
{
    /// <summary>Whether livepatches are tried.</summary>
    public TrialPolicy Trial { get; init; } = TrialPolicy.Auto;

    /// <summary>How long the script of a trial may take each time that it runs.</summary>
    public TimeSpan ScriptTime { get; init; } = TimeSpan.FromSeconds(120);

    /// <summary>Maximum number of units that include what a patch changes.</summary>
    public int MostUnits { get; init; } = BuildRequest.UsualMostUnits;
}
