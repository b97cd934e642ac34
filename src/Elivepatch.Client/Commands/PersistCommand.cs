using System.CommandLine;
using Elivepatch.Client.Output;
using Elivepatch.Machine;
using Elivepatch.Model;
using Elivepatch.Terminal;

namespace Elivepatch.Client.Commands;

/// <summary><c>elivepatch persist</c>.</summary>
internal static class PersistCommand
{
    /// <summary>The verb.</summary>
    public static Verb Create(MachineSession session)
    {
        var off = new Option<bool>("--off") { Description = "Stop loading livepatches at boot." };
        var json = CommonOptions.Json();
        var verb = new Verb(
            "persist",
            "Loads the live patches again at every boot of this kernel.",
            $"""
            Installs a systemd unit, {SystemdUnit.Name}, or a service of OpenRC. At boot it loads what was live last, if the
            kernel has the same build-id and the signature is valid; after a kernel update it loads nothing. Later `elivepatch
            patch` commands need no new `persist`.

            With systemd, and if the command and its state are on the root file system, that is before udev and before modules
            are loaded by a list: a module that a livepatch changes is patched while it is being loaded. A module that was loaded
            earlier, by an initramfs, is patched when the livepatch is loaded.

            `elivepatch=off` on the kernel's command line disables livepatches for one boot. If the machine crashes or loses power
            within five minutes of loading, twice in a row, nothing is loaded any more until `elivepatch persist` is run again. An
            orderly restart does not count.
            """,
            new Example("elivepatch persist", "Load what is live again at boot."),
            new Example("elivepatch persist --off", "Stop that; what is live stays live until the machine restarts."),
            new Example(
                "elivepatch persist --off && elivepatch persist",
                "Replace a damaged boot.json: it is set aside, and a new one is begun."
            )
        )
        {
            off,
            json,
        };
        verb.SetAction((parsed, cancellation) => RunAsync(session, parsed.GetValue(off), parsed.GetValue(json), cancellation));
        return verb;
    }

    private static async Task<int> RunAsync(MachineSession session, bool off, bool asJson, CancellationToken cancellation)
    {
        var service = BootService.Of(session.Machine);
        if (session.Machine.RequireRoot("persist") is { } refused)
        {
            return Answer.Fail(session, [refused], asJson, cancellation);
        }

        var turned = off ? await TurnOffAsync(session, service, cancellation) : await TurnOnAsync(session, service, cancellation);
        if (!turned.TryGet(out var report))
        {
            return Answer.Fail(session, turned.Problems, asJson, cancellation);
        }

        if (asJson)
        {
            Answer.WriteJson(session, report, ClientJson.Default.PersistReport);
        }
        else
        {
            session.Output.WriteLine(
                off ? "nothing is loaded at boot any more" : $"loaded again at every boot of this kernel: {service.FullPath}"
            );
            if (report.Place == Word(BootPlace.AfterFileSystems))
            {
                session.Output.WriteLine("  modules that are loaded before the local file systems are mounted are patched then");
            }
        }

        if (!asJson && report.SetAside is { } aside)
        {
            session.Output.WriteLine($"the file that records loading at boot was damaged, and is now {aside}");
        }

        return ExitStatus.Done;
    }

    private static string Word(BootPlace place) => place == BootPlace.BeforeModules ? "beforeModules" : "afterFileSystems";

    private static async Task<Outcome<PersistReport>> TurnOnAsync(
        MachineSession session,
        BootService service,
        CancellationToken cancellation
    )
    {
        var machine = session.Machine;
        var state = MachineState.Of(session.Machine);
        var found = machine.BuildId();
        if (!found.TryGet(out var buildId))
        {
            return found.Problems[0];
        }

        if ((state.Prepare(buildId) ?? await MakeLive.ReconcileAsync(machine, state, buildId, cancellation)) is { } unready)
        {
            return unready;
        }

        var ledger = state.ReadKernel(buildId, machine.Release);
        if (!ledger.Succeeded)
        {
            return ledger.Problems[0];
        }

        if (ledger.Value.WantedLivepatch is not { } wanted)
        {
            return new Problem(
                MachineProblems.BootLoadingImpossible,
                "no livepatch made live by `elivepatch patch` is live, so there is nothing to load"
            );
        }

        if (BootLoading.CheckWithdrawn(state, wanted, buildId) is { } withdrawn)
        {
            return withdrawn;
        }
        // The list first: a unit without it loads nothing.
        if (await BootLoading.ChangeAsync(state, _ => new BootLedger { IsOn = true }, cancellation) is { } unwritten)
        {
            return unwritten;
        }

        return service
            .Install(session.Variable("ELIVEPATCH_COMMAND") ?? Environment.ProcessPath ?? "", state.FullPath)
            .Then<PersistReport>(place => new PersistReport(true, service.FullPath) { Place = Word(place) });
    }

    // Whoever wants nothing loaded need not know what a damaged file said.
    private static async Task<Outcome<PersistReport>> TurnOffAsync(
        MachineSession session,
        BootService service,
        CancellationToken cancellation
    )
    {
        var state = MachineState.Of(session.Machine);
        if (state.Prepare() is { } unprepared)
        {
            return unprepared;
        }

        var locked = await state.LockStateAsync(cancellation);
        if (!locked.TryGet(out var writing))
        {
            return Outcome<PersistReport>.Failure(locked.Problems);
        }

        using (writing)
        {
            return state
                .QuarantineBootLedger()
                .Then<PersistReport>(aside =>
                    (state.Write(new BootLedger()) ?? service.Remove()) is { } problem
                        ? problem
                        : new PersistReport(false, service.FullPath) { SetAside = aside }
                );
        }
    }
}
