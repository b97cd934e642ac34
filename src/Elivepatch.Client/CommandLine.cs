// In: the words of the command line. Out: the exit status. The verbs are in Commands, one a file.

using System.CommandLine;
using Elivepatch.Client.Commands;
using Elivepatch.Machine;
using Elivepatch.Model;
using Elivepatch.Model.Files;
using Elivepatch.Terminal;

namespace Elivepatch.Client;

/// <summary>The command line of <c>elivepatch</c>.</summary>
internal static class CommandLine
{
    /// <summary>Runs one command.</summary>
    public static Task<int> RunAsync(string[] words, MachineSession session) =>
        CommandRun.RunAsync(CreateRoot(session), words, session, Explain);

    /// <summary>The whole command line. The verbs of authors are only named: <see cref="AuthorProgram"/> has them.</summary>
    public static RootCommand CreateRoot(MachineSession session)
    {
        var root = new RootCommand(
            "Makes source patches of the Linux kernel live on this machine, and builds livepatch modules of them, without building the "
                + "kernel, with proof that they fit."
        )
        {
            TrustCommand.Create(session),
            PatchCommand.Create(session),
            StatusCommand.Create(session),
            DisableCommand.Create(session),
            EnableCommand.Create(session),
            UnloadCommand.Create(session),
            VerifyCommand.Create(session),
            PersistCommand.Create(session),
            LoadPersistedCommand.Create(session),
            CaptureCommand.Create(session),
        };
        foreach (var verb in AuthorVerbs.All)
        {
            root.Add(new Command(verb.Name, $"{verb.Summary} ({AuthorVerbs.Program})"));
        }

        VerbHelp.ShowFor(root);
        return root;
    }

    private static Problem? Explain(Exception failure) =>
        failure switch
        {
            // The published file brings everything along but this: it is the machine's to keep up to date.
            _ when failure.GetBaseException() is PlatformNotSupportedException { Message: var reason }
                    && reason.Contains("OpenSSL", StringComparison.Ordinal) => new(MachineProblems.CryptographyMissing, reason),
            // What fails so without having said it is the standard output.
            IOException io when DiskError.IsDiskFailure(io) => new(CommandProblems.OutputUnusable, io.Message),
            _ => null,
        };
}
