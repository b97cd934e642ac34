namespace Elivepatch.Machine;

/// <summary>A server whose key the machine's administrator pinned.</summary>
public sealed record TrustedServer
{
    /// <summary>Its address.</summary>
    public required string Url { get; init; }

    /// <summary>The key, PEM.</summary>
    public required string PublicKey { get; init; }

    /// <summary>When it was pinned, or taken over from the pinned one by an endorsement.</summary>
    public required DateTimeOffset Pinned { get; init; }

    /// <summary>The token for it; null where none is kept.</summary>
    public string? Token { get; init; }

    /// <summary>True where the token may go over a connection that is not encrypted.</summary>
    public bool AllowsHttp { get; init; }
}

/// <summary>The machine's settings: <c>config.json</c>, for root alone.</summary>
/// <param name="Servers">The servers that it trusts.</param>
public sealed record MachineConfig(IReadOnlyList<TrustedServer> Servers)
{
    /// <summary>The format that is written today.</summary>
    public const int CurrentFormat = 1;

    /// <summary>The format that this file was written in.</summary>
    public int Format { get; set; } = CurrentFormat;

    /// <summary>The server at an address; null where it is not known.</summary>
    public TrustedServer? Find(string url) => Servers.FirstOrDefault(s => s.Url == url);

    /// <summary>The settings without the server at an address.</summary>
    public MachineConfig Without(string url) => this with { Servers = [.. Servers.Where(s => s.Url != url)] };

    /// <summary>The settings with a server in place of the one at its address.</summary>
    public MachineConfig With(TrustedServer server) =>
        this with
        {
            Servers = [.. Servers.Where(s => s.Url != server.Url), server],
        };
}
