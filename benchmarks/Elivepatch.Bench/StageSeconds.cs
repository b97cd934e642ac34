namespace Elivepatch.Bench;

/// <summary>How long a stage took.</summary>
/// <param name="Stage">Its name.</param>
/// <param name="Seconds">Its time.</param>
internal sealed record StageSeconds(string Stage, double Seconds);
