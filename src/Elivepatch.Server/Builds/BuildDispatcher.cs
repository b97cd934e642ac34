// In: the queue in the database. Out: ended builds. A build that was taken is ended by whoever took it, or found again when the
// server starts: results are stored first and the end is written in one transaction after them, so that at any moment a build is
// either whole or to be done again.

using System.Data.Common;
using System.Diagnostics;
using System.Text.Json;
using Elivepatch.Builder;
using Elivepatch.Builder.Jobs;
using Elivepatch.Builder.Workers;
using Elivepatch.Protocol;
using Elivepatch.Protocol.Api;
using Elivepatch.Server.State;

namespace Elivepatch.Server.Builds;

/// <summary>How the dispatcher works.</summary>
/// <param name="Builders">How many builds run at once.</param>
/// <param name="MostAttempts">How often a build is begun that never comes to its end.</param>
/// <param name="Pause">How long it waits before it looks again by itself.</param>
public sealed record DispatcherOptions(int Builders, int MostAttempts, TimeSpan Pause)
{
    /// <summary>The usual.</summary>
    public static DispatcherOptions Default { get; } = new(2, 3, TimeSpan.FromSeconds(1));
}

/// <summary>Takes queued builds and runs them.</summary>
public sealed partial class BuildDispatcher(
    BuildTable builds,
    KernelTable kernels,
    BuildEventTable events,
    Database database,
    BlobStore blobs,
    ProductStore products,
    BuildSignals signals,
    BuildRun run,
    DispatcherOptions options,
    ILogger<BuildDispatcher> log
) : BackgroundService
{
    // Another one each time: what this process does not know of, it does not run.
    private readonly string worker = WorkerId.New();

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            await database.RecoverBuildsAsync(silentFor => RequeueAsync(silentFor, stoppingToken));
            await Task.WhenAll([
                LookForLostAsync(stoppingToken),
                .. Enumerable.Range(0, options.Builders).Select(_ => WorkAsync(stoppingToken)),
            ]);
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The server stops.
        }
    }

    private async Task LookForLostAsync(CancellationToken stopping)
    {
        await Task.Yield();
        await database.WatchBuildersAsync(silentFor => RequeueAsync(silentFor, stopping), stopping);
    }

    private async Task RequeueAsync(TimeSpan? silentFor, CancellationToken stopping)
    {
        foreach (var id in await InsistAsync(() => builds.RequeueInterruptedAsync(silentFor, stopping), stopping))
        {
            LogFound(id);
        }
    }

    private async Task WorkAsync(CancellationToken stopping)
    {
        // The first to come here may still be in the call that starts the server.
        await Task.Yield();
        while (true)
        {
            if (await InsistAsync(() => builds.TakeAsync(worker, stopping), stopping) is { } build)
            {
                await RunAsync(build, stopping);
            }
            else
            {
                await signals.WaitAsync(options.Pause, stopping);
            }
        }
    }

    private async Task RunAsync(StoredBuild build, CancellationToken stopping)
    {
        LogBegins(build.Id, build.Attempts, string.Join(", ", build.Patches.Select(p => p.Name)), build.Release, build.Requester);
        var begun = Stopwatch.GetTimestamp();
        using var cancel = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        signals.Begin(build.Id, cancel);
        try
        {
            var end = await EndOfAsync(build, cancel, stopping);
            if (end is null)
            {
                await InsistAsync(() => builds.RequeueAsync(build.Lease, CancellationToken.None), stopping);
            }
            else
            {
                await InsistAsync(() => builds.FinishAsync(build.Lease, end, CancellationToken.None), stopping);
            }

            LogEnded(
                build.Id,
                end?.State.ToString() ?? "interrupted",
                Stopwatch.GetElapsedTime(begun).TotalSeconds,
                string.Join(", ", (end?.Problems ?? []).Select(p => p.Code).Distinct())
            );
        }
        finally
        {
            signals.End(build.Id);
        }
    }

    // Null where the server stops: then somebody begins it again.
    private async Task<BuildEnd?> EndOfAsync(StoredBuild build, CancellationTokenSource cancel, CancellationToken stopping)
    {
        try
        {
            // Whoever cancelled it before it could be told here has left word in the database.
            if (
                build.IsCancelling
                || await InsistAsync(() => builds.FindAsync(build.Id, cancel.Token), cancel.Token) is { IsCancelling: true }
            )
            {
                return Cancelled();
            }

            if (build.Attempts > options.MostAttempts)
            {
                return BuildEnd.Failed(
                    new(ServiceProblems.BuildAbandoned, $"the server ended {options.MostAttempts} times while it ran")
                );
            }

            var product = await WatchAsync(build.Lease, ProduceAsync(build, cancel.Token), cancel);
            // What is done is kept, though the server stops.
            return await WatchAsync(
                build.Lease,
                InsistAsync(() => products.StoreAsync(product, CancellationToken.None), stopping),
                cancel
            );
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            return null;
        }
        catch (OperationCanceledException) when (cancel.IsCancellationRequested)
        {
            return Cancelled();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return BuildEnd.Failed(new(BuilderProblems.StateUnusable, e.Message));
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            LogBroken(build.Id, e);
            return BuildEnd.Failed(new(ServiceProblems.BuildAbandoned, $"the builder broke: {e.GetType().Name}"));
        }
    }

    // Another process may have cancelled it, or taken it up where this one was not heard of for long: the database knows.
    private async Task<T> WatchAsync<T>(BuildLease lease, Task<T> running, CancellationTokenSource cancel)
    {
        while (await Task.WhenAny(running, Task.Delay(options.Pause, CancellationToken.None)) != running)
        {
            try
            {
                if (await builds.RenewAsync(lease, CancellationToken.None) is not { IsCancelling: false })
                {
                    await cancel.CancelAsync();
                }
            }
            catch (DbException)
            {
                // It is asked again.
            }
        }

        return await running;
    }

    private async Task<BuildProduct> ProduceAsync(StoredBuild build, CancellationToken cancellation)
    {
        var order = await InsistAsync(() => OrderAsync(build, cancellation), cancellation);
        await using var journal = new BuildJournal(batch => TryAddAsync(build.Id, batch));
        return await run(order, journal, cancellation);
    }

    private async Task<bool> TryAddAsync(string build, IReadOnlyList<BuildEvent> batch)
    {
        try
        {
            await events.AddAllAsync(build, batch, CancellationToken.None);
            return true;
        }
        catch (DbException e)
        {
            // What is broken is a full disk, most likely. The build itself finds that out, and its end says so.
            return database.FailureOf(e) == DatabaseFailure.Broken;
        }
    }

    private async Task<BuildOrder> OrderAsync(StoredBuild build, CancellationToken cancellation)
    {
        var found =
            await kernels.FindAsync(build.Kernel, build.Token, cancellation)
            ?? throw new IOException($"the kernel {build.Kernel} no longer exists");
        var kernel = found.For(build);
        var submission =
            JsonSerializer.Deserialize(
                await blobs.ReadAsync(build.Submission, cancellation),
                ProtocolJson.Default.BuildSubmission
            ) ?? throw new IOException("the submission no longer exists");
        return new(
            build.Id,
            kernel,
            submission,
            await blobs.PathAsync(kernel.Capture, cancellation),
            await OptionalAsync(kernel.Source),
            await OptionalAsync(kernel.BootImage)
        )
        {
            ModulePaths = await Task.WhenAll(submission.Modules.Select(m => blobs.PathAsync(m.Sha256, cancellation).AsTask())),
        };

        async Task<string?> OptionalAsync(string? digest) => digest is null ? null : await blobs.PathAsync(digest, cancellation);
    }

    // A database that cannot be written now may be later; until then nothing that was done is lost.
    private async Task<T> InsistAsync<T>(Func<Task<T>> change, CancellationToken stopping)
    {
        while (true)
        {
            try
            {
                return await change();
            }
            catch (DbException e)
            {
                LogDatabase(e);
                await Task.Delay(options.Pause * 5, stopping);
            }
        }
    }

    private static BuildEnd Cancelled() => new() { State = BuildState.Cancelled };

    [LoggerMessage(LogLevel.Information, "build {Id} was interrupted and continues")]
    private partial void LogFound(string id);

    [LoggerMessage(LogLevel.Information, "build {Id} begins, attempt {Attempt}: {Patches} on {Release}, for {Requester}")]
    private partial void LogBegins(string id, int attempt, string patches, string release, string requester);

    [LoggerMessage(LogLevel.Information, "build {Id} ended: {State} after {Seconds:0.0} s {Problems}")]
    private partial void LogEnded(string id, string state, double seconds, string problems);

    [LoggerMessage(LogLevel.Error, "build {Id} broke")]
    private partial void LogBroken(string id, Exception e);

    [LoggerMessage(LogLevel.Error, "the database cannot be used")]
    private partial void LogDatabase(Exception e);
}
