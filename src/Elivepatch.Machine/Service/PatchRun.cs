// In: patches and a machine. Out: they are live on it, together with what was live before. The top method is the way of a request
// as the machine sees it: look, ask, wait, check, load.

using Elivepatch.Model;
using Elivepatch.Model.Files;
using Elivepatch.Model.Progress;
using Elivepatch.Model.Statements;
using Elivepatch.Protocol;
using Elivepatch.Protocol.Api;
using Elivepatch.Protocol.Manifests;
using Elivepatch.Protocol.Statements;

namespace Elivepatch.Machine.Service;

/// <summary>Runs <c>elivepatch patch</c>.</summary>
public sealed class PatchRun(MachineAccess machine, MachineState state, PatchRequest request, IProgress<StageEvent> progress)
{
    private const int LargestScript = 1 << 20;

    // Who asks for nothing that is not live already wants to know that, and can wait this long for what a server may have to
    // say of it.
    private static readonly TimeSpan longestQuestion = TimeSpan.FromSeconds(20);

    private readonly List<KnownWithdrawal> replaced = [];

    /// <summary>The build that the server was asked for, once it was: it goes on there whatever happens here.</summary>
    public string? Build { get; private set; }

    /// <summary>True once the module is being loaded.</summary>
    public bool IsLoading { get; private set; }

    /// <summary>Runs it.</summary>
    public async Task<Outcome<PatchResult>> RunAsync(CancellationToken cancellation)
    {
        var ended = await TryAsync(cancellation);
        // Where it cannot be replaced, whoever has it live has to know all the more.
        return ended.TryGet(out var result)
            ? result with
            {
                Withdrawn = replaced,
            }
            : Outcome<PatchResult>.Failure([.. ended.Problems, .. replaced.Select(StaysLive)]);
    }

    private static Problem StaysLive(KnownWithdrawal withdrawal) =>
        withdrawal.ToProblem() with
        {
            CaseRemedy = $"It stays live; if it cannot be replaced, remove it with `elivepatch disable {withdrawal.Module}`.",
        };

    private async Task<Outcome<PatchResult>> TryAsync(CancellationToken cancellation)
    {
        var inputs = ReadInputs();
        if (!inputs.TryGet(out var given))
        {
            return Outcome<PatchResult>.Failure(inputs.Problems);
        }

        var found = machine.BuildId();
        if (!found.TryGet(out var buildId))
        {
            return Outcome<PatchResult>.Failure(found.Problems);
        }

        if (state.Prepare(buildId) is { } unprepared)
        {
            return unprepared;
        }

        var making = state.LockActivation();
        if (!making.Succeeded)
        {
            return Outcome<PatchResult>.Failure(making.Problems);
        }

        using var held = making.Value;
        if (await WaitForTransitionAsync(buildId, cancellation) is { } stuck)
        {
            return stuck;
        }

        if (await MakeLive.ReconcileAsync(machine, state, buildId, cancellation) is { } unsettled)
        {
            return unsettled;
        }

        var planned = MakePlan(buildId, given);
        if (!planned.TryGet(out var plan))
        {
            return Outcome<PatchResult>.Failure(planned.Problems);
        }

        var patience = new RetryPolicy(machine.Time, machine.RetryPause, TellWait);
        if (plan.Withdrawn is { } known)
        {
            replaced.Add(known);
        }

        if (plan.AlreadyLive is { } live)
        {
            if (!await HasBeenWithdrawnAsync(live, patience, cancellation))
            {
                return Result("already live", live.Module, buildId, plan.References) with { Server = live.Server };
            }

            planned = MakePlan(buildId, given);
            if (!planned.TryGet(out plan))
            {
                return Outcome<PatchResult>.Failure(planned.Problems);
            }
        }

        TellSettings();
        if (state.CheckFreeSpace(plan.Patches.Sum(p => (long)p.Content.Length)) is { } full)
        {
            return full;
        }

        var captured = Capture();
        if (!captured.TryGet(out var capture))
        {
            return Outcome<PatchResult>.Failure(captured.Problems);
        }

        var connected = await TrustedConnection.OpenAsync(machine, state, request, patience, cancellation);
        if (!connected.TryGet(out var connection))
        {
            return Outcome<PatchResult>.Failure(connected.Problems);
        }

        using (connection)
        {
            await LearnAsync(connection, buildId, cancellation);
            var built = await BuildAsync(connection, patience, given, plan, capture, cancellation);
            if (!built.TryGet(out var build))
            {
                return Outcome<PatchResult>.Failure(built.Problems);
            }

            var fetched = await FetchAsync(connection, build, plan, cancellation);
            if (!fetched.TryGet(out var made))
            {
                return Outcome<PatchResult>.Failure(fetched.Problems);
            }

            return request.Loads ? await LoadAsync(made, build, plan, cancellation) : WriteFiles(made, build, plan);
        }
    }

