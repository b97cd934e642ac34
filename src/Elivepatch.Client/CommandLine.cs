// In: the words of the command line. Out: the exit status. The verbs are in Commands, one a file; here is what they share: usage
// errors, signals, and failures that nobody expected.

using System.CommandLine;
using System.Runtime.InteropServices;
using Elivepatch.Client.Commands;
using Elivepatch.Client.Machine;
using Elivepatch.Client.Output;
using Elivepatch.Kernel;
using Elivepatch.Terminal;

namespace Elivepatch.Client;

/// <summary>The command line of <c>elivepatch</c>.</summary>
internal static class CommandLine
{
    /// <summary>Runs one command.</summary>
    public static async Task<int> RunAsync(string[] words, Session session)
    {
        var root = CreateRoot(session);
        var parsed = Invocation.Read(root, words);
        if (parsed.Errors.Count > 0)
            return Answer.Fail(session, [Invocation.UsageProblem(parsed, "elivepatch")], asJson: false, CancellationToken.None);

        using var ending = new CancellationTokenSource();
        var signal = 0;
        void End(PosixSignalContext context, int number)
        {
            // A second signal ends the process at once, as it would without us.
            context.Cancel = Interlocked.CompareExchange(ref signal, number, 0) == 0;
            if (context.Cancel)
                ending.Cancel();
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
            session.Error.WriteLine("elivepatch: ended by a signal; nothing was left half written");
            return ExitStatus.Signalled + signal;
        }
        catch (Exception e) when (
            e.GetBaseException() is PlatformNotSupportedException { Message: var reason } && reason.Contains("OpenSSL", StringComparison.Ordinal))
        {
            // The published file brings everything along but this: it is the machine's to keep up to date.
            return Answer.Fail(session, [new(MachineProblems.CryptographyMissing, reason)], asJson: false, CancellationToken.None);
        }
        catch (IOException e) when (DiskError.IsOfDisk(e))
        {
            return Answer.Fail(session, [new(ProcessProblems.CacheFailed, e.Message)], asJson: false, CancellationToken.None);
        }
        catch (Exception e)
        {
            session.Error.WriteLine($"elivepatch: unexpected failure, please report it with the command line: {e.GetType().Name}: {e.Message.ReplaceLineEndings(" ")}");
            session.Error.WriteLine(session.ShowsStacks ? e.ToString() : "  (ELIVEPATCH_DEBUG=1 shows where)");
            return ExitStatus.Unexpected;
        }
    }

    /// <summary>The whole command line.</summary>
    public static RootCommand CreateRoot(Session session)
    {
        var root = new RootCommand(
            "Builds livepatch modules from source patches for stock and self-configured Linux kernels, without building the kernel, "
            + "and proves that they fit.")
        {
            KernelCommand.Create(session),
            CaptureCommand.Create(session),
            BuildCommand.Create(session),
            DiffCommand.Create(session),
            InspectCommand.Create(session),
            TryCommand.Create(session),
            TrustCommand.Create(session),
            PatchCommand.Create(session),
            StatusCommand.Create(session),
            DisableCommand.Create(session),
            EnableCommand.Create(session),
            UnloadCommand.Create(session),
            VerifyCommand.Create(session),
            PersistCommand.Create(session),
            LoadPersistedCommand.Create(session),
        };
        VerbHelp.ShowFor(root);
        return root;
    }
}
