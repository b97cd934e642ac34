using System.Net;
using Elivepatch.Client.Commands;
using Elivepatch.Machine;
using Elivepatch.Terminal;

namespace Elivepatch.Client.Tests;

/// <summary>Runs the command within the test and keeps what it wrote.</summary>
internal sealed class TestSession
{
    private readonly StringWriter outputText = new();
    private readonly StringWriter errorText = new();
    private readonly TextWriter output;
    private readonly TextWriter error;

    public TestSession() => (output, error) = (TextWriter.Synchronized(outputText), TextWriter.Synchronized(errorText));

    public Dictionary<string, string> Variables { get; } = [];

    public string Output => Text(output, outputText);

    /// <summary>What it wrote so far: a test may look while it runs.</summary>
    public string Error => Text(error, errorText);

    public MachineAccess? Machine { get; init; }

    /// <summary>None, whatever the environment of the tests says.</summary>
    public IWebProxy Proxy { get; init; } = new WebProxy();

    public MachineSession Session =>
        new(
            output,
            error,
            IsTerminal: false,
            (Machine ?? MachineAccess.OfProcess()) with
            {
                Variable = Variables.GetValueOrDefault,
                Proxy = Proxy,
            }
        );

    public Task<int> RunAsync(params string[] words) => CommandLine.RunAsync(words, Session);

    /// <summary>Runs a verb that is told to end, as a signal would tell it.</summary>
    public Task<int> RunAsync(CancellationToken ending, params string[] words) =>
        Invocation.RunAsync(Invocation.Read(CommandLine.CreateRoot(Session), words), output, error, ending);

    // A synchronised writer is its own lock.
    private static string Text(TextWriter writer, StringWriter text)
    {
        lock (writer)
        {
            return text.ToString();
        }
    }
}