    // The kernel has one transition at a time. An earlier run may have begun it and not seen its end: then this one does.
    private async Task<Problem?> WaitForTransitionAsync(string buildId, CancellationToken cancellation)
    {
        var livepatches = new LoadedLivepatches(machine.Files);
        var loaded = livepatches.List();
        if (!request.Loads || loaded.FirstOrDefault(l => l.IsInTransition) is not { } moving)
        {
            return null;
        }

        var read = state.ReadKernel(buildId, machine.Release);
        if (!read.TryGet(out var ledger))
        {
            return read.Problems[0];
        }

        if (MakeLive.CheckForeign(ledger, loaded, request.ReplacesForeign) is { } foreign)
        {
            return foreign;
        }

        var end = await new TransitionWatch(machine).ShowAsync(
            "wait for the transition",
            moving.Name,
            moving.IsEnabled,
            request.TransitionLimit,
            progress,
            cancellation
        );
        return end == TransitionEnd.Stuck
            ? TransitionWatch.StuckProblem(
                machine.Files,
                moving.Name,
                livepatches.Find(moving.Name)?.IsEnabled ?? moving.IsEnabled,
                request.TransitionLimit
            )
            : null;
    }

    // What the server signs modules with is its own affair; that it should is known here.
    private void TellSettings()
    {
        if (request.Loads && new KernelSettings(machine.Files).InsistsOnSignatures is { Length: > 0 } insists)
        {
            progress.Report(
                new("look", $"{insists}: the kernel takes the module only with a signature that it trusts", StageState.Done)
            );
        }
    }

    private void TellWait(TimeSpan? wait) =>
        progress.Report(
            wait is { } asked
                ? new("wait", $"the server asks to wait {asked.TotalSeconds:0} s", StageState.Running)
                : new("wait", "", StageState.Done)
        );

    // What can be known to fail at the end is found out at the beginning.
    private Outcome<Inputs> ReadInputs()
    {
        var patches = PatchList.Read(request.Patches);
        var paths = request.BasePatches is { } named
            ? named.ToArray()
            : BasePatchFolder.Find(machine.Files, machine.Release, request.KernelPackage);
        var basePatches = paths.Then(PatchList.Read);
        var script = request.Script is { } path
            ? InputFile.Read(path).Then(c => CheckScript(path, c))
            : (Outcome<string?>)(string?)null;
        var statements = StatementsFile.Read(request.Statements);
        var name = request.Name is { } chosen ? ModuleName.Check(chosen) : (Outcome<string>)"";
        Problem?[] problems =
        [
            .. patches.Problems,
            .. basePatches.Problems,
            .. script.Problems,
            .. statements.Problems,
            .. name.Problems,
            request.Source is { } source && !Path.Exists(source)
                ? new(CommandProblems.InputUnusable, $"{source} does not exist")
                : null,
            request.Output is { } output ? OutputFile.Check(output) : null,
            request.Loads ? machine.RequireLivePatching() ?? new KernelSettings(machine.Files).Check() : null,
        ];
        return problems.OfType<Problem>().ToList() is { Count: > 0 } found
            ? Outcome<Inputs>.Failure(found)
            : new Inputs(
                patches.Value,
                basePatches.Value,
                script.Value,
                request.Statements is null ? null : statements.Value.All
            );
    }

