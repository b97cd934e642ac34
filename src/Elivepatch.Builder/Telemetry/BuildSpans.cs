// In: what a build reports of its stages. Out: one span for the build, one for each stage within it, and their durations.

using System.Diagnostics;
using Elivepatch.Protocol.Api;

namespace Elivepatch.Builder.Telemetry;

/// <summary>The spans of one run of a build. Its calls may come from any thread.</summary>
internal sealed class BuildSpans : IDisposable
{
    private const string Failed = "failed";
    private readonly Lock gate = new();
    private readonly Dictionary<string, (Activity? Span, long Started)> running = new(StringComparer.Ordinal);
    private readonly Activity? build;
    private readonly long started = Stopwatch.GetTimestamp();

    /// <summary>A run begins.</summary>
    /// <param name="id">The build's id.</param>
    /// <param name="release">The kernel's release.</param>
    public BuildSpans(string id, string release)
    {
        // A build is nobody's part: who submitted it first may be long gone.
        Activity.Current = null;
        build = BuildTelemetry.Spans.StartActivity("build", ActivityKind.Internal);
        build?.SetTag("elivepatch.build", id).SetTag("elivepatch.release", release);
    }

    /// <summary>A stage began, progressed or ended.</summary>
    public void Record(BuildEvent happened)
    {
        if (happened is not { Kind: BuildEventKind.Stage, Status: { } status })
        {
            return;
        }

        lock (gate)
        {
            if (!running.TryGetValue(happened.Stage, out var stage))
            {
                var span = BuildTelemetry.Spans.StartActivity(happened.Stage, ActivityKind.Internal, build?.Context ?? default);
                stage = (span, Stopwatch.GetTimestamp());
                running[happened.Stage] = stage;
            }

            if (status == "running")
            {
                return;
            }

            running.Remove(happened.Stage);
            End(happened.Stage, stage.Span, stage.Started, status);
        }
    }

    /// <summary>The run has ended.</summary>
    public void End(BuildState state)
    {
        var word = new KeyValuePair<string, object?>("state", state.ToString().ToLowerInvariant());
        BuildTelemetry.Ended.Add(1, word);
        BuildTelemetry.BuildSeconds.Record(Stopwatch.GetElapsedTime(started).TotalSeconds, word);
        build?.SetTag("elivepatch.state", word.Value);
        if (state is BuildState.Failed)
        {
            build?.SetStatus(ActivityStatusCode.Error);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (gate)
        {
            // A stage that never told of its end was cut off.
            foreach (var (name, stage) in running)
            {
                End(name, stage.Span, stage.Started, Failed);
            }

            running.Clear();
        }

        build?.Dispose();
    }

    private static void End(string name, Activity? span, long started, string end)
    {
        BuildTelemetry.StageSeconds.Record(
            Stopwatch.GetElapsedTime(started).TotalSeconds,
            new("stage", name),
            new KeyValuePair<string, object?>("end", end)
        );
        span?.SetTag("elivepatch.end", end);
        if (end == Failed)
        {
            span?.SetStatus(ActivityStatusCode.Error);
        }

        span?.Dispose();
    }
}
