namespace Elivepatch.Builder.Workers;

/// <summary>How builds are given to workers.</summary>
/// <param name="HeldFor">How long a worker that is not heard of keeps a build.</param>
/// <param name="MostAttempts">How often a build is begun that never comes to its end.</param>
public sealed record WorkPolicy(TimeSpan HeldFor, int MostAttempts)
{
    /// <summary>The usual.</summary>
    public static WorkPolicy Default { get; } = new(TimeSpan.FromSeconds(10), 3);

    /// <summary>How often a worker says what it does: a few of its reports may be lost before it counts as dead.</summary>
    public TimeSpan Beat => HeldFor / 5;
}