    private Outcome<Plan> MakePlan(string buildId, Inputs given)
    {
        var read = state.ReadKernel(buildId, machine.Release);
        if (!read.TryGet(out var ledger))
        {
            return Outcome<Plan>.Failure(read.Problems);
        }

        var known = state.ReadWithdrawals(buildId);
        if (!known.TryGet(out var withdrawals))
        {
            return Outcome<Plan>.Failure(known.Problems);
        }

        var loaded = new LoadedLivepatches(machine.Files).List();
        if (request.Loads && MakeLive.CheckForeign(ledger, loaded, request.ReplacesForeign) is { } foreign)
        {
            return foreign;
        }

        var carried = new List<PatchFile>();
        foreach (var reference in ledger.FindCarriedPatches(loaded, machine.BootId))
        {
            // One that is given anew or left out is not needed as it was.
            var isNeeded = !request.Dropped.Contains(reference.Name) && given.Patches.All(p => p.Name != reference.Name);
            var content = isNeeded ? state.ReadContent(buildId, reference.Sha256) : Array.Empty<byte>();
            if (!content.TryGet(out var kept))
            {
                return content.Problems[0] with
                {
                    Reason = $"{reference.Name}, which is live: {content.Problems[0].Reason}",
                    CaseRemedy =
                        $"Name the patch file (called {reference.Name}) again beside the others, or leave it out: "
                        + $"--drop {reference.Name}.",
                };
            }
            carried.Add(new(reference.Name, kept));
        }
        return PatchList
            .Combine(carried, given.Patches, request.Dropped)
            .Then<Plan>(patches =>
            {
                var references = PatchFile.ToReferences(patches);
                var statements = given.Statements ?? ledger.FindCarriedStatements(loaded, machine.BootId);
                var live = ledger.FindLive(loaded);
                var withdrawn = withdrawals.Find((live ?? ledger.WantedLivepatch)?.Sha256);
                var isLive =
                    request.Loads
                    && live is not null
                    && withdrawn is null
                    && live.Patches.Select(p => p.Sha256).SequenceEqual(references.Select(p => p.Sha256))
                    && (live.Statements ?? []).SequenceEqual(statements)
                    && loaded.All(l => !request.ReplacesForeign || l.Name == live.Module);
                var name = request.Name ?? PatchList.ModuleName(references, statements, withdrawn?.Sha256);
                // One that is disabled and out of use is in sysfs until the kernel has freed it, and is unloaded before this
                // is loaded.
                if (!isLive && request.Loads && loaded.Any(l => l.Name == name && (l.IsEnabled || l.IsInTransition)))
                {
                    return new Problem(MachineProblems.ModuleNameTaken, $"{name} is live");
                }

                return new Plan(
                    buildId,
                    name,
                    patches,
                    references,
                    statements,
                    isLive ? live : null,
                    live is null ? null : withdrawn,
                    ledger.NewestAccepted
                );
            });
    }

    private Outcome<byte[]> Capture()
    {
        progress.Report(new("capture", machine.Release, StageState.Running));
        var taken = new MachineCapture(machine.Root).Take();
        progress.Report(new("capture", machine.Release, taken.Succeeded ? StageState.Done : StageState.Failed));
        return taken.Then<byte[]>(capture =>
        {
            using var file = new MemoryStream();
            capture.Write(file);
            return file.ToArray();
        });
    }

