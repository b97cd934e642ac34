using System.Globalization;
using Elivepatch.Model.Progress;

namespace Elivepatch.Terminal.Progress;

/// <summary>How one stage stands at a moment.</summary>
/// <param name="Stage">The stage.</param>
/// <param name="Detail">What it does or did.</param>
/// <param name="State">Where it stands.</param>
/// <param name="Elapsed">Time under way.</param>
/// <param name="Done">How much is done, in the stage's own unit.</param>
/// <param name="Total">How much there is to do.</param>
internal sealed record StageLine(string Stage, string Detail, StageState State, TimeSpan Elapsed, long? Done, long? Total)
{
    /// <summary>How far it has come, <c>40 %</c>; empty where that is not known.</summary>
    public string Share =>
        Total is > 0 && Done is { } done && State == StageState.Running
            ? string.Create(CultureInfo.InvariantCulture, $"{100 * Math.Min(done, Total.Value) / Total} %")
            : "";

    /// <summary>The time, <c>3.2 s</c>.</summary>
    public string Seconds => string.Create(CultureInfo.InvariantCulture, $"{Elapsed.TotalSeconds:0.0} s");
}
