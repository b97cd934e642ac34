namespace Elivepatch.Terminal;

/// <summary>Where one run of the command reads from and writes to.</summary>
/// <param name="Output">Results, and nothing else.</param>
/// <param name="Error">Progress and problems.</param>
/// <param name="IsTerminal">True where somebody watches <paramref name="Error"/>.</param>
/// <param name="Variable">Environment variables by name.</param>
public record Session(TextWriter Output, TextWriter Error, bool IsTerminal, Func<string, string?> Variable)
{
    /// <summary>Opens what is piped in, for a verb that is told to read it.</summary>
    public Func<Stream> Input { get; init; } = Console.OpenStandardInput;

    /// <summary>The session of this process.</summary>
    public static Session OfProcess() => new(Console.Out, Console.Error, IsWatched(), Environment.GetEnvironmentVariable);

    /// <summary>True where an unexpected failure is to be shown with its stack.</summary>
    public bool ShowsStacks => Variable("ELIVEPATCH_DEBUG") is { Length: > 0 } and not "0";

    // NO_COLOR asks for no escape sequences; a dumb terminal understands none.
    private static bool IsWatched() =>
        !Console.IsErrorRedirected
        && Environment.GetEnvironmentVariable("TERM") is { Length: > 0 } and not "dumb"
        && string.IsNullOrEmpty(Environment.GetEnvironmentVariable("NO_COLOR"));
}
