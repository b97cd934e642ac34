using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace Elivepatch.Builder.Telemetry;

/// <summary>What builds tell to whoever collects traces and metrics.</summary>
public static class BuildTelemetry
{
    /// <summary>Name of the source of spans and of the meter.</summary>
    public const string Name = "Elivepatch.Builds";

    private static readonly Meter meter = new(Name);

    /// <summary>Spans of builds and of their stages.</summary>
    public static ActivitySource Spans { get; } = new(Name);

    /// <summary>Builds that have ended, by state.</summary>
    public static Counter<long> Ended { get; } =
        meter.CreateCounter<long>("elivepatch.builds.ended", "{build}", "Builds that have ended, by state.");

    /// <summary>Seconds from the start of a build to its end, by state.</summary>
    public static Histogram<double> BuildSeconds { get; } =
        meter.CreateHistogram<double>("elivepatch.build.duration", "s", "From the start of a build to its end, by state.");

    /// <summary>Seconds that stages took, by stage and end.</summary>
    public static Histogram<double> StageSeconds { get; } =
        meter.CreateHistogram<double>("elivepatch.stage.duration", "s", "How long stages took, by stage and end.");
}
