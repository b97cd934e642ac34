using System.Text.Json.Serialization;

namespace Elivepatch.Protocol.Api;

/// <summary>What an event of a build is about.</summary>
public enum BuildEventKind
{
    /// <summary>A stage began, went on or ended.</summary>
    [JsonStringEnumMemberName("stage")]
    Stage,

    /// <summary>A line of the log.</summary>
    [JsonStringEnumMemberName("log")]
    Log,

    /// <summary>The build went over to another <see cref="BuildState"/>; the detail names it.</summary>
    [JsonStringEnumMemberName("state")]
    State,
}

/// <summary>Something that happened in a build.</summary>
/// <param name="Sequence">Counts from 1 within the build; the <c>id</c> of the server-sent event.</param>
/// <param name="Time">When, by the server's clock.</param>
/// <param name="Kind">What it is about.</param>
/// <param name="Stage">The stage in a few words, the same for all its events; empty for others.</param>
/// <param name="Detail">What it is doing now, the log line, or the state.</param>
/// <param name="Status">For a stage: <c>running</c>, <c>done</c>, <c>cached</c> or <c>failed</c>; null for others.</param>
/// <param name="Done">How much is done, in the stage's own unit; null where that is not known.</param>
/// <param name="Total">How much there is to do; null where that is not known.</param>
public sealed record BuildEvent(
    long Sequence, DateTimeOffset Time, BuildEventKind Kind, string Stage, string Detail, string? Status = null,
    long? Done = null, long? Total = null);
