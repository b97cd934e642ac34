using System.CommandLine;
using Elivepatch.Client.Output;
using Elivepatch.Machine;
using Elivepatch.Model.Files;
using Elivepatch.Terminal;

namespace Elivepatch.Client.Commands;

/// <summary><c>elivepatch capture</c>.</summary>
internal static class CaptureCommand
{
    /// <summary>The verb.</summary>
    public static Verb Create(MachineSession session)
    {
        var output = new Option<string?>("--output", "-o")
        {
            Description = "Where to write the capture. Default: RELEASE.capture in the current directory.",
            HelpName = "FILE",
        };
        var json = CommonOptions.Json();
        var verb = new Verb(
            "capture",
            "Records the facts of the kernel that runs on this machine.",
            """
            Records release, build-id, configuration, compiler, symbols with their addresses, exports, loaded modules and
            livepatches. Run it as root: the kernel hides addresses from other users. Copy the file to the machine that builds;
            see `elivepatch kernel import --help`. It contains kernel addresses: treat it like a core file.
            """,
            new Example("sudo elivepatch capture -o web1.capture", "Capture this machine's kernel.")
        )
        {
            output,
            json,
        };
        verb.SetAction(
            (parsed, cancellation) => Task.FromResult(Run(session, parsed.GetValue(output), parsed.GetValue(json), cancellation))
        );
        return verb;
    }

    private static int Run(MachineSession session, string? output, bool asJson, CancellationToken cancellation)
    {
        if (output is not null && OutputFile.Check(output) is { } unusable)
        {
            return Answer.Fail(session, [unusable], asJson, cancellation);
        }

        var taken = new MachineCapture().Take();
        if (!taken.TryGet(out var capture))
        {
            return Answer.Fail(session, taken.Problems, asJson, cancellation);
        }

        cancellation.ThrowIfCancellationRequested();
        var path = output ?? capture.Facts.Release + ".capture";
        if (OutputFile.Write(path, capture.Write) is { } unwritten)
        {
            return Answer.Fail(session, [unwritten], asJson, cancellation);
        }

        var report = new CaptureReport(path, capture.Facts.Release, capture.Facts.BuildId, capture.Facts.Compiler);
        if (asJson)
        {
            Answer.WriteJson(session, report, ClientJson.Default.CaptureReport);
        }
        else
        {
            session.Output.WriteLine($"{path}: {report.Release}, build-id {report.BuildId}");
        }

        return ExitStatus.Done;
    }
}
