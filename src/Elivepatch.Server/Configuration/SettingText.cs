// In: the text of a setting, from wherever it comes. Out: its value, or why it is none; the reader adds the setting's name and
// its origin.

using System.Globalization;
using System.Net;
using System.Text.Json;
using Elivepatch.Builder;
using Elivepatch.Builder.Sources;
using Elivepatch.Model;

namespace Elivepatch.Server.Configuration;

/// <summary>Values of settings from their text.</summary>
internal static class SettingText
{
    private static readonly (string Name, int Shift)[] units = [("KiB", 10), ("MiB", 20), ("GiB", 30)];

    /// <summary>A path, made absolute.</summary>
    public static Outcome<string> ParsePath(string text) =>
        text.Length is 0 or > 4000 || text.Contains('\0', StringComparison.Ordinal)
            ? Wrong("it is not a path")
            : System.IO.Path.GetFullPath(text);

    /// <summary>A whole number.</summary>
    public static Outcome<int> ParseNumber(string text, int least, int most) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= least && number <= most
            ? number
            : Wrong($"it is not a whole number from {least} to {most}");

    /// <summary>A number of bytes, with or without a unit.</summary>
    public static Outcome<long> ParseByteCount(string text)
    {
        var (name, shift) = units.FirstOrDefault(u => text.EndsWith(u.Name, StringComparison.Ordinal));
        var digits = name is null ? text : text[..^name.Length].TrimEnd();
        return
            long.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            && number >= 1
            && number <= 1L << 40 >> shift
            ? number << shift
            : Wrong("it is not a number of bytes from 1 to 1024 GiB (write 67108864 or 64MiB)");
    }

    /// <summary>A truth value.</summary>
    public static Outcome<bool> ParseBoolean(string text) =>
        text switch
        {
            "true" => true,
            "false" => false,
            _ => Wrong("it is neither true nor false"),
        };

    /// <summary>One of some words.</summary>
    public static Outcome<T> ParseWord<T>(string text)
        where T : struct, Enum
    {
        foreach (var value in Enum.GetValues<T>())
        {
            if (value.ToString().ToLowerInvariant() == text)
            {
                return value;
            }
        }

        return Wrong($"it is not one of {string.Join(", ", Enum.GetNames<T>().Select(n => n.ToLowerInvariant()))}");
    }

    /// <summary>Addresses to listen on, between spaces or commas.</summary>
    public static Outcome<List<Uri>> ParseAddresses(string text)
    {
        var addresses = new List<Uri>();
        foreach (var word in text.Split([' ', ','], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            if (!Uri.TryCreate(word, UriKind.Absolute, out var address) || address.Scheme is not ("http" or "https"))
            {
                return Wrong($"{word} is not an address (write http://127.0.0.1:8470 or https://[::]:8470)");
            }
            // A name may stand for several addresses, or for another one tomorrow.
            if (address.Host != "localhost" && !IPAddress.TryParse(address.DnsSafeHost, out _))
            {
                return Wrong($"{word} has a name; write the numeric address to listen on, 0.0.0.0 for all of this machine");
            }

            if (address.PathAndQuery != "/" || address.Fragment.Length > 0 || address.UserInfo.Length > 0)
            {
                return Wrong($"{word} has more than an address and a port");
            }

            addresses.Add(address);
        }

        return addresses.Count == 0 ? Wrong("it names no address") : addresses;
    }

    /// <summary>The URL of a collector.</summary>
    public static Outcome<Uri> ParseUrl(string text) =>
        Uri.TryCreate(text, UriKind.Absolute, out var url) && url.Scheme is "http" or "https"
            ? url
            : Wrong("it is not an http or https URL");

    /// <summary>Sources of kernels: a JSON array.</summary>
    public static Outcome<List<SourceOptions>> ParseSources(string text)
    {
        try
        {
            using var document = JsonDocument.Parse(text, ConfigurationFile.Reading);
            if (document.RootElement.ValueKind != JsonValueKind.Array)
            {
                return Wrong("it is not an array");
            }

            var sources = new List<SourceOptions>();
            foreach (var element in document.RootElement.EnumerateArray())
            {
                var source = Source(element);
                if (!source.TryGet(out var value))
                {
                    return Wrong($"entry {sources.Count + 1}: {source.Problems[0].Reason}");
                }

                sources.Add(value);
            }

            return sources;
        }
        catch (JsonException e)
        {
            return Wrong($"it is not JSON: {e.Message}");
        }
    }

    private static Outcome<SourceOptions> Source(JsonElement element)
    {
        if (element.ValueKind != JsonValueKind.Object)
        {
            return Wrong("it is not an object");
        }

        foreach (var member in element.EnumerateObject())
        {
            if (member.Name is not ("kind" or "release" or "location" or "digests"))
            {
                return Wrong($"{member.Name} is unknown (kind, release, location, digests)");
            }

            if (member.Value.ValueKind != JsonValueKind.String)
            {
                return Wrong($"{member.Name} is not text");
            }
        }

        string? Text(string name) => element.TryGetProperty(name, out var value) ? value.GetString() : null;
        return ParseWord<SourceOrigin>(Text("kind") ?? "")
            .Then(kind => Complete(new(kind, Text("release") ?? "*", Text("location"), Text("digests"))));
    }

    private static Outcome<SourceOptions> Complete(SourceOptions source) =>
        source switch
        {
            { Kind: SourceOrigin.Debian, Location: not null } => Wrong("debian has no location"),
            { Kind: not SourceOrigin.Debian, Location: null or "" } => Wrong("its location is missing"),
            { Kind: SourceOrigin.Mirror, Digests: null or "" } => Wrong("digests is missing: a file as sha256sum writes it"),
            { Kind: not SourceOrigin.Mirror, Digests: not null } => Wrong("only a mirror has digests"),
            { Release: "" } => Wrong("release is empty"),
            _ => source,
        };

    private static Problem Wrong(string reason) => new(BuilderProblems.ConfigurationInvalid, reason);
}
