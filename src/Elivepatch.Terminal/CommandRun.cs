// In: the words of a command line. Out: the exit status. What the two programs that people run share: usage errors, signals, and
// failures that nobody expected.

using System.CommandLine;
using System.Runtime.InteropServices;
using Elivepatch.Model;

namespace Elivepatch.Terminal;

/// <summary>Runs one command from its words to its exit status.</summary>
public static class CommandRun
{
    /// <summary>What people call the command, whichever program runs the verb.</summary>
    public const string Name = "elivepatch";

    /// <summary>Runs it.</summary>
    /// <param name="root">The command line.</param>
    /// <param name="words">The words.</param>
    /// <param name="session">What it reads from and writes to.</param>
    /// <param name="explain">
    /// Tells what an exception means that can be expected of the program; null for one that nobody expected.
    /// </param>
    public static async Task<int> RunAsync(
        Command root,
        IReadOnlyList<string> words,
        Session session,
        Func<Exception, Problem?> explain
    )
    {
        var parsed = Invocation.Read(root, words);
        if (parsed.Errors.Count > 0)
        {
            return Answer.Fail(session, [Invocation.UsageProblem(parsed, Name)], asJson: false, CancellationToken.None);
        }

        using var ending = new CancellationTokenSource();
        var signal = 0;
        void End(PosixSignalContext context, int number)
        {
            // A second signal ends the process at once, as it would without us.
            context.Cancel = Interlocked.CompareExchange(ref signal, number, 0) == 0;
            if (context.Cancel)
            {
                ending.Cancel();
            }
        }

        using var interrupted = PosixSignalRegistration.Create(PosixSignal.SIGINT, c => End(c, 2));
        using var terminated = PosixSignalRegistration.Create(PosixSignal.SIGTERM, c => End(c, 15));
        using var hungUp = PosixSignalRegistration.Create(PosixSignal.SIGHUP, c => End(c, 1));
        try
        {
            return await Invocation.RunAsync(parsed, session.Output, session.Error, ending.Token);
        }
        catch (Exception) when (signal != 0)
        {
            session.Error.WriteLine($"{Name}: ended by a signal; nothing was left half written");
            return ExitStatus.Signalled + signal;
        }
        catch (Exception e)
        {
            if (explain(e) is { } problem)
            {
                return Answer.Fail(session, [problem], asJson: false, CancellationToken.None);
            }

            session.Error.WriteLine(
                $"{Name}: unexpected failure, please report it with the command line: {e.GetType().Name}: {e.Message.ReplaceLineEndings(" ")}"
            );
            session.Error.WriteLine(session.ShowsStacks ? e.ToString() : "  (ELIVEPATCH_DEBUG=1 shows where)");
            return ExitStatus.Unexpected;
        }
    }
}
