// In: what workers say of builds. Out: the same in the state, as far as the worker has the build and what it says fits its order.
// A worker is believed what it built; that it built what was asked for is looked at.

using System.Text.Json;
using Elivepatch.Builder;
using Elivepatch.Builder.Jobs;
using Elivepatch.Builder.Workers;
using Elivepatch.Model;
using Elivepatch.Protocol.Api;
using Elivepatch.Protocol.Manifests;
using Elivepatch.Server.Builds;
using Elivepatch.Server.Configuration;
using Elivepatch.Server.Kernels;
using Elivepatch.Server.Security;
using Elivepatch.Server.Signing;
using Elivepatch.Server.State;

namespace Elivepatch.Server.Work;

/// <summary>Builds assigned to workers.</summary>
public sealed class RemoteBuilds(
    BuildTable builds,
    KernelTable kernels,
    WorkerTable workers,
    BlobStore blobs,
    ProductStore products,
    ToolchainsForWorkers toolchains,
    ServicePolicy policy,
    WorkPolicy work,
    ModuleSigner? signer
)
{
    /// <summary>Takes a worker's report; its builds are its own for another while.</summary>
    public async Task<Outcome<WorkerOrders>> AcceptReportAsync(string worker, WorkerReport report, CancellationToken cancellation)
    {
        if (report.Version != EngineVersion.Current)
        {
            return new Problem(
                WorkProblems.WorkerOfOtherVersion,
                $"the worker is {PlainText.Of(report.Version, 80)}, the server {EngineVersion.Current}"
            );
        }

        await workers.PutAsync(worker, report, cancellation);
        var ended = new List<string>();
        foreach (var hold in report.Running)
        {
            if (await builds.RenewAsync(new(hold.Build, worker, hold.Attempt), cancellation) is not { IsCancelling: false })
            {
                ended.Add(hold.Build);
            }
        }

        return new WorkerOrders(ended, (int)work.HeldFor.TotalSeconds, toolchains.List());
    }

    /// <summary>Gives a build to a worker that was told of one: the one whose turn it is.</summary>
    public async Task<Outcome<WorkOrder>> BeginAsync(string build, string worker, CancellationToken cancellation)
    {
        var (taking, found) = await builds.TakeInTurnAsync(build, worker, work.HeldFor, work.MostAttempts, cancellation);
        if (taking == BuildTaking.Held)
        {
            return new Problem(WorkProblems.BuildHeld, "its worker has reported recently");
        }

        if (taking == BuildTaking.Over)
        {
            return new Problem(
                WorkProblems.BuildOver,
                found is null ? "it is not known" : $"it is {BuildViews.Word(found.State)}"
            );
        }

        var kernel = await kernels.FindAsync(found!.Kernel, KernelTable.Operator, cancellation);
        var submission = await SubmissionAsync(found, cancellation);
        return new WorkOrder
        {
            Build = found.Id,
            Attempt = found.Attempts,
            Submission = submission,
            Kernel = kernel!.For(found),
            Trial = policy.Trial.ToString().ToLowerInvariant(),
            ScriptSeconds = (int)policy.ScriptTime.TotalSeconds,
            MostUnits = policy.MostUnits,
            SignsModules = signer is not null,
        };
    }

    /// <summary>The path of something that a build is made of, for its worker.</summary>
    public async Task<Outcome<string>> GetInputAsync(BuildLease lease, string digest, CancellationToken cancellation)
    {
        if (await builds.RenewAsync(lease, cancellation) is not { } build)
        {
            return Lost(lease);
        }

        var kernel = await kernels.FindAsync(build.Kernel, KernelTable.Operator, cancellation);
        return
            digest == kernel?.Capture
            || digest == build.Source
            || digest == build.BootImage
            || (await SubmissionAsync(build, cancellation)).Modules.Any(m => m.Sha256 == digest)
            ? await blobs.PathAsync(digest, cancellation)
            : new Problem(ServerProblems.ResultMissing, "the build is not made of this");
    }

    /// <summary>Adds events to a build; a problem where it is not the worker's. Sending them again is harmless.</summary>
    /// <param name="lease">The build.</param>
    /// <param name="told">How many the worker has sent in this attempt before these.</param>
    /// <param name="happened">The events.</param>
    /// <param name="cancellation">Ends it.</param>
    public async Task<Problem?> AddEventsAsync(
        BuildLease lease,
        long told,
        IReadOnlyList<BuildEvent> happened,
        CancellationToken cancellation
    )
    {
        // How a build stands is said by whoever changes it.
        if (happened.Any(h => h.Kind == BuildEventKind.State))
        {
            return new(ServerProblems.RequestMalformed, "a worker tells stages and log lines");
        }

        return await builds.AddEventsAsync(lease, told, happened, cancellation) ? null : Lost(lease);
    }

    /// <summary>Signs a module for kernels that ask for it.</summary>
    /// <param name="lease">The build.</param>
    /// <param name="module">The module.</param>
    /// <param name="hash">The hash that the kernel's configuration names.</param>
    /// <param name="cancellation">Ends it.</param>
    public async Task<Outcome<byte[]>> SignAsync(BuildLease lease, byte[] module, string hash, CancellationToken cancellation)
    {
        if (signer is null)
        {
            return new Problem(ServerProblems.RequestMalformed, "the server signs no modules");
        }

        if (await builds.RenewAsync(lease, cancellation) is null)
        {
            return Lost(lease);
        }

        return signer.Sign(module, hash);
    }

    /// <summary>Ends a build by its worker's result; a problem where that is not taken. Sending it again is harmless.</summary>
    public async Task<Problem?> AcceptResultAsync(BuildLease lease, WorkResult result, CancellationToken cancellation)
    {
        if (await builds.RenewAsync(lease, cancellation) is not { } build)
        {
            return await HasEndedAsync(lease, cancellation) ? null : Lost(lease);
        }

        var kernel = await kernels.FindAsync(build.Kernel, KernelTable.Operator, cancellation);
        var wrong = FindProblem(build, kernel!, result) ?? await FindUnrequestedAsync(build, result, cancellation);
        var end = wrong is null
            ? await products.StoreAsync(
                new()
                {
                    Problems = [.. result.Problems.Select(p => p.ToProblem())],
                    Module = result.Module,
                    Artifact = result.Artifact,
                    Explanation = result.Explanation,
                    Console = result.Console,
                    Tested = result.Tested,
                    Statement = result.Statement,
                },
                cancellation
            )
            : BuildEnd.Failed(new(WorkProblems.WorkResultMalformed, wrong));
        // What was asked for last counts: who cancelled a build gets no livepatch.
        if (build.IsCancelling)
        {
            end = new() { State = BuildState.Cancelled };
        }

        if (!await builds.FinishAsync(lease, end, cancellation) && !await HasEndedAsync(lease, cancellation))
        {
            return Lost(lease);
        }

        return wrong is null ? null : new(WorkProblems.WorkResultMalformed, wrong);
    }

    /// <summary>Takes a build back that its worker cannot end; it waits again, and this attempt does not count.</summary>
    public async Task<Problem?> ReleaseAsync(BuildLease lease, CancellationToken cancellation) =>
        await builds.RequeueAsync(lease, cancellation) ? null : Lost(lease);

    // An answer that was lost on its way has the worker ask again.
    private async Task<bool> HasEndedAsync(BuildLease lease, CancellationToken cancellation) =>
        await builds.FindAsync(lease.Build, cancellation) is { End: not null } ended && ended.Lease == lease;

    private string? FindProblem(StoredBuild build, StoredKernel kernel, WorkResult result)
    {
        // JSON can have null where no member may be null.
        if (result.Problems.Any(p => p is null))
        {
            return "a problem is malformed";
        }

        if (result.Problems.Count > 0)
        {
            return result.Artifact is null && result.Statement is null ? null : "there are problems and a livepatch";
        }

        if (result is not { Artifact: { } artifact, Explanation: { } explanation, Statement: { } statement, Module: { } module })
        {
            return "there is neither a problem nor a whole livepatch";
        }

        if (module != explanation.Name || statement.Subject is not [{ } subject])
        {
            return "its module has two names";
        }

        if (subject.Digest.Sha256 != ContentDigest.Of(artifact).Hex || subject.Name != $"{module}.ko")
        {
            return "its statement is about another module";
        }

        var asked = statement.Predicate.BuildDefinition.ExternalParameters;
        if (
            statement is not { Type: Statement.StatementType, PredicateType: Statement.ProvenanceType }
            || statement.Predicate.BuildDefinition.BuildType != BuildDefinition.LivepatchType
            || statement.Predicate.RunDetails.Metadata.InvocationId != build.Id
            || asked.BuildId != kernel.BuildId
            || !asked.Patches.SequenceEqual(build.Patches)
            || statement.Predicate.BuildDefinition.InternalParameters.Engine != EngineVersion.Current
        )
        {
            return "its statement is about another build";
        }

        return policy.Trial == TrialPolicy.Required && result.Tested != true ? "it was not tested, and has to be" : null;
    }

    // A livepatch rests on the author's word for single things, and that word is what was asked with.
    private async Task<string?> FindUnrequestedAsync(StoredBuild build, WorkResult result, CancellationToken cancellation)
    {
        if (result.Statement is not { } statement)
        {
            return null;
        }

        var asked = await SubmissionAsync(build, cancellation);
        return asked.Statements.SequenceEqual(statement.Predicate.BuildDefinition.ExternalParameters.Statements ?? [])
            ? null
            : "it was built with other statements than were requested";
    }

    private async Task<BuildSubmission> SubmissionAsync(StoredBuild build, CancellationToken cancellation) =>
        JsonSerializer.Deserialize(await blobs.ReadAsync(build.Submission, cancellation), ProtocolJson.Default.BuildSubmission)!;

    private static Problem Lost(BuildLease lease) =>
        new(WorkProblems.BuildLost, $"attempt {lease.Attempt} is not the one that runs");
}
