using System.Text;
using Elivepatch.Model;
using Elivepatch.Model.Files;

namespace Elivepatch.Machine.Service;

/// <summary>Where a token comes from. Never from the command line: everybody on the machine can read that.</summary>
public static class TokenSource
{
    /// <summary>The environment variable.</summary>
    public const string Variable = "ELIVEPATCH_TOKEN";

    private const int Longest = 4096;

    /// <summary>The token: of the file, else of the environment, else the one that is kept; null for none.</summary>
    public static Outcome<string?> Read(string? file, Func<string, string?> variable, string? kept)
    {
        if (file is not null)
        {
            return InputFile
                .Read(file)
                .Then(content => Check(Encoding.UTF8.GetString(content.AsSpan(0, Math.Min(content.Length, 2 * Longest))), file));
        }

        return variable(Variable) is { Length: > 0 } given ? Check(given, $"${Variable}") : kept;
    }

    private static Outcome<string?> Check(string text, string where)
    {
        var token = text.Trim();
        return token.Length is > 0 and <= Longest && token.All(c => c is > ' ' and < '\x7f')
            ? token
            : new Problem(CommandProblems.InputUnusable, $"{where} has no token: one line of plain characters");
    }
}
