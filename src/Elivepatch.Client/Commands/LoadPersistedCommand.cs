using Elivepatch.Client.Machine;
using Elivepatch.Client.Output;
using Elivepatch.Engine;
using Elivepatch.Terminal;

namespace Elivepatch.Client.Commands;

/// <summary><c>elivepatch load-persisted</c>, which the unit of <c>elivepatch persist</c> runs.</summary>
internal static class LoadPersistedCommand
{
    /// <summary>The verb.</summary>
    public static Verb Create(Session session)
    {
        var json = CommonOptions.Json();
        var verb = new Verb(
            "load-persisted", "Loads what `elivepatch persist` keeps: the systemd unit runs it at boot.",
            $"""
            Says what is live, or why nothing was loaded, then waits five minutes and notes that the machine is still up. A machine that
            goes down before that without having been told to counts as a failed boot; after two in a row nothing is loaded until
            `elivepatch persist` is run again. An orderly stop (SIGTERM, as systemd sends it when the machine shuts down) does not count.

            Exit status: 0 live or nothing to load, 1 the machine fails, 4 refused.
            {CommonOptions.TryAgainStatus}
            """,
            new Example("elivepatch load-persisted", "What the unit does."))
        {
            json,
        };
        verb.SetAction((parsed, cancellation) => RunAsync(session, parsed.GetValue(json), cancellation));
        return verb;
    }

    private static async Task<int> RunAsync(Session session, bool asJson, CancellationToken cancellation)
    {
        var state = MachineState.Of(session);
        if ((session.Machine.RequireRoot("load-persisted") ?? state.Prepare()) is { } refused)
            return Answer.Fail(session, [refused], asJson, cancellation);
        var making = state.LockMaking();
        if (!making.Succeeded)
            return Answer.Fail(session, making.Problems, asJson, cancellation);
        BootLoading? loading = null;
        try
        {
            Outcome<BootLoadingResult> loaded;
            using (making.Value)
            {
                loaded = await Stages.ShowAsync(session, progress =>
                {
                    loading = new BootLoading(session.Machine, state, progress);
                    return loading.LoadAsync(cancellation);
                });
            }
            var status = Show(session, loaded, asJson, cancellation);
            session.Output.Flush();
            ServiceNotice.Ready(session.Variable("NOTIFY_SOCKET"));
            if (loading!.HasLoaded && await loading.ConfirmAsync(cancellation) is { } unconfirmed)
                return Answer.Fail(session, [unconfirmed], asJson: false, cancellation);
            return status;
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested && loading is not null)
        {
            if (await loading.TakeBackAsync() is { } counted)
                ProblemText.Write(session.Error, [counted with { Reason = $"this stop counts as a failed boot: {counted.Reason}" }]);
            throw;
        }
    }

    private static int Show(Session session, Outcome<BootLoadingResult> loaded, bool asJson, CancellationToken cancellation)
    {
        if (!loaded.TryGet(out var result))
            return Answer.Fail(session, loaded.Problems, asJson, cancellation);
        if (asJson)
            Answer.WriteJson(
                session, new LoadPersistedReport(result.Livepatch?.Module, result.WasLoaded, result.Reason),
                ClientJson.Default.LoadPersistedReport);
        else
            session.Output.WriteLine(
                result.Livepatch is { } live ? $"{live.Module}: live" : $"nothing is loaded: {result.Reason}");
        return ExitStatus.Done;
    }
}
