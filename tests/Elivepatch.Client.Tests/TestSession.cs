using Elivepatch.Client.Machine;
using Elivepatch.Terminal;

namespace Elivepatch.Client.Tests;

/// <summary>Runs the command within the test and keeps what it wrote.</summary>
internal sealed class TestSession
{
    private readonly StringWriter output = new();
    private readonly StringWriter error = new();

    public Dictionary<string, string> Variables { get; } = [];

    public string Output => output.ToString();

    public string Error => error.ToString();

    public MachineAccess? Machine { get; init; }

    public Session Session => Machine is null
        ? new(output, error, IsTerminal: false, Variables.GetValueOrDefault)
        : new(output, error, IsTerminal: false, Variables.GetValueOrDefault) { Machine = Machine };

    public Task<int> RunAsync(params string[] words) => CommandLine.RunAsync(words, Session);

    /// <summary>Runs a verb that is told to end, as a signal would tell it.</summary>
    public Task<int> RunAsync(CancellationToken ending, params string[] words) =>
        Invocation.RunAsync(Invocation.Read(CommandLine.CreateRoot(Session), words), output, error, ending);
}
