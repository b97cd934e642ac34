// In: the words of the command line. Out: the exit status. The verbs are files of this folder; here is what they share: usage
// errors, signals, and failures that nobody expected.

using System.CommandLine;
using System.Runtime.InteropServices;
using Elivepatch.Client;
using Elivepatch.Engine;

namespace Elivepatch.Server.Commands;

/// <summary>The command line of <c>elivepatchd</c>.</summary>
internal static class CommandLine
{
    private static readonly string[] wordsOfRoot = ["--help", "-h", "-?", "/h", "/?", "--version"];

    /// <summary>Runs one command.</summary>
    public static async Task<int> RunAsync(string[] words, Session session)
    {
        var root = CreateRoot(session);
        // A word that begins with @ is a word: no file is read because of a name.
        var parsed = root.Parse(WithVerb(words), new ParserConfiguration { ResponseFileTokenReplacer = null });
        if (parsed.Errors.Count > 0)
            return ReportUsage(parsed, session);

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
            return await parsed.InvokeAsync(
                new InvocationConfiguration
                {
                    Output = session.Output,
                    Error = session.Error,
                    EnableDefaultExceptionHandler = false,
                    ProcessTerminationTimeout = null,
                },
                ending.Token);
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
            "Builds, tests and signs livepatch modules for machines that ask. Without a verb it serves: "
            + "see `elivepatchd serve --help`.")
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

    private static int ReportUsage(ParseResult parsed, Session session)
    {
        var command = parsed.CommandResult.Command;
        var verb = string.Concat(
            command.Parents.OfType<Command>().Append(command).Where(c => c is not RootCommand).Select(c => " " + c.Name));
        var problem = new Problem(
            ProblemCodes.UsageInvalid, string.Join('\n', parsed.Errors.Select(e => e.Message).Distinct()),
            $"read `elivepatchd{verb} --help`");
        return Answer.Fail(session, [problem]);
    }
}