    private async Task<Outcome<BuildView>> BuildAsync(
        TrustedConnection connection,
        RetryPolicy patience,
        Inputs given,
        Plan plan,
        byte[] capture,
        CancellationToken cancellation
    )
    {
        progress.Report(new("ask", connection.Address.Url, StageState.Running));
        var registered = await connection.Client.RegisterAsync(capture, cancellation);
        if (registered.TryGet(out var known) && known.BuildId != plan.BuildId)
        {
            registered = new Problem(
                ServiceProblems.ServerAnswerMalformed,
                $"{connection.Address} names the kernel {known.BuildId}"
            );
        }

        if (!registered.Succeeded)
        {
            return Ended<BuildView>("ask", registered.Problems);
        }

        var sent = await new KernelUpload(connection.Client, machine, request.Source, progress).SendAsync(
            registered.Value,
            cancellation
        );
        if (!sent.TryGet(out var kernel))
        {
            return Ended<BuildView>("ask", sent.Problems);
        }

        var modules = new ModuleUpload(connection.Client, machine, progress, kernel.Id);
        var isSentAgain = false;
        while (true)
        {
            var submission = new BuildSubmission
            {
                Kernel = kernel.Id,
                Patches = plan.Patches,
                BasePatches = given.BasePatches,
                Statements = plan.Statements,
                Modules = modules.Sent,
                Name = plan.Module,
                Script = given.Script,
            };
            var submitted = await connection.Client.SubmitAsync(submission, cancellation);
            if (!submitted.TryGet(out var build))
            {
                if (isSentAgain || modules.Sent.Count == 0 || submitted.Problems[0].Code != ServiceProblems.KernelIncomplete)
                {
                    return Ended<BuildView>("ask", submitted.Problems);
                }

                isSentAgain = true;
                if (await modules.SendAgainAsync(cancellation) is { } unsent)
                {
                    return Ended<BuildView>("ask", [unsent]);
                }

                continue;
            }

            progress.Report(new("ask", connection.Address.Url, StageState.Done));
            Build = build.Id;
            var followed = await FollowAsync(connection, patience, build, cancellation);
            // Which modules a patch needs is known when it is built. Each round sends one more at least.
            var missing = followed.Problems.Select(p => p.MissingModule).OfType<string>().ToList();
            if (missing.Count == 0 || missing.Count < followed.Problems.Count)
            {
                return followed;
            }

            var sending = await modules.SendAsync(missing, cancellation);
            if (!sending.TryGet(out var isMore))
            {
                return Outcome<BuildView>.Failure(sending.Problems);
            }

            if (!isMore)
            {
                return followed;
            }
        }
    }

    private async Task<Outcome<BuildView>> FollowAsync(
        TrustedConnection connection,
        RetryPolicy patience,
        BuildView build,
        CancellationToken cancellation
    )
    {
        using var inTime = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        inTime.CancelAfter(request.BuildLimit);
        try
        {
            var followed = await new BuildFollower(connection.Client, patience, progress).FollowAsync(build, inTime.Token);
            return followed.Then<BuildView>(ended =>
                ended switch
                {
                    { State: BuildState.Succeeded } => ended,
                    { State: BuildState.Withdrawn, Problems: var broken } => new Problem(
                        ServiceProblems.LivepatchWithdrawn,
                        string.Join("; ", broken.Select(p => $"{p.Code} {p.Title}: {p.Reason}")),
                        "Run the same command again: the livepatch is rebuilt under the current rules."
                    ),
                    { Problems: { Count: > 0 } problems } => Outcome<BuildView>.Failure([
                        .. problems.Select(p => Explain(p.ToProblem())),
                    ]),
                    { State: BuildState.Cancelled } => new Problem(
                        ServiceProblems.BuildAbandoned,
                        "it was cancelled",
                        "Run the same command to request it again."
                    ),
                    _ => new Problem(ServiceProblems.BuildAbandoned, "it ended without a livepatch and without a reason"),
                }
            );
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return new Problem(
                ServiceProblems.BuildAbandoned,
                $"it is not done after {request.BuildLimit.TotalMinutes:0} minutes",
                "Run the same command to continue waiting; --wait sets a longer limit."
            );
        }
    }

    // A statement may have come with a livepatch some of whose patches are dropped now.
    private Problem Explain(Problem problem) =>
        problem.Code == StatementProblems.StatementUnused && request.Statements is null
            ? problem with
            {
                CaseRemedy =
                    "The statement came with what is live: name the statements that still apply with --statements FILE, `[]` for none.",
            }
            : problem;

