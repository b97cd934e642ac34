using Elivepatch.Client.Machine;

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
}
