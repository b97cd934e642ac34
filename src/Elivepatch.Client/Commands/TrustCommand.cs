using System.CommandLine;
using Elivepatch.Client.Machine;
using Elivepatch.Client.Output;
using Elivepatch.Client.Service;
using Elivepatch.Engine;
using Elivepatch.Protocol.Manifests;
using Elivepatch.Terminal;

namespace Elivepatch.Client.Commands;

/// <summary><c>elivepatch trust</c>.</summary>
internal static class TrustCommand
{
    /// <summary>The verb.</summary>
    public static Verb Create(Session session)
    {
        var server = new Option<string>("--server") { Description = "The server.", HelpName = "URL", Required = true };
        var key = new Option<string>("--key") { Description = "Its key (PEM), or the key's identity: 64 digits.", HelpName = "FILE-OR-ID", Required = true };
        var tokenFile = new Option<string?>("--token-file") { Description = "A file with a token, to be kept for later commands.", HelpName = "FILE" };
        var allowHttp = new Option<bool>("--allow-http") { Description = "Send the token although the connection is not encrypted." };
        var json = CommonOptions.Json();
        var verb = new Verb(
            "trust", "Pins the key of a server: from then on livepatches that it signs are believed.",
            """
            The operator tells the identity of the server's key on another way than through the server: `elivepatchd keys list` prints
            it. With an identity the key itself is asked from the server; with a file nothing is sent.

            When the operator rotates the key, the old one endorses the new one, and commands go over to it by themselves.

            Key and token are kept in config.json of /var/lib/elivepatch ($ELIVEPATCH_STATE), which root alone can read.
            """,
            new Example(
                "elivepatch trust --server https://patches.example.org --key server.pem --token-file token",
                "Pin a key and keep a token."),
            new Example(
                "elivepatch trust --server https://patches.example.org --key 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", "Pin a key by its identity."))
        {
            server, key, tokenFile, allowHttp, json,
        };
        verb.SetAction((parsed, cancellation) => RunAsync(
            session, parsed.GetRequiredValue(server), parsed.GetRequiredValue(key), parsed.GetValue(tokenFile), parsed.GetValue(allowHttp), parsed.GetValue(json), cancellation));
        return verb;
    }

    private static async Task<int> RunAsync(
        Session session, string url, string key, string? tokenFile, bool allowHttp, bool asJson, CancellationToken cancellation)
    {
        var pinned = await PinAsync(session, url, key, tokenFile, allowHttp, cancellation);
        if (!pinned.TryGet(out var report))
            return Answer.Fail(session, pinned.Problems, asJson, cancellation);
        if (asJson)
            Answer.WriteJson(session, report, ClientJson.Default.TrustReport);
        else
            session.Output.WriteLine(
                $"{report.Server}: trusted with the key {report.Key}{(report.HasToken ? "; the token is kept" : "")}");
        return ExitStatus.Done;
    }

    private static async Task<Outcome<TrustReport>> PinAsync(
        Session session, string url, string key, string? tokenFile, bool allowHttp, CancellationToken cancellation)
    {
        if (session.Machine.RequireRoot("trust") is { } refused)
            return refused;
        var state = MachineState.Of(session);
        var address = ServerAddress.Parse(url);
        var source = KeySource.Parse(key);
        var token = tokenFile is null ? (Outcome<string?>)(string?)null : TokenSource.Read(tokenFile, session.Variable, null);
        Problem[] problems = [.. address.Problems, .. source.Problems, .. token.Problems];
        if (problems.Length > 0)
            return Outcome<TrustReport>.Failure(problems);
        if (TrustedConnection.RefuseReadable(address.Value, token.Value, allowHttp) is { } readable)
            return readable;
        if (state.Prepare() is { } unprepared)
            return unprepared;
        var config = state.ReadConfig();
        if (!config.TryGet(out var known))
            return Outcome<TrustReport>.Failure(config.Problems);
        // A server that was trusted before keeps its token where no other is given.
        var kept = token.Value ?? known.Find(address.Value.Url)?.Token;
        var found = source.Value.Key is { } named
            ? named
            : await AskAsync(session, address.Value, kept, source.Value, cancellation);
        return found.Then<TrustReport>(trusted =>
        {
            var server = new TrustedServer
            {
                Url = address.Value.Url,
                PublicKey = trusted.Pem,
                Pinned = session.Machine.Time.GetUtcNow(),
                Token = kept,
                AllowsHttp = allowHttp,
            };
            return state.Write(known.With(server)) is { } unwritten
                ? unwritten
                : new TrustReport(server.Url, trusted.Id, kept is not null);
        });
    }

    private static async Task<Outcome<PublicKey>> AskAsync(
        Session session, ServerAddress address, string? token, KeySource source, CancellationToken cancellation)
    {
        using var client = new ServerClient(address, token, new(session.Machine.Time, session.Machine.RetryPause, _ => { }));
        var shown = await client.KeysAsync(cancellation);
        return shown.Then(source.Find);
    }
}
