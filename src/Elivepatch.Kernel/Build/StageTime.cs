namespace Elivepatch.Kernel.Build;

/// <summary>How long one stage took.</summary>
/// <param name="Stage">The stage.</param>
/// <param name="Elapsed">Time from its beginning to its end.</param>
public sealed record StageTime(string Stage, TimeSpan Elapsed);
