// In: what the framework throws about a request that it cannot bind. Out: the same in words of this interface. The framework
// tells kinds apart by its message alone; a kind that it words anew one day falls back to where, and the tests notice.

using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Elivepatch.Server.Http;

/// <summary>Says what is wrong with a request that could not be read.</summary>
internal static partial class BindingFailure
{
    /// <summary>The reason, without a word of the framework's.</summary>
    public static string Describe(BadHttpRequestException failure)
    {
        if (failure.InnerException is JsonException json)
        {
            return Describe(json);
        }

        if (Parameter().Match(failure.Message) is not { Success: true } match)
        {
            return "it is not a request that this path takes";
        }

        var name = match.Groups["name"].Value;
        if (
            failure.Message.Contains("provided from body", StringComparison.Ordinal)
            || failure.Message.Contains("no body", StringComparison.Ordinal)
        )
        {
            return "its body is missing";
        }

        return failure.Message.Contains("was not provided", StringComparison.Ordinal)
            ? $"{name} is missing"
            : $"{name} is not what belongs there";
    }

    private static string Describe(JsonException json)
    {
        var where = json.Path is { Length: > 1 } path ? $"its body at {path}" : "its body";
        if (Missing().Match(json.Message) is { Success: true } missing)
        {
            return $"{where} lacks {string.Join(", ", Quoted().Matches(missing.Value).Select(m => m.Groups[1].Value))}";
        }

        if (json.Message.Contains("could not be mapped", StringComparison.Ordinal))
        {
            return $"{where}: there is no such member";
        }

        if (json.Message.Contains("uplicate", StringComparison.Ordinal))
        {
            return $"{where}: a member stands there twice";
        }

        // Where the text itself is no JSON, the reader has an exception of its own inside.
        return json.InnerException is JsonException || json.Path is null
            ? string.Create(
                CultureInfo.InvariantCulture,
                $"its body is not JSON from line {json.LineNumber + 1}, byte {json.BytePositionInLine + 1}"
            )
            : $"{where} is not what belongs there";
    }

    // Names alone are taken: 'TYPE NAME' in double quotes, of which the type is the framework's.
    [GeneratedRegex("\"[^\"]*?(?<name>[A-Za-z]+)\"")]
    private static partial Regex Parameter();

    [GeneratedRegex("missing required properties.*$", RegexOptions.Singleline)]
    private static partial Regex Missing();

    [GeneratedRegex("'([A-Za-z0-9]+)'")]
    private static partial Regex Quoted();
}
