// In: the machine just after boot. Out: what was live before is live again, if the same kernel runs and loading it has not
// brought the machine down. An attempt is on the disk before anything is loaded and is taken back when the machine has stayed up,
// or was stopped in good order: so a livepatch that kills the machine is loaded twice and no more, and a planned restart is no
// death.

using Elivepatch.Model;
using Elivepatch.Model.Progress;
using Elivepatch.Protocol.Manifests;

namespace Elivepatch.Machine;

/// <summary>What came of loading at boot.</summary>
/// <param name="Livepatch">The livepatch that is live; null where none was to be loaded.</param>
/// <param name="WasLoaded">True where this run loaded it.</param>
/// <param name="Reason">Why none was loaded; empty where one was.</param>
public sealed record BootLoadingResult(OwnLivepatch? Livepatch, bool WasLoaded, string Reason);

/// <summary>Loads livepatches at boot.</summary>
public sealed class BootLoading(MachineAccess machine, MachineState state, IProgress<StageEvent> progress)
{
    private const string Switch = "elivepatch=off";
    private static readonly TimeSpan transitionLimit = TimeSpan.FromMinutes(2);

    /// <summary>
    /// True where this run loaded something: whether the machine stays up has to be seen, also where a transition is stuck.
    /// </summary>
    public bool HasLoaded { get; private set; }

    /// <summary>Loads what is persisted.</summary>
    public async Task<Outcome<BootLoadingResult>> LoadAsync(CancellationToken cancellation)
    {
        // The unit has this condition as well; whoever runs the verb by hand may not know of it.
        if (machine.Files.ReadText("proc/cmdline")?.Split(' ').Contains(Switch) == true)
        {
            return Nothing($"the kernel's command line says {Switch}");
        }

        var buildId = machine.BuildId();
        var boot = state.ReadBoot();
        if (!buildId.TryGet(out var id) || !boot.TryGet(out var booting))
        {
            return Outcome<BootLoadingResult>.Failure([.. buildId.Problems, .. boot.Problems]);
        }

        if (!booting.IsOn)
        {
            return Nothing("`elivepatch persist` has not been run");
        }

        var read = state.ReadKernel(id, machine.Release);
        if (!read.TryGet(out var ledger))
        {
            return Outcome<BootLoadingResult>.Failure(read.Problems);
        }

        if (ledger.WantedLivepatch is not { } wanted)
        {
            return Nothing($"no livepatch is wanted for the kernel {machine.Release} with build-id {id}");
        }
        // An earlier try may have loaded it, and its transition go on.
        if (new LoadedLivepatches(machine.Files).Find(wanted.Module) is { IsInTransition: false })
        {
            return new BootLoadingResult(wanted, WasLoaded: false, "it is live");
        }

        if (booting.IsSuspendedIn(machine.BootId))
        {
            return new Problem(
                MachineProblems.BootLoadingSuspended,
                $"{booting.Attempts} boots in a row ended within {machine.ProbationTime.TotalMinutes:0} minutes of loading {wanted.Module}"
            );
        }

        return await LoadAsync(wanted, id, cancellation);
    }

    /// <summary>
    /// Waits until the machine has been up long enough, then notes that loading did no harm. Where it is told to end before that,
    /// the attempt is to be taken back.
    /// </summary>
    public async Task<Problem?> ConfirmAsync(CancellationToken cancellation)
    {
        await Task.Delay(machine.ProbationTime, machine.Time, cancellation);
        return await ChangeAsync(state, boot => boot.Confirmed(), cancellation);
    }

    /// <summary>
    /// Takes this boot's attempt back, where there is one. Whoever stops the unit, or the whole machine, in good order does so
    /// with a signal and waits; a crash, a power cut and SIGKILL leave no time for it. It is on the disk when this returns.
    /// </summary>
    public Task<Problem?> RevokeAttemptAsync() =>
        ChangeAsync(state, boot => boot.WithoutAttempt(machine.BootId), CancellationToken.None);

    /// <summary>Changes how loading at boot stands.</summary>
    public static async Task<Problem?> ChangeAsync(
        MachineState state,
        Func<BootLedger, BootLedger> change,
        CancellationToken cancellation
    )
    {
        var locked = await state.LockStateAsync(cancellation);
        if (!locked.TryGet(out var writing))
        {
            return locked.Problems[0];
        }

        using (writing)
        {
            var read = state.ReadBoot();
            if (!read.TryGet(out var boot))
            {
                return read.Problems[0];
            }

            var changed = change(boot);
            return changed == boot ? null : state.Write(changed);
        }
    }

    /// <summary>Why a livepatch is not loaded that is known to be withdrawn; null where it is not known to be.</summary>
    public static Problem? CheckWithdrawn(MachineState state, OwnLivepatch wanted, string buildId)
    {
        var known = state.ReadWithdrawals(buildId);
        return known.TryGet(out var withdrawals) ? withdrawals.Find(wanted.Sha256)?.ToProblem() : known.Problems[0];
    }

    private async Task<Outcome<BootLoadingResult>> LoadAsync(OwnLivepatch wanted, string buildId, CancellationToken cancellation)
    {
        // What is refused here brings nothing down, and so is no attempt.
        var refused =
            machine.RequireLivePatching()
            ?? new KernelSettings(machine.Files).Check()
            ?? CheckWithdrawn(state, wanted, buildId)
            ?? Check(wanted, buildId);
        if (refused is not null)
        {
            return refused;
        }

        if (await ChangeAsync(state, boot => boot.WithAttempt(machine.BootId), cancellation) is { } unnoted)
        {
            return unnoted;
        }

        var make = new MakeLive(machine, state, buildId, new(transitionLimit, ReplacesForeign: false), progress);
        var problem = await MakeLive.RunAsync(make.StepsOf(wanted), cancellation);
        HasLoaded = new LoadedLivepatches(machine.Files).Find(wanted.Module) is not null;
        if (problem is null)
        {
            return new BootLoadingResult(wanted, WasLoaded: true, "");
        }

        if (!HasLoaded)
        {
            await RevokeAttemptAsync();
        }

        return problem;
    }

    // Signature, digest and kernel once more; not the age, for it was young when it was accepted.
    private Problem? Check(OwnLivepatch wanted, string buildId)
    {
        progress.Report(new("verify", wanted.Module, StageState.Running));
        var module = state.ReadContent(buildId, wanted.Sha256);
        var manifest = state.ReadManifest(buildId, wanted.Sha256);
        var key = PublicKey.Read(wanted.PublicKey);
        Problem[] problems =
        [
            .. module
                .Problems.Concat(manifest.Problems)
                .Select(p =>
                    p with
                    {
                        CaseRemedy = "Run `elivepatch patch` without a patch to have it built and fetched again.",
                    }
                ),
            .. key.Problems,
        ];
        if (problems.Length == 0)
        {
            var expectation = new ManifestExpectation
            {
                Key = key.Value,
                BuildId = buildId,
                Patches = wanted.Patches,
            };
            problems = [.. ManifestCheck.Run(manifest.Value, module.Value, expectation).Problems];
        }
        progress.Report(new("verify", wanted.Module, problems.Length == 0 ? StageState.Done : StageState.Failed));
        return problems.FirstOrDefault();
    }

    private static BootLoadingResult Nothing(string reason) => new(null, WasLoaded: false, reason);
}