    private async Task<Outcome<NewLivepatch>> FetchAsync(
        TrustedConnection connection,
        BuildView build,
        Plan plan,
        CancellationToken cancellation
    )
    {
        progress.Report(new("fetch", "", StageState.Running));
        var module = await connection.Client.GetModuleAsync(build.Id, cancellation);
        if (!module.Succeeded)
        {
            return Ended<NewLivepatch>("fetch", module.Problems);
        }

        var manifest = await connection.Client.GetManifestAsync(build.Id, cancellation);
        if (!manifest.Succeeded)
        {
            return Ended<NewLivepatch>("fetch", manifest.Problems);
        }

        progress.Report(new("fetch", "", StageState.Done));

        progress.Report(new("verify", "", StageState.Running));
        var expectation = new ManifestExpectation
        {
            Key = connection.Key,
            BuildId = plan.BuildId,
            Patches = plan.References,
            Statements = plan.Statements,
            NewestAccepted = request.AcceptsOlder ? null : plan.NewestAccepted,
            Now = machine.Time.GetUtcNow(),
        };
        var verified = ManifestCheck.Run(manifest.Value, module.Value, expectation).Then(s => IsWhatWasAskedFor(s, plan));
        if (!verified.TryGet(out var statement))
        {
            return Ended<NewLivepatch>("verify", verified.Problems);
        }

        if (CheckWithdrawn(connection, statement, plan) is { } refused)
        {
            return Ended<NewLivepatch>("verify", [refused]);
        }

        var objects = statement.Predicate.BuildDefinition.InternalParameters.Objects;
        if (new LoadedLivepatches(machine.Files).FindStrangers(objects) is { Count: > 0 } strangers)
        {
            return Ended<NewLivepatch>("verify", strangers);
        }

        progress.Report(new("verify", $"signed by {connection.Key.Id[..16]}", StageState.Done));
        var livepatch = new OwnLivepatch
        {
            Module = plan.Module,
            Sha256 = statement.Subject[0].Digest.Sha256,
            Patches = plan.References,
            Statements = plan.Statements.Count > 0 ? plan.Statements : null,
            Server = connection.Address.Url,
            PublicKey = connection.Key.Pem,
            KeptInMemory =
            [
                .. statement.Predicate.BuildDefinition.InternalParameters.KeptInMemory.Select(e =>
                    $"{e.Function} {e.Event}".Trim()
                ),
            ],
            Accepted = machine.Time.GetUtcNow(),
        };
        return new NewLivepatch(
            livepatch,
            [.. plan.Patches.Select(p => p.Content)],
            module.Value,
            manifest.Value,
            statement.Predicate.Validity.IssuedOn,
            request.AcceptsOlder
        );
    }

    // What is live may have been withdrawn since the machine was last told of anything; without a server it is what it was.
    private async Task<bool> HasBeenWithdrawnAsync(OwnLivepatch live, RetryPolicy patience, CancellationToken cancellation)
    {
        using var inTime = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        inTime.CancelAfter(longestQuestion);
        try
        {
            var connected = await TrustedConnection.OpenAsync(machine, state, request, patience, inTime.Token);
            if (!connected.TryGet(out var connection))
            {
                return false;
            }

            using (connection)
            {
                if (await AskAsync(connection, live, inTime.Token) is not { } found)
                {
                    return false;
                }

                replaced.Add(found);
                return true;
            }
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return false;
        }
    }

    // The new livepatch replaces it whatever is wrong with it; that something was is worth knowing.
    private async Task LearnAsync(TrustedConnection connection, string buildId, CancellationToken cancellation)
    {
        if (
            replaced.Count == 0
            && state.ReadKernel(buildId, machine.Release).TryGet(out var ledger)
            && ledger.FindLive(new LoadedLivepatches(machine.Files).List()) is { } live
            && await AskAsync(connection, live, cancellation) is { } found
        )
        {
            replaced.Add(found);
        }
    }

    // A server that built none of what is live here has nothing to say of it that this machine could check.
    private async Task<KnownWithdrawal?> AskAsync(
        TrustedConnection connection,
        OwnLivepatch livepatch,
        CancellationToken cancellation
    )
    {
        var accepted = PublicKey.Read(livepatch.PublicKey);
        return await new WithdrawalUpdates(machine, state, connection.Address, connection.Client).QueryAsync(
            livepatch,
            [connection.Key, .. accepted.Succeeded ? [accepted.Value] : (PublicKey[])[]],
            cancellation
        );
    }

