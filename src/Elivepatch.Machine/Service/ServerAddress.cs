using Elivepatch.Model;

namespace Elivepatch.Machine.Service;

/// <summary>The address of a server.</summary>
/// <param name="Url">
/// As it is remembered: scheme, host, port where it is not the usual one, and a path where a proxy adds one.
/// </param>
public sealed record ServerAddress(string Url)
{
    /// <summary>Reads an address.</summary>
    public static Outcome<ServerAddress> Parse(string text)
    {
        if (!Uri.TryCreate(text, UriKind.Absolute, out var uri) || uri.Scheme is not ("https" or "http"))
        {
            return new Problem(
                CommandProblems.UsageInvalid,
                $"'{text}' is not an address",
                "Write https://HOST or https://HOST:PORT."
            );
        }

        if (uri.UserInfo.Length > 0 || uri.Query.Length > 0 || uri.Fragment.Length > 0)
        {
            return new Problem(
                CommandProblems.UsageInvalid,
                "an address has no user, query or fragment",
                "Write https://HOST or https://HOST:PORT."
            );
        }

        return new ServerAddress(uri.GetLeftPart(UriPartial.Path).TrimEnd('/'));
    }

    /// <summary>True where what is sent can be read on the way.</summary>
    public bool IsUnencrypted => new Uri(Url) is { Scheme: "http", IsLoopback: false };

    /// <summary>The full address of a route.</summary>
    public Uri UrlFor(string route) => new(Url + route);

    /// <inheritdoc/>
    public override string ToString() => Url;
}
