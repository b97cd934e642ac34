using Elivepatch.Builder.Jobs;
using Elivepatch.Model;
using Elivepatch.Protocol.Api;

namespace Elivepatch.Builder.Telemetry;

/// <summary>Runs builds under the eyes of whoever collects traces and metrics.</summary>
public static class TracedBuilds
{
    /// <summary>The same runs, with spans and durations.</summary>
    public static BuildRun Trace(BuildRun run) =>
        async (order, journal, cancellation) =>
        {
            using var spans = new BuildSpans(order.Id, order.Kernel.Release);
            var state = BuildState.Failed;
            try
            {
                var product = await run(order, new Noting(journal, spans), cancellation);
                if (product.Problems.Count == 0)
                {
                    state = BuildState.Succeeded;
                }
                else if (product.Problems.All(p => p.Code.Kind != ProblemKind.Environment))
                {
                    state = BuildState.Refused;
                }

                return product;
            }
            catch (OperationCanceledException)
            {
                state = BuildState.Cancelled;
                throw;
            }
            finally
            {
                spans.End(state);
            }
        };

    private sealed class Noting(IProgress<BuildEvent> journal, BuildSpans spans) : IProgress<BuildEvent>
    {
        public void Report(BuildEvent value)
        {
            spans.Record(value);
            journal.Report(value);
        }
    }
}
