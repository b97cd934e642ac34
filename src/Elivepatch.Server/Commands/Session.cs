using System.Collections;
using Elivepatch.Server.Configuration;

namespace Elivepatch.Server.Commands;

/// <summary>What one run of <c>elivepatchd</c> sees of the process and the machine.</summary>
/// <param name="Output">Results, and what the server says when it starts.</param>
/// <param name="Error">Problems, and the log.</param>
/// <param name="IsTerminal">True where somebody watches <paramref name="Error"/>.</param>
/// <param name="Environment">All environment variables.</param>
internal sealed record Session(
    TextWriter Output,
    TextWriter Error,
    bool IsTerminal,
    IReadOnlyDictionary<string, string> Environment
)
{
    /// <summary>The configuration file that is read where no other is named.</summary>
    public string ConfigurationFile { get; init; } = ConfigurationOrigins.UsualFile;

    /// <summary>True for root, whose state lies elsewhere.</summary>
    public bool IsRoot { get; init; } = System.Environment.IsPrivilegedProcess;

    /// <summary>The session of this process.</summary>
    public static Session OfProcess() =>
        new(
            Console.Out,
            Console.Error,
            !Console.IsErrorRedirected,
            System
                .Environment.GetEnvironmentVariables()
                .Cast<DictionaryEntry>()
                .ToDictionary(e => (string)e.Key, e => (string?)e.Value ?? "", StringComparer.Ordinal)
        );
}
