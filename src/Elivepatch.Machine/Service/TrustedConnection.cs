// In: the server that the command line names, and the machine's settings. Out: a connection to it, and the key that its manifests
// have to be signed with. A key is trusted because an administrator named it, or because a trusted one endorsed it.

using Elivepatch.Model;
using Elivepatch.Protocol;
using Elivepatch.Protocol.Manifests;

namespace Elivepatch.Machine.Service;

/// <summary>A server whose key is known.</summary>
/// <param name="Address">Its address.</param>
/// <param name="Client">Talks to it.</param>
/// <param name="Key">What its manifests are signed with.</param>
public sealed record TrustedConnection(ServerAddress Address, ServerClient Client, PublicKey Key) : IDisposable
{
    /// <summary>Connects, and goes over to the server's current key where the pinned one leads to it.</summary>
    public static async Task<Outcome<TrustedConnection>> OpenAsync(
        MachineAccess machine,
        MachineState state,
        PatchRequest request,
        RetryPolicy patience,
        CancellationToken cancellation
    )
    {
        var read = state.ReadConfig();
        if (!read.TryGet(out var config))
        {
            return Outcome<TrustedConnection>.Failure(read.Problems);
        }

        var chosen = Choose(config, request.Server);
        if (!chosen.TryGet(out var address))
        {
            return Outcome<TrustedConnection>.Failure(chosen.Problems);
        }

        var trusted = config.Find(address.Url);
        var named = request.Key is { } text ? KeySource.Parse(text) : null;
        var token = TokenSource.Read(request.TokenFile, machine.Variable, trusted?.Token);
        Problem[] problems = [.. named?.Problems ?? [], .. token.Problems];
        if (problems.Length > 0)
        {
            return Outcome<TrustedConnection>.Failure(problems);
        }

        if (trusted is null && named is null)
        {
            return new Problem(
                TrustProblems.KeyNotTrusted,
                $"no key is pinned for {address}",
                $"Ask the server's operator for the identity of its key, and pin it with `elivepatch trust --server {address} --key ID-OR-FILE`."
            );
        }
        if (CheckEncryption(address, token.Value, request.AllowsHttp || trusted is { AllowsHttp: true }) is { } readable)
        {
            return readable;
        }

        var client = new ServerClient(address, token.Value, patience, machine.Proxy);
        var key = await FindKeyAsync(client, named?.Value, trusted, cancellation);
        if (!key.TryGet(out var current))
        {
            client.Dispose();
            return Outcome<TrustedConnection>.Failure(key.Problems);
        }
        if (
            named is null
            && trusted is not null
            && current.Pem != trusted.PublicKey
            && state.Write(config.With(trusted with { PublicKey = current.Pem, Pinned = machine.Time.GetUtcNow() }))
                is { } unwritten
        )
        {
            client.Dispose();
            return unwritten;
        }
        return new TrustedConnection(address, client, current);
    }

    /// <summary>Why a token may not go to an address; null where it may.</summary>
    public static Problem? CheckEncryption(ServerAddress address, string? token, bool allowed) =>
        token is not null && address.IsUnencrypted && !allowed
            ? new(MachineProblems.ConnectionReadable, $"{address} is not https")
            : null;

    /// <summary>The server that is meant: the named one, else the one that is trusted.</summary>
    public static Outcome<ServerAddress> Choose(MachineConfig config, string? named) =>
        (named, config.Servers) switch
        {
            ({ } url, _) => ServerAddress.Parse(url),
            (null, [var only]) => ServerAddress.Parse(only.Url),
            (null, []) => new Problem(
                CommandProblems.UsageInvalid,
                "no server is named, and none is trusted",
                "Name it with --server URL, or pin one with `elivepatch trust`."
            ),
            _ => new Problem(
                CommandProblems.UsageInvalid,
                $"several servers are trusted: {string.Join(", ", config.Servers.Select(s => s.Url))}",
                "Name one with --server URL."
            ),
        };

    /// <inheritdoc/>
    public void Dispose() => Client.Dispose();

    private static async Task<Outcome<PublicKey>> FindKeyAsync(
        ServerClient client,
        KeySource? named,
        TrustedServer? trusted,
        CancellationToken cancellation
    )
    {
        var keys = await client.GetKeysAsync(cancellation);
        if (!keys.TryGet(out var shown))
        {
            return Outcome<PublicKey>.Failure(keys.Problems);
        }

        var pinned = named?.Find(shown) ?? PublicKey.Read(trusted!.PublicKey);
        return pinned.Then(key => KeyChain.Follow(shown, key));
    }
}