    // Whoever replays an answer of the time before the withdrawal is found out by its date.
    private Problem? CheckWithdrawn(TrustedConnection connection, Statement statement, Plan plan)
    {
        var (digest, issued) = (statement.Subject[0].Digest.Sha256, statement.Predicate.Validity.IssuedOn);
        var known = state.ReadWithdrawals(plan.BuildId);
        if (!known.TryGet(out var withdrawals))
        {
            return known.Problems[0];
        }

        return withdrawals.Find(digest, issued) is { } found
            ? found.ToProblem() with
            {
                CaseRemedy = $"Request it again: {connection.Address} should have rebuilt it.",
            }
            : null;
    }

    // One that does not replace would leave functions of the earlier one live that its patches do not have any more.
    private static Outcome<Statement> IsWhatWasAskedFor(Statement statement, Plan plan) =>
        statement.Predicate.BuildDefinition.ExternalParameters switch
        {
            { Replace: false } => new Problem(TrustProblems.ArtifactOfOtherPatches, "it does not replace what is live"),
            { Module: var name } when name != plan.Module => new Problem(
                TrustProblems.ArtifactOfOtherPatches,
                $"it is called {name}, but {plan.Module} was requested"
            ),
            _ => statement,
        };

    private async Task<Outcome<PatchResult>> LoadAsync(
        NewLivepatch made,
        BuildView build,
        Plan plan,
        CancellationToken cancellation
    )
    {
        IsLoading = true;
        var make = new MakeLive(machine, state, plan.BuildId, new(request.TransitionLimit, request.ReplacesForeign), progress);
        if (await MakeLive.RunAsync(make.StepsOf(made), cancellation) is { } problem)
        {
            return problem;
        }

        return Result("live", plan.Module, plan.BuildId, plan.References) with
        {
            Server = made.Livepatch.Server,
            Build = build.Id,
            Tested = build.Tested,
            Replaced = make.Replaced,
            TransitionSeconds = Math.Round(make.Transition.TotalSeconds, 3),
        };
    }

    private Outcome<PatchResult> WriteFiles(NewLivepatch made, BuildView build, Plan plan)
    {
        var path = request.Output ?? plan.Module + ".ko";
        var manifest = ManifestFile.PathFor(path);
        if (
            (OutputFile.Write(path, s => s.Write(made.Module)) ?? OutputFile.Write(manifest, s => s.Write(made.Manifest))) is
            { } unwritten
        )
        {
            return unwritten;
        }

        return Result("written", plan.Module, plan.BuildId, plan.References) with
        {
            Server = made.Livepatch.Server,
            Build = build.Id,
            Tested = build.Tested,
            File = path,
            Manifest = manifest,
        };
    }

    private PatchResult Result(string end, string module, string buildId, IReadOnlyList<PatchReference> patches)
    {
        var boot = state.ReadBoot();
        var booting =
            !boot.Succeeded || !boot.Value.IsOn ? "off"
            : boot.Value.IsSuspended ? "suspended"
            : "on";
        return new(end, module, machine.Release, buildId, patches, null, null, null, [], null, null, null, booting);
    }

    private Outcome<T> Ended<T>(string stage, IReadOnlyList<Problem> problems)
    {
        progress.Report(new(stage, "", StageState.Failed));
        return Outcome<T>.Failure(problems);
    }

    private static Outcome<string?> CheckScript(string path, byte[] content) =>
        content.Length > LargestScript
            ? new Problem(
                CommandProblems.InputUnusable,
                $"{path} has {content.Length} bytes; a script has at most {LargestScript}"
            )
            : System.Text.Encoding.UTF8.GetString(content);

    private sealed record Inputs(
        IReadOnlyList<PatchFile> Patches,
        IReadOnlyList<PatchFile> BasePatches,
        string? Script,
        IReadOnlyList<AuthorStatement>? Statements
    );

    private sealed record Plan(
        string BuildId,
        string Module,
        IReadOnlyList<PatchFile> Patches,
        IReadOnlyList<PatchReference> References,
        IReadOnlyList<AuthorStatement> Statements,
        OwnLivepatch? AlreadyLive,
        KnownWithdrawal? Withdrawn,
        DateTimeOffset? NewestAccepted
    );
}
