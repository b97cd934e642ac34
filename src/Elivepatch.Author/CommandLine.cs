// In: the words of the command line. Out: the exit status. The verbs are in Commands, one a file.

using System.CommandLine;
using System.CommandLine.Help;
using Elivepatch.Author.Commands;
using Elivepatch.Kernel;
using Elivepatch.Model;
using Elivepatch.Model.Files;
using Elivepatch.Terminal;

namespace Elivepatch.Author;

/// <summary>The command line of <c>elivepatch-author</c>.</summary>
internal static class CommandLine
{
    /// <summary>Runs one command.</summary>
    public static Task<int> RunAsync(string[] words, Session session) =>
        CommandRun.RunAsync(CreateRoot(session), words, session, Explain);

    /// <summary>
    /// The whole command line. It has the name that people type: they need not know that `elivepatch` has these verbs in a
    /// program of their own.
    /// </summary>
    public static Command CreateRoot(Session session)
    {
        var root = new Command(
            CommandRun.Name,
            "Builds livepatch modules from source patches for stock and self-configured Linux kernels, without building the kernel, "
                + "and proves that they fit."
        )
        {
            new HelpOption(),
            new VersionOption(),
            KernelCommand.Create(session),
            ToolchainCommand.Create(session),
            BuildCommand.Create(session),
            DiffCommand.Create(session),
            InspectCommand.Create(session),
            TryCommand.Create(session),
        };
        VerbHelp.ShowFor(root);
        return root;
    }

    // What the verbs write beside their results lies in the cache.
    private static Problem? Explain(Exception failure) =>
        failure is IOException io && DiskError.IsDiskFailure(io) ? new(ProcessProblems.CacheFailed, failure.Message) : null;
}
