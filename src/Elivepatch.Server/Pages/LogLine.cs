using Elivepatch.Protocol.Api;

namespace Elivepatch.Server.Pages;

/// <summary>A line of a build's log as the page has it.</summary>
/// <param name="Time">When.</param>
/// <param name="Kind"><c>log</c>, <c>stage</c> or <c>state</c>.</param>
/// <param name="Text">What.</param>
public sealed record LogLine(DateTimeOffset Time, string Kind, string Text)
{
    /// <summary>The line of an event; null for one that only says how far a stage is.</summary>
    public static LogLine? Of(BuildEvent happened) =>
        happened.Kind switch
        {
            BuildEventKind.Log => new(happened.Time, "log", Display.Text(happened.Detail)),
            BuildEventKind.State => new(happened.Time, "state", Display.Text(happened.Detail)),
            _ when happened.Status == "running" => null,
            _ => new(happened.Time, "stage", Display.Text($"{happened.Stage}: {happened.Status} {happened.Detail}".TrimEnd())),
        };
}
