// In: a submission. Out: the build that it asks for, queued or as it stands already; or everything that is known to be wrong with
// it now. Whatever can be known to fail at the end is found out here.

using System.Text;
using System.Text.Json;
using Elivepatch.Builder;
using Elivepatch.Builder.Jobs;
using Elivepatch.Model;
using Elivepatch.Protocol;
using Elivepatch.Protocol.Api;
using Elivepatch.Server.Configuration;
using Elivepatch.Server.Kernels;
using Elivepatch.Server.State;

namespace Elivepatch.Server.Builds;

/// <summary>Takes builds in.</summary>
public sealed class BuildIntake(
    BuildTable builds,
    KernelTable kernels,
    KernelRegistry registry,
    BlobStore blobs,
    ICompilers compilers,
    BuildSignals signals,
    IBuildDispatch dispatch,
    ServicePolicy policy,
    TimeProvider clock
) : IDisposable
{
    // Between counting a token's builds and adding one nobody else may add.
    private readonly SemaphoreSlim adding = new(1);

    /// <summary>Submits a build.</summary>
    /// <param name="submission">What is asked for.</param>
    /// <param name="tokenId">Who asks.</param>
    /// <param name="tokenName">Their name.</param>
    /// <param name="cancellation">Ends it.</param>
    public async Task<Outcome<StoredBuild>> SubmitAsync(
        BuildSubmission submission,
        string tokenId,
        string tokenName,
        CancellationToken cancellation
    )
    {
        if (SubmissionRules.Check(submission, policy) is { Count: > 0 } problems)
        {
            return Outcome<StoredBuild>.Failure(problems);
        }

        if (await kernels.FindAsync(submission.Kernel, tokenId, cancellation) is not { } kernel)
        {
            return KernelRegistry.Unknown(submission.Kernel);
        }

        if (await FindUnsentAsync(submission, tokenId, cancellation) is { } unsent)
        {
            return unsent;
        }

        var id = BuildIdentity.Of(submission, kernel, policy, EngineVersion.Current);
        // One that is there already was complete when it was taken in.
        if (
            await builds.FindAsync(id, cancellation) is { IsToBeBuiltAnew: false } known
            && await builds.RecordUseAsync(known, cancellation)
        )
        {
            return known;
        }

        if (await IncompleteAsync(kernel, cancellation) is { } incomplete)
        {
            return incomplete;
        }

        if (await compilers.CheckAsync(kernel.Machine, kernel.Compiler, cancellation) is { Count: > 0 } unable)
        {
            return Outcome<StoredBuild>.Failure(unable);
        }

        var json = JsonSerializer.SerializeToUtf8Bytes(submission, ProtocolJson.Default.BuildSubmission);
        var stored = await blobs.PutAsync(json, cancellation);
        if (!stored.TryGet(out var blob))
        {
            return Outcome<StoredBuild>.Failure(stored.Problems);
        }

        var added = await AddAsync(
            new StoredBuild
            {
                Id = id,
                Kernel = kernel.Id,
                Release = kernel.Release,
                Submission = blob,
                Source = kernel.Source,
                BootImage = kernel.BootImage,
                Modules = submission.Modules,
                Patches = PatchFile.ToReferences(submission.Patches),
                Token = tokenId,
                Requester = tokenName,
                Submitted = clock.GetUtcNow(),
            },
            cancellation
        );
        if (
            added.TryGet(out var queued)
            && queued.IsNew
            && await dispatch.SendAsync(queued.Build, kernel, CancellationToken.None) is { } ended
        )
        {
            return ended;
        }

        return added.Then<StoredBuild>(a => a.Build);
    }

    /// <summary>Cancels a build, whether it waits or runs.</summary>
    /// <returns>The build as it stands now; null where there is none.</returns>
    public async Task<StoredBuild?> CancelAsync(string id, CancellationToken cancellation)
    {
        var build = await builds.CancelAsync(id, cancellation);
        if (build is { IsCancelling: true })
        {
            signals.NotifyCancelled(id);
        }

        return build;
    }

    /// <inheritdoc/>
    public void Dispose() => adding.Dispose();

    private async Task<Outcome<(StoredBuild Build, bool IsNew)>> AddAsync(StoredBuild build, CancellationToken cancellation)
    {
        await adding.WaitAsync(cancellation);
        try
        {
            if (
                await builds.CountOpenAsync(build.Token, cancellation) >= policy.OpenBuildsPerToken
                && await builds.FindAsync(build.Id, cancellation) is not { State: BuildState.Queued or BuildState.Running }
            )
            {
                return new Problem(
                    ServiceProblems.TooManyRequests,
                    $"{policy.OpenBuildsPerToken} builds of this token wait or run"
                );
            }

            return await builds.SubmitAsync(build, cancellation);
        }
        finally
        {
            adding.Release();
        }
    }

    // Whose digest one knows is not thereby one's own.
    private async Task<Problem?> FindUnsentAsync(BuildSubmission submission, string token, CancellationToken cancellation)
    {
        if (submission.Modules.Count == 0)
        {
            return null;
        }

        var sent = await kernels.ListModulesAsync(submission.Kernel, token, cancellation);
        return submission.Modules.FirstOrDefault(m => !sent.Contains(m)) is { } missing
            ? new(
                ServiceProblems.KernelIncomplete,
                $"the file of {missing.Name} with SHA-256 {missing.Sha256} has not been sent",
                "Send it as a part of the kernel first."
            )
            : null;
    }

    private async Task<Problem?> IncompleteAsync(StoredKernel kernel, CancellationToken cancellation)
    {
        var view = await registry.ViewAsync(kernel, cancellation);
        var missing = view.Missing.Where(m => m.IsRequired).ToList();
        if (missing.Count == 0)
        {
            return null;
        }

        var text = new StringBuilder();
        foreach (var part in missing)
        {
            text.Append(text.Length > 0 ? "; " : "").Append(part.Name).Append(": ").Append(part.Why);
        }

        var hasSource = !missing.Exists(m => m.Name == KernelParts.Source);
        return new(hasSource ? BuilderProblems.TestImpossible : ServiceProblems.KernelIncomplete, text.ToString());
    }
}
