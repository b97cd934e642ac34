// In: builds that were queued. Out: messages to workers. Where the broker is away a build waits in the database, and is sent when
// it is back (Redispatch).

using Elivepatch.Builder;
using Elivepatch.Builder.Workers;
using Elivepatch.Model;
using Elivepatch.Protocol.Api;
using Elivepatch.Server.Builds;
using Elivepatch.Server.Kernels;
using Elivepatch.Server.Security;
using Elivepatch.Server.State;

namespace Elivepatch.Server.Work;

/// <summary>Hands builds to workers over the broker.</summary>
internal sealed class BrokerDispatch(
    BuildPublisher publisher,
    WorkerTable workers,
    ToolchainsForWorkers toolchains,
    BuildTable builds,
    WorkPolicy policy,
    TimeProvider clock
) : IBuildDispatch
{
    private static readonly TimeSpan remembered = TimeSpan.FromMilliseconds(500);
    private IReadOnlyList<WorkerView> known = [];
    private DateTimeOffset knownAt;

    /// <inheritdoc/>
    public async Task<Problem?> SendAsync(StoredBuild build, StoredKernel kernel, CancellationToken cancellation)
    {
        var capability = Capability.Of(kernel.Machine, kernel.Compiler);
        var worker = await PreferredAsync(kernel.Id, capability, cancellation);
        if (await publisher.SendAsync(build.Id, capability, worker, cancellation) != Published.Unroutable)
        {
            return null;
        }

        // Workers that are there fetch the root of a compiler that they do not have, and then ask for such builds.
        if (known.Count > 0 && toolchains.IsComing(kernel.Compiler))
        {
            return null;
        }

        var failure = known.Count > 0 ? toolchains.FailureOf(kernel.Compiler) : null;
        var problem = new Problem(
            WorkProblems.NobodyBuilds,
            $"the kernel was built by \"{PlainText.Of(kernel.Compiler, 200)}\" ({capability})"
                + (failure is null ? "" : $", and the server could not get a toolchain root that has it: {failure.Reason}")
        );
        return await builds.FailQueuedAsync(build.Id, problem, cancellation) ? problem : null;
    }

    // One that has the kernel's tree prepared and nothing to do. With one worker alone there is no choice.
    private async Task<string?> PreferredAsync(string kernel, string capability, CancellationToken cancellation)
    {
        if ((clock.GetUtcNow() - knownAt).Duration() > remembered)
        {
            (known, knownAt) = (await workers.ListAsync(policy.HeldFor, cancellation), clock.GetUtcNow());
        }

        var able = known.Where(w => w.Capabilities.Contains(capability)).ToList();
        var idle = able.Where(w => w.Running.Count < w.Builders && w.Kernels.Contains(kernel)).ToList();
        return able.Count > 1 && idle.Count > 0 ? idle[Random.Shared.Next(idle.Count)].Id : null;
    }
}
