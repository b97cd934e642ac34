using System.Globalization;
using Elivepatch.Client.Output;
using Elivepatch.Machine;
using Elivepatch.Model;
using Elivepatch.Terminal;
using Elivepatch.Terminal.Progress;

namespace Elivepatch.Client.Commands;

/// <summary><c>elivepatch load-persisted</c>, which the unit of <c>elivepatch persist</c> runs.</summary>
internal static class LoadPersistedCommand
{
    /// <summary>The verb.</summary>
    public static Verb Create(MachineSession session)
    {
        var json = CommonOptions.Json();
        var verb = new Verb(
            "load-persisted",
            "Loads the livepatch that `elivepatch persist` keeps; run by the systemd unit at boot.",
            $"""
            Prints what is live, or why nothing was loaded, then waits five minutes and records that the machine is still up. If
            the machine goes down before that without an orderly shutdown, the boot counts as failed; after two failed boots in a
            row nothing is loaded until `elivepatch persist` is run again. An orderly stop (SIGTERM, as sent by systemd at
            shutdown) does not count.

            Temporary failures (status 75) are retried, with increasing pauses, for twenty minutes at most; the boot continues
            meanwhile. `systemctl status elivepatch` says what it waits for.

            Exit status: 0 live or nothing to load, 1 the machine failed, 4 refused.
            {TransitionOptions.TryAgainStatus}
            """,
            new Example("elivepatch load-persisted", "Do what the unit does.")
        )
        {
            json,
        };
        verb.SetAction((parsed, cancellation) => RunAsync(session, parsed.GetValue(json), cancellation));
        return verb;
    }

    private static async Task<int> RunAsync(MachineSession session, bool asJson, CancellationToken cancellation)
    {
        var state = MachineState.Of(session.Machine);
        if ((session.Machine.RequireRoot("load-persisted") ?? state.Prepare()) is { } refused)
        {
            return Answer.Fail(session, [refused], asJson, cancellation);
        }

        BootLoading? loading = null;
        try
        {
            var notice = new ServiceNotice(session.Variable("NOTIFY_SOCKET"));
            using var ended = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
            _ = ReleaseBootAsync(session.Machine, notice, ended.Token);
            var loaded = await Stages.ShowAsync(
                session,
                async progress =>
                {
                    loading = new BootLoading(session.Machine, state, progress);
                    return await LoadAsync(session, state, loading, notice, cancellation);
                }
            );
            var status = Show(session, loaded, asJson, cancellation);
            session.Output.Flush();
            await ended.CancelAsync();
            notice.Ready(Words(loaded));
            if (loading!.HasLoaded && await loading.ConfirmAsync(cancellation) is { } unconfirmed)
            {
                return Answer.Fail(session, [unconfirmed], asJson: false, cancellation);
            }

            return status;
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested && loading is not null)
        {
            if (await loading.RevokeAttemptAsync() is { } counted)
            {
                ProblemText.Write(
                    session.Error,
                    [counted with { Reason = $"this stop counts as a failed boot: {counted.Reason}" }]
                );
            }
            throw;
        }
    }

    // A module that is loaded during the transition is patched all the same.
    private static async Task ReleaseBootAsync(MachineAccess machine, ServiceNotice notice, CancellationToken ended)
    {
        await Task.Delay(machine.BootPatience, machine.Time, ended).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (!ended.IsCancellationRequested)
        {
            notice.Ready("still at it; the boot goes on");
        }
    }

    // What goes away by itself is waited for: a probe of an early service, another elivepatch, a transition that is stuck. The
    // boot does not wait for that; it is told that the service has started after the first try. Between two tries nothing is
    // held, so that somebody can do by hand what this would do.
    private static async Task<Outcome<BootLoadingResult>> LoadAsync(
        MachineSession session,
        MachineState state,
        BootLoading loading,
        ServiceNotice notice,
        CancellationToken cancellation
    )
    {
        var pauses = session.Machine.BootPauses;
        for (var tries = 0; ; tries++)
        {
            var loaded = await TryAsync(state, loading, cancellation);
            if (loaded.Succeeded || tries == pauses.Count || ExitStatus.Of(loaded.Problems) != ExitStatus.TryAgain)
            {
                return loaded;
            }

            var wait = string.Create(
                CultureInfo.InvariantCulture,
                $"not now, again in {pauses[tries].TotalSeconds:0} s: {Words(loaded)}"
            );
            session.Error.WriteLine(Printable.Escape(wait));
            session.Error.Flush();
            notice.Ready(wait);
            await Task.Delay(pauses[tries], session.Machine.Time, cancellation);
        }
    }

    private static async Task<Outcome<BootLoadingResult>> TryAsync(
        MachineState state,
        BootLoading loading,
        CancellationToken cancellation
    )
    {
        var making = state.LockActivation();
        if (!making.TryGet(out var held))
        {
            return Outcome<BootLoadingResult>.Failure(making.Problems);
        }

        using (held)
        {
            return await loading.LoadAsync(cancellation);
        }
    }

    // How it stands, in one line.
    private static string Words(Outcome<BootLoadingResult> loaded) =>
        loaded.TryGet(out var result)
            ? result.Livepatch is { } live
                ? $"{live.Module} is live"
                : $"nothing is loaded: {result.Reason}"
            : string.Join("; ", loaded.Problems.Select(p => $"{p.Code.Id} {p.Reason.Split('\n')[0]}"));

    private static int Show(
        MachineSession session,
        Outcome<BootLoadingResult> loaded,
        bool asJson,
        CancellationToken cancellation
    )
    {
        if (!loaded.TryGet(out var result))
        {
            return Answer.Fail(session, loaded.Problems, asJson, cancellation);
        }

        if (asJson)
        {
            Answer.WriteJson(
                session,
                new LoadPersistedReport(result.Livepatch?.Module, result.WasLoaded, result.Reason),
                ClientJson.Default.LoadPersistedReport
            );
        }
        else
        {
            session.Output.WriteLine(
                result.Livepatch is { } live ? $"{live.Module}: live" : $"nothing is loaded: {result.Reason}"
            );
        }

        return ExitStatus.Done;
    }
}
