// In: the words of the command line. Out: the exit status. The verbs are files of this folder; here is what they share: usage
// errors, signals, and failures that nobody expected.

using System.CommandLine;
using System.Runtime.InteropServices;
using Elivepatch.Terminal;

namespace Elivepatch.Server.Commands;

/// <summary>The command line of <c>elivepatchd</c>.</summary>
internal static class CommandLine
{
    private static readonly string[] wordsOfRoot = ["--help", "-h", "-?", "/h", "/?", "--version"];

    /// <summary>Runs one command.</summary>
    public static async Task<int> RunAsync(string[] words, Session session)
    {
        var root = CreateRoot(session);
        var parsed = Invocation.Read(root, WithVerb(words));
        if (parsed.Errors.Count > 0)
        {
            return Answer.Fail(session, [Invocation.UsageProblem(parsed, "elivepatchd")]);
        }

        using var ending = new CancellationTokenSource();
        void End(PosixSignalContext context)
        {
            // A second signal ends the process at once, as it would without us.
            context.Cancel = !ending.IsCancellationRequested;
            ending.Cancel();
        }

        using var interrupted = PosixSignalRegistration.Create(PosixSignal.SIGINT, End);
        using var terminated = PosixSignalRegistration.Create(PosixSignal.SIGTERM, End);
        try
        {
            return await Invocation.RunAsync(parsed, session.Output, session.Error, ending.Token);
        }
        catch (OperationCanceledException) when (ending.IsCancellationRequested)
        {
            return ExitStatus.Done;
        }
        catch (Exception e)
        {
            session.Error.WriteLine($"elivepatchd: unexpected failure, please report it: {e}");
            return ExitStatus.Unexpected;
        }
    }

    /// <summary>The whole command line.</summary>
    public static RootCommand CreateRoot(Session session)
    {
        var root = new RootCommand(
            "Builds, tests and signs livepatch modules on request. Without a verb it serves: " + "see `elivepatchd serve --help`."
        )
        {
            ServeCommand.Create(session),
            WorkerCommand.Create(session),
            KeysCommand.Create(session),
            TokensCommand.Create(session),
            AuditCommand.Create(session),
        };
        VerbHelp.ShowFor(root);
        return root;
    }

    // A service is started with flags or nothing at all.
    private static string[] WithVerb(string[] words) =>
        words.Length == 0 || (words[0].StartsWith('-') && !wordsOfRoot.Contains(words[0]))
            ? [ServeCommand.Name, .. words]
            : words;
}
