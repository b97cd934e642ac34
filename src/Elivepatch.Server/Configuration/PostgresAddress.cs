// In: a URL as libpq takes it. Out: how to connect, or what is wrong with it. The URL may hold a password: no text that is made
// here repeats any of it but host, port and name.

using System.Globalization;
using Elivepatch.Builder;
using Elivepatch.Model;
using Npgsql;

namespace Elivepatch.Server.Configuration;

/// <summary>Where a PostgreSQL database is, and as whom to connect.</summary>
public sealed class PostgresAddress
{
    private const int UsualPort = 5432;

    // PostgreSQL takes 100 connections unless it is told otherwise, and several servers share them.
    private const int UsualPool = 20;
    private const int LargestPool = 1000;
    private static readonly string[] schemes = ["postgres://", "postgresql://"];

    private static readonly Dictionary<string, SslMode> sslModes = new(StringComparer.Ordinal)
    {
        ["disable"] = SslMode.Disable,
        ["allow"] = SslMode.Allow,
        ["prefer"] = SslMode.Prefer,
        ["require"] = SslMode.Require,
        ["verify-ca"] = SslMode.VerifyCA,
        ["verify-full"] = SslMode.VerifyFull,
    };

    private readonly string shown;

    private PostgresAddress(NpgsqlConnectionStringBuilder connection)
    {
        ConnectionString = connection.ConnectionString;
        shown = connection.Host!.StartsWith('/')
            ? $"postgres:///{connection.Database}?host={connection.Host}"
            : string.Create(
                CultureInfo.InvariantCulture,
                $"postgres://{connection.Host}:{connection.Port}/{connection.Database}"
            );
    }

    /// <summary>How the driver is told. It has the password: it goes nowhere else.</summary>
    internal string ConnectionString { get; }

    /// <summary>
    /// Reads <c>postgres://user:password@host:port/name?sslmode=verify-full</c>. What has a meaning in a URL is percent-encoded.
    /// The folder of a Unix socket is the host, encoded, or the parameter <c>host</c>.
    /// </summary>
    public static Outcome<PostgresAddress> Parse(string text)
    {
        var scheme = schemes.FirstOrDefault(s => text.StartsWith(s, StringComparison.OrdinalIgnoreCase));
        if (scheme is null || text.Length > 4000)
        {
            return Wrong("it is not an address of PostgreSQL (write postgres://user:password@host:port/name)");
        }

        var (before, query) = Split(text[scheme.Length..], '?');
        var (authority, name) = Split(before, '/');
        var at = authority.LastIndexOf('@');
        var (user, password) = Split(at < 0 ? "" : authority[..at], ':');
        var connection = new NpgsqlConnectionStringBuilder
        {
            Port = UsualPort,
            MaxPoolSize = UsualPool,
            ApplicationName = "elivepatchd",
            // Seconds. Who cannot connect within that is told so, rather than kept waiting.
            Timeout = 5,
            CommandTimeout = 30,
            // Seconds between two looks whether the other side is still there.
            KeepAlive = 15,
            // Milliseconds. A server that stands still in the middle of a change shall not hold up the others for ever.
            Options = "-c idle_in_transaction_session_timeout=60000",
            MaxAutoPrepare = 64,
            AutoPrepareMinUsages = 2,
        };
        if (SetUser(connection, user, password) is { } wrongUser)
        {
            return Wrong(wrongUser);
        }

        if (SetHost(connection, authority[(at + 1)..]) is { } wrongHost)
        {
            return Wrong(wrongHost);
        }

        if (Decode(name) is not { Length: > 0 } database || database.Contains('/', StringComparison.Ordinal))
        {
            return Wrong("the name of the database is missing or not valid (it follows the host: postgres://host/name)");
        }

        connection.Database = database;
        foreach (var parameter in (query ?? "").Split('&', StringSplitOptions.RemoveEmptyEntries))
        {
            var (key, encoded) = Split(parameter, '=');
            if (Decode(encoded) is not { Length: > 0 } value)
            {
                return Wrong("a parameter behind ? has no value, or one that is not percent-encoded rightly");
            }

            if (SetParameter(connection, key, value) is { } wrong)
            {
                return Wrong(wrong);
            }
        }

        if (string.IsNullOrEmpty(connection.Host))
        {
            return Wrong("the host is missing");
        }

        return new PostgresAddress(connection);
    }

