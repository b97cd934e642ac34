using System.Collections.Concurrent;
using System.Diagnostics;
using Elivepatch.Builder.Jobs;
using Elivepatch.Builder.Telemetry;
using Elivepatch.Kernel;
using Elivepatch.Model;
using Elivepatch.Protocol.Api;

namespace Elivepatch.Builder.Tests.Telemetry;

/// <summary>What whoever collects traces and metrics gets.</summary>
public sealed class TelemetryTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_build_is_a_span_with_one_for_each_of_its_stages()
    {
        var id = Guid.NewGuid().ToString();
        var spans = await TraceAsync(
            id,
            (_, journal, _) =>
            {
                journal.Report(Stage("compile", "running"));
                journal.Report(Stage("test", "running"));
                journal.Report(Stage("compile", "done"));
                journal.Report(new(0, default, BuildEventKind.Log, "", "a line"));
                return Task.FromResult(new BuildProduct());
            }
        );
        var build = spans.Single(s => s.OperationName == "build");
        Assert.Equal("succeeded", build.GetTagItem("elivepatch.state"));
        var compile = spans.Single(s => s.OperationName == "compile");
        Assert.Equal(("done", build.SpanId), (compile.GetTagItem("elivepatch.end"), compile.ParentSpanId));
        // A stage that never told of its end was cut off.
        var test = spans.Single(s => s.OperationName == "test");
        Assert.Equal((ActivityStatusCode.Error, build.SpanId), (test.Status, test.ParentSpanId));
        Assert.Equal(3, spans.Count);
    }

    [Fact]
    public async Task The_end_of_a_build_is_told_as_it_is()
    {
        static BuildProduct Product(ProblemCode code) => new() { Problems = [new(code, "")] };
        Assert.Equal("refused", await StateAsync((_, _, _) => Task.FromResult(Product(BuilderProblems.TestImpossible))));
        Assert.Equal("failed", await StateAsync((_, _, _) => Task.FromResult(Product(RecordProblems.DownloadFailed))));
        Assert.Equal("cancelled", await StateAsync((_, _, _) => throw new OperationCanceledException()));
        Assert.Equal("failed", await StateAsync((_, _, _) => throw new IOException()));
    }

    private static BuildEvent Stage(string name, string status) => new(0, default, BuildEventKind.Stage, name, "", status);

    private static async Task<string?> StateAsync(BuildRun run) =>
        (await TraceAsync(Guid.NewGuid().ToString(), run)).Single(s => s.OperationName == "build").GetTagItem("elivepatch.state")
        as string;

    // Other tests run builds at the same time: theirs have other traces.
    private static async Task<List<Activity>> TraceAsync(string id, BuildRun run)
    {
        var ended = new ConcurrentBag<Activity>();
        using var listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name == BuildTelemetry.Name,
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllData,
            ActivityStopped = ended.Add,
        };
        ActivitySource.AddActivityListener(listener);
        var kernel = new WorkKernel("k", "6.12", "00", "x86_64", "gcc", "c", null, null);
        var order = new BuildOrder(id, kernel, new() { Kernel = "k", Patches = [] }, "", null, null);
        try
        {
            await TracedBuilds.Trace(run)(order, new Progress<BuildEvent>(), Cancellation);
        }
        catch (Exception e) when (e is OperationCanceledException or IOException)
        {
            // It is what the test made happen.
        }

        var trace = ended.Single(s => (string?)s.GetTagItem("elivepatch.build") == id).TraceId;
        return [.. ended.Where(s => s.TraceId == trace)];
    }
}
