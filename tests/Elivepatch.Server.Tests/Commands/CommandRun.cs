using Elivepatch.Server.Commands;

namespace Elivepatch.Server.Tests.Commands;

/// <summary>Runs the command within the test, on a state of its own, and keeps what it wrote.</summary>
internal sealed class CommandRun : IDisposable
{
    private readonly Scratch scratch = new();
    private StringWriter output = new();
    private StringWriter error = new();

    public string State => scratch.PathOf("state");

    public string Output => output.ToString();

    public string Error => error.ToString();

    public Dictionary<string, string> Variables { get; } = [];

    public Session Session =>
        new(output, error, IsTerminal: false, new Dictionary<string, string>(Variables) { ["ELIVEPATCHD_STATE_FOLDER"] = State })
        {
            ConfigurationFile = "/nonexistent/config.json",
        };

    public async Task<int> RunAsync(params string[] words)
    {
        (output, error) = (new(), new());
        return await CommandLine.RunAsync(words, Session);
    }

    public void Dispose() => scratch.Dispose();
}