    /// <summary>Host, port and name; no user and no password.</summary>
    public override string ToString() => shown;

    private static string? SetUser(NpgsqlConnectionStringBuilder connection, string user, string? password)
    {
        if (Decode(user) is not { } decodedUser || (password is not null && Decode(password) is null))
        {
            return "user or password are not percent-encoded rightly";
        }

        if (decodedUser.Length > 0)
        {
            connection.Username = decodedUser;
        }

        if (password is { Length: > 0 })
        {
            connection.Password = Decode(password);
        }

        return null;
    }

    private static string? SetHost(NpgsqlConnectionStringBuilder connection, string text)
    {
        // The colons of an IPv6 address are within brackets.
        var end = text.StartsWith('[') ? text.IndexOf(']', StringComparison.Ordinal) + 1 : 0;
        var colon = text.IndexOf(':', end);
        var host = Decode(colon < 0 ? text : text[..colon]);
        if (host is null || host.Any(c => char.IsWhiteSpace(c) || c is ',' or ';' or '@'))
        {
            return "the host is not valid; characters with a meaning in a URL, for example in a password, have to be percent-encoded";
        }

        connection.Host = host.StartsWith('[') ? host[1..].TrimEnd(']') : host;
        if (colon < 0)
        {
            return null;
        }

        if (
            !int.TryParse(text[(colon + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out var port)
            || port is < 1 or > 65535
        )
        {
            return "the port is not valid; characters with a meaning in a URL, for example in a password, have to be percent-encoded";
        }

        connection.Port = port;
        return null;
    }

    private static string? SetParameter(NpgsqlConnectionStringBuilder connection, string key, string value)
    {
        switch (key)
        {
            case "sslmode" when sslModes.TryGetValue(value, out var mode):
                connection.SslMode = mode;
                return null;
            case "sslmode":
                return $"sslmode is not one of {string.Join(", ", sslModes.Keys)}";
            case "sslrootcert" when value.StartsWith('/'):
                connection.RootCertificate = value;
                return null;
            case "sslcert" when value.StartsWith('/'):
                connection.SslCertificate = value;
                return null;
            case "sslkey" when value.StartsWith('/'):
                connection.SslKey = value;
                return null;
            case "sslrootcert" or "sslcert" or "sslkey":
                return $"{key} is not an absolute path of a file";
            case "host" when string.IsNullOrEmpty(connection.Host) && value.StartsWith('/'):
                connection.Host = value;
                return null;
            case "host":
                return "the parameter host is the directory of a Unix socket, and excludes another host";
            case "pool"
                when int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var pool)
                    && pool is >= 4 and <= LargestPool:
                connection.MaxPoolSize = pool;
                return null;
            case "pool":
                return $"pool is not a number of connections from 4 to {LargestPool}";
            default:
                return "it has a parameter besides sslmode, sslrootcert, sslcert, sslkey, host and pool";
        }
    }

    private static (string Before, string? After) Split(string text, char at) =>
        text.IndexOf(at, StringComparison.Ordinal) is var index and >= 0 ? (text[..index], text[(index + 1)..]) : (text, null);

    // Null where a percent sign is not followed by two digits, or what comes out is no text.
    private static string? Decode(string? text)
    {
        if (text is null)
        {
            return "";
        }

        for (var i = text.IndexOf('%', StringComparison.Ordinal); i >= 0; i = text.IndexOf('%', i + 1))
        {
            if (i + 2 >= text.Length || !char.IsAsciiHexDigit(text[i + 1]) || !char.IsAsciiHexDigit(text[i + 2]))
            {
                return null;
            }
        }

        var decoded = Uri.UnescapeDataString(text);
        return decoded.Any(char.IsControl) || decoded.Contains('\uFFFD', StringComparison.Ordinal) ? null : decoded;
    }

    private static Problem Wrong(string reason) => new(BuilderProblems.ConfigurationInvalid, reason);
}
