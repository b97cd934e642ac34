using System.Text.Json.Serialization;

namespace Elivepatch.Protocol.Api;

/// <summary>The subject of a build event.</summary>
public enum BuildEventKind
{
    /// <summary>A stage began, progressed or ended.</summary>
    [JsonStringEnumMemberName("stage")]
    Stage,

    /// <summary>A line of the log.</summary>
    [JsonStringEnumMemberName("log")]
    Log,

    /// <summary>The build changed to another <see cref="BuildState"/>, named in the detail.</summary>
    [JsonStringEnumMemberName("state")]
    State,
}

/// <summary>An event of a build.</summary>
/// <param name="Sequence">Counts from 1 within the build; the <c>id</c> of the server-sent event.</param>
/// <param name="Time">Time by the server's clock.</param>
/// <param name="Kind">Its subject.</param>
/// <param name="Stage">Short name of the stage, the same for all its events; empty for other events.</param>
/// <param name="Detail">The current activity of the stage, the log line, or the state.</param>
/// <param name="Status">For a stage: <c>running</c>, <c>done</c>, <c>cached</c> or <c>failed</c>; null for other events.</param>
/// <param name="Done">How much is done, in a unit that depends on the stage; null if unknown.</param>
/// <param name="Total">How much there is to do; null if unknown.</param>
public sealed record BuildEvent(
    long Sequence,
    DateTimeOffset Time,
    BuildEventKind Kind,
    string Stage,
    string Detail,
    string? Status = null,
    long? Done = null,
    long? Total = null
);
