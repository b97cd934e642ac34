// In: the options. Out: a worker that takes builds until it is told to stop, or until a server does not want it. It keeps nothing
// but a cache: what it runs when it is killed, another one runs.

using Elivepatch.Builder.Broker;
using Elivepatch.Builder.Jobs;
using Elivepatch.Builder.Sources;
using Elivepatch.Kernel;
using Elivepatch.Kernel.Storage;
using Elivepatch.Kernel.Toolchains;
using Elivepatch.Model;
using Elivepatch.Protocol;
using Elivepatch.Protocol.Api;
using Elivepatch.Protocol.Captures;

namespace Elivepatch.Builder.Workers;

/// <summary>A worker as it runs.</summary>
public sealed class WorkerHost : IDisposable
{
    private readonly WorkerOptions options;
    private readonly string id = WorkerId.New();
    private readonly CacheRoot cache;
    private readonly IReadOnlyList<string> own;
    private readonly KernelSources sources;
    private readonly PreparedKernels prepared;
    private readonly WorkClient client;
    private readonly ILoggerFactory loggers;
    private readonly Reachability servers;
    private readonly FetchedToolchains toolchains;

    private WorkerHost(WorkerOptions options, CacheRoot cache, IReadOnlyList<string> compilers, ILoggerFactory loggers)
    {
        (this.options, this.cache, this.loggers, own) = (options, cache, loggers, compilers);
        servers = new("every server", loggers.CreateLogger<WorkerHost>());
        sources = new(cache, options.Sources, TimeProvider.System);
        prepared = new(cache);
        client = new(options.Servers, options.Token, id);
        toolchains = new(cache, client, loggers.CreateLogger<FetchedToolchains>());
    }

    /// <summary>The compilers of this machine and of the toolchain roots that it has or can fetch.</summary>
    public IReadOnlyList<string> Compilers => [.. own.Concat(toolchains.Compilers).Distinct()];

    /// <summary>What builds are routed here by.</summary>
    public IReadOnlyList<string> Capabilities => [.. Compilers.Select(CapabilityOf).Distinct().Order(StringComparer.Ordinal)];

    /// <summary>What builds are routed here by for one of its compilers: they are for the processor that is here.</summary>
    public static string CapabilityOf(string compiler) => Capability.Of(MachineNames.Here, compiler);

    /// <summary>Opens what a worker needs; nothing is sent yet.</summary>
    public static async Task<Outcome<WorkerHost>> OpenAsync(
        WorkerOptions options,
        ILoggerFactory loggers,
        CancellationToken cancellation
    )
    {
        var opened = CacheRoot.Open(options.CacheFolder);
        if (!opened.TryGet(out var cache))
        {
            return Outcome<WorkerHost>.Failure(opened.Problems);
        }

        var compilers = await new ToolchainFinder(cache).ListAsync(cancellation);
        return new WorkerHost(options, cache, compilers, loggers);
    }

    /// <summary>Works until it is told to stop.</summary>
    /// <param name="ready">Told when a server knows the worker and it begins to take builds.</param>
    /// <param name="stopping">Stops it.</param>
    /// <returns>Why no server wants the worker; null where it was told to stop.</returns>
    public async Task<Problem?> RunAsync(Action ready, CancellationToken stopping)
    {
        var known = await IntroduceAsync(stopping);
        if (!known.TryGet(out var orders))
        {
            return known.Problems[0];
        }

        toolchains.Note(orders.Toolchains);
        if (Capabilities.Count == 0)
        {
            return new Problem(CompileProblems.CompilerMissing, "there is no GCC here, and the server has no toolchain root");
        }

        var policy = WorkPolicy.Default with { HeldFor = TimeSpan.FromSeconds(orders.HeldForSeconds) };
        var inputs = new WorkInputs(cache, client);
        inputs.Trim();
        var build = new WorkerBuild(
            cache,
            sources,
            client,
            inputs,
            toolchains,
            prepared,
            policy,
            TimeProvider.System,
            loggers.CreateLogger<WorkerBuild>()
        );
        var consumer = new BuildConsumer(
            options.Broker,
            id,
            Capabilities,
            options.Builders,
            build.RunAsync,
            loggers.CreateLogger<BuildConsumer>()
        );
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        // Reports go on until the last build is given back: until then it is ours.
        using var reporting = new CancellationTokenSource();
        var reports = ReportAsync(consumer, policy, ending, reporting.Token);
        await consumer.RunAsync(ready, ending.Token);
        await reporting.CancelAsync();
        return await reports;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        client.Dispose();
        sources.Dispose();
    }

    // A server that is not up yet will be.
    private async Task<Outcome<WorkerOrders>> IntroduceAsync(CancellationToken stopping)
    {
        while (true)
        {
            var answered = await client.ReportAsync(Report([]), stopping);
            if (answered.Succeeded || answered.Problems[0].Code != ServiceProblems.ServerUnreachable)
            {
                return answered;
            }

            servers.MarkUnavailable(answered.Problems[0].Reason);
            await Task.Delay(WorkPolicy.Default.Beat, stopping);
        }
    }

    private async Task<Problem?> ReportAsync(
        BuildConsumer consumer,
        WorkPolicy policy,
        CancellationTokenSource ending,
        CancellationToken cancellation
    )
    {
        var announced = Capabilities.Count;
        while (!cancellation.IsCancellationRequested)
        {
            var answered = await client.ReportAsync(Report(consumer.Running), CancellationToken.None);
            if (answered.TryGet(out var orders))
            {
                servers.MarkAvailable();
                toolchains.Note(orders.Toolchains);
                if (Capabilities is var able && able.Count > announced)
                {
                    consumer.Extend(able);
                    announced = able.Count;
                }

                foreach (var build in orders.Ended)
                {
                    consumer.Cancel(build);
                }
            }
            else if (
                answered.Problems[0].Code is var code
                && (code == ServiceProblems.ServerUnreachable || code == ServiceProblems.ServerAnswerMalformed)
            )
            {
                // It was well when the worker started, and will be again.
                servers.MarkUnavailable(answered.Problems[0].Reason);
            }
            else
            {
                // The token was revoked, or the servers have another version now.
                await ending.CancelAsync();
                return answered.Problems[0];
            }

            await Task.Delay(policy.Beat, cancellation).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        return null;
    }

    private WorkerReport Report(IReadOnlyList<AssignedBuild> running) =>
        new()
        {
            Name = options.Name,
            Version = EngineVersion.Current,
            Capabilities = Capabilities,
            Kernels = prepared.Ids,
            Builders = options.Builders,
            Running = running,
        };
}
