// In: the words of a command line. Out: the verb's exit status, or what is wrong with the words. What all programs do
// alike; how the service ends by a signal is its own.

using System.CommandLine;
using Elivepatch.Model;

namespace Elivepatch.Terminal;

/// <summary>Reads and runs command lines.</summary>
public static class Invocation
{
    /// <summary>
    /// Reads words. One that begins with <c>@</c> is a word like the others: no file is read because of a name.
    /// </summary>
    public static ParseResult Read(Command root, IReadOnlyList<string> words) =>
        root.Parse(words, new ParserConfiguration { ResponseFileTokenReplacer = null });

    /// <summary>What is wrong with the words.</summary>
    /// <param name="parsed">Words that are no command.</param>
    /// <param name="program">The command's name, whatever its file is called.</param>
    public static Problem UsageProblem(ParseResult parsed, string program)
    {
        var command = parsed.CommandResult.Command;
        var verbs = Path(command).Skip(1).Select(c => c.Name);
        return new(
            CommandProblems.UsageInvalid,
            string.Join('\n', parsed.Errors.Select(e => e.Message).Distinct()),
            $"Read `{string.Join(' ', verbs.Prepend(program))} --help`."
        );
    }

    private static IEnumerable<Command> Path(Command command) =>
        command.Parents.OfType<Command>().FirstOrDefault() is { } parent ? Path(parent).Append(command) : [command];

    /// <summary>Runs the verb. What it throws is the caller's to tell.</summary>
    public static Task<int> RunAsync(ParseResult parsed, TextWriter output, TextWriter error, CancellationToken cancellation) =>
        parsed.InvokeAsync(
            new InvocationConfiguration
            {
                Output = output,
                Error = error,
                EnableDefaultExceptionHandler = false,
                // Signals are the caller's.
                ProcessTerminationTimeout = null,
            },
            cancellation
        );
}
