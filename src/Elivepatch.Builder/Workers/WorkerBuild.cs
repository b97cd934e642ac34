// In: the id of a build. Out: its end, told to a server; or that somebody else sees to it. What is told names the attempt, and
// what is told of a former attempt is not taken, so it does not matter here who else may run the build.

using Elivepatch.Builder.Jobs;
using Elivepatch.Builder.Sources;
using Elivepatch.Builder.Telemetry;
using Elivepatch.Kernel.Storage;
using Elivepatch.Model;
using Elivepatch.Protocol;
using Elivepatch.Protocol.Api;
using Elivepatch.Protocol.Captures;

namespace Elivepatch.Builder.Workers;

/// <summary>What becomes of the message of a build.</summary>
internal enum Settled
{
    /// <summary>The build has ended, or is not for us: the message is done with.</summary>
    Done,

    /// <summary>Another worker has to take it.</summary>
    Returned,
}

/// <summary>Runs one build for a server.</summary>
internal sealed partial class WorkerBuild(
    CacheRoot cache,
    KernelSources sources,
    WorkClient client,
    WorkInputs inputs,
    FetchedToolchains toolchains,
    PreparedKernels prepared,
    WorkPolicy policy,
    TimeProvider clock,
    ILogger<WorkerBuild> log
)
{
    private static readonly TimeSpan pause = TimeSpan.FromSeconds(1);

    /// <summary>Runs a build to its end: the one whose turn it is, which need not be the one that the message named.</summary>
    /// <param name="told">The id of a build that waits.</param>
    /// <param name="begun">Told when a build is ours: then it is reported to the server as running.</param>
    /// <param name="ended">Cancelled when the server wants this attempt to end.</param>
    /// <param name="stopping">Cancelled when the worker stops.</param>
    public async Task<Settled> RunAsync(
        string told,
        Action<AssignedBuild> begun,
        CancellationToken ended,
        CancellationToken stopping
    )
    {
        try
        {
            if (await BeginAsync(told, stopping) is not { } order)
            {
                return Settled.Done;
            }

            var build = order.Build;
            var hold = new AssignedBuild(build, order.Attempt);
            begun(hold);
            LogBegins(build, order.Attempt);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(ended, stopping);
            var result = await ResultAsync(order, hold, either.Token, stopping);
            if (result is null)
            {
                LogReturned(build, await client.ReleaseAsync(hold, CancellationToken.None));
                return Settled.Returned;
            }

            // Until somebody has taken the result it is not lost: only a worker that is killed has to do it again.
            var refused = await client.SendResultAsync(hold, result, stopping);
            if (refused is not null && refused.Code != WorkProblems.BuildLost && refused.Code != WorkProblems.WorkResultMalformed)
            {
                // The build shall not wait for an end that nobody takes.
                refused = new(WorkProblems.WorkResultMalformed, $"the server does not take the result: {refused.Reason}");
                await client.SendResultAsync(hold, Result(Failed(refused)), stopping);
            }

            LogEnded(build, refused);
            return Settled.Done;
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            return Settled.Returned;
        }
    }

    private async Task<WorkOrder?> BeginAsync(string told, CancellationToken stopping)
    {
        // A worker that is heard of keeps the build, and one that is not loses it: either is known after a while.
        for (var waited = TimeSpan.Zero; waited < policy.HeldFor * 2; waited += pause)
        {
            var begun = await client.BeginAsync(told, stopping);
            if (begun.TryGet(out var order))
            {
                return order;
            }

            if (begun.Problems[0].Code != WorkProblems.BuildHeld)
            {
                LogNotBegun(told, begun.Problems[0]);
                return null;
            }

            await Task.Delay(pause, stopping);
        }

        return null;
    }

    // Null where the worker stops: then somebody else begins it again.
    private async Task<WorkResult?> ResultAsync(
        WorkOrder order,
        AssignedBuild hold,
        CancellationToken cancellation,
        CancellationToken stopping
    )
    {
        try
        {
            return Result(await BuildAsync(order, hold, cancellation));
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            return null;
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            // The server knows why, and takes no other word for it.
            return Result(Failed(new(ServiceProblems.BuildAbandoned, "it was ended")));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return Result(Failed(new(BuilderProblems.StateUnusable, e.Message)));
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            LogBroken(e, order.Build);
            return Result(Failed(new(ServiceProblems.BuildAbandoned, $"the builder broke: {e.GetType().Name}")));
        }
    }

    private async Task<BuildProduct> BuildAsync(WorkOrder order, AssignedBuild hold, CancellationToken cancellation)
    {
        var told = 0L;
        await using var journal = new BuildJournal(async events =>
        {
            LogNoted(order.Build, await client.AddEventsAsync(hold, told, events, cancellation));
            told += events.Count;
            return true;
        });
        var fetched = await FetchAsync(order, hold, cancellation);
        if (!fetched.TryGet(out var ready))
        {
            return Failed(fetched.Problems[0]);
        }

        if (
            await toolchains.EnsureAsync(
                order.Kernel.Machine,
                order.Kernel.Compiler,
                new JournalReporter(journal),
                cancellation
            ) is
            { } missing
        )
        {
            return Failed(missing);
        }

        Func<byte[], KernelConfig, CancellationToken, Task<Outcome<byte[]>>>? sign = order.SignsModules
            ? (module, config, ending) => client.SignAsync(hold, module, config.GetString("MODULE_SIG_HASH"), ending)
            : null;
        var orders = new BuildPolicy
        {
            Trial = Enum.Parse<TrialPolicy>(order.Trial, ignoreCase: true),
            ScriptTime = TimeSpan.FromSeconds(order.ScriptSeconds),
            MostUnits = order.MostUnits,
        };
        var run = TracedBuilds.Trace(new BuildJob(cache, sources, orders, sign, clock).RunAsync);
        var product = await run(ready, journal, cancellation);
        if (product.Explanation is not null)
        {
            prepared.Add(order.Kernel.Id);
        }

        return product;
    }

    private async Task<Outcome<BuildOrder>> FetchAsync(WorkOrder order, AssignedBuild hold, CancellationToken cancellation)
    {
        var paths = new List<string?>();
        string?[] digests =
        [
            order.Kernel.Capture,
            order.Kernel.Source,
            order.Kernel.BootImage,
            .. order.Submission.Modules.Select(m => m.Sha256),
        ];
        foreach (var digest in digests)
        {
            var path = digest is null ? null : await inputs.GetAsync(hold, digest, cancellation);
            if (path is { Succeeded: false })
            {
                return Outcome<BuildOrder>.Failure(path.Problems);
            }

            paths.Add(path?.Value);
        }

        return new BuildOrder(order.Build, order.Kernel, order.Submission, paths[0]!, paths[1], paths[2])
        {
            ModulePaths = [.. paths.Skip(3).OfType<string>()],
        };
    }

    private static BuildProduct Failed(Problem problem) => new() { Problems = [problem] };

    private static WorkResult Result(BuildProduct product) =>
        new()
        {
            Problems = ProblemReport.Of(product.Problems),
            Module = product.Module,
            Artifact = product.Artifact,
            Explanation = product.Explanation,
            Console = product.Console,
            Tested = product.Tested,
            Statement = product.Statement,
        };

    [LoggerMessage(LogLevel.Information, "build {Id} begins, attempt {Attempt}")]
    private partial void LogBegins(string id, int attempt);

    [LoggerMessage(LogLevel.Information, "build {Id} is not begun: {Problem}")]
    private partial void LogNotBegun(string id, Problem problem);

    [LoggerMessage(LogLevel.Information, "build {Id} is given back {Problem}")]
    private partial void LogReturned(string id, Problem? problem);

    [LoggerMessage(LogLevel.Information, "build {Id} ended {Problem}")]
    private partial void LogEnded(string id, Problem? problem);

    [LoggerMessage(LogLevel.Debug, "events of build {Id} were sent {Problem}")]
    private partial void LogNoted(string id, Problem? problem);

    [LoggerMessage(LogLevel.Error, "build {Id} broke")]
    private partial void LogBroken(Exception e, string id);
}
