using Elivepatch.Terminal;

namespace Elivepatch.Author.Tests;

/// <summary>Runs the command within the test and keeps what it wrote.</summary>
internal sealed class TestSession
{
    private readonly StringWriter output = new();
    private readonly StringWriter error = new();

    public Dictionary<string, string> Variables { get; } = [];

    public string Output => output.ToString();

    public string Error => error.ToString();

    /// <summary>What is piped in.</summary>
    public byte[] Input { get; init; } = [];

    public Session Session =>
        new(TextWriter.Synchronized(output), TextWriter.Synchronized(error), IsTerminal: false, Variables.GetValueOrDefault)
        {
            Input = () => new MemoryStream(Input),
        };

    public Task<int> RunAsync(params string[] words) => CommandLine.RunAsync(words, Session);
}
