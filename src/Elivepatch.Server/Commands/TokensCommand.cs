using System.CommandLine;
using System.Globalization;
using Elivepatch.Protocol;
using Elivepatch.Protocol.Api;
using Elivepatch.Server.Security;
using Elivepatch.Server.State;
using Elivepatch.Terminal;

namespace Elivepatch.Server.Commands;

/// <summary><c>elivepatchd tokens</c>, whose verbs are about what machines and people show to the server.</summary>
internal static class TokensCommand
{
    private static readonly TimeProvider clock = TimeProvider.System;

    /// <summary>The group of verbs.</summary>
    public static Verb Create(Session session) => new(
        "tokens", "The tokens that machines and people show to the server.",
        """
        A token has scopes: submit (send kernels and builds), read (see them and fetch results), operate (tokens, cancel any build,
        remove kernels), work (a builder's), report (say how a machine is). A machine needs submit, read and report. The server keeps a digest of the secret and nothing
        else. These verbs work on the state directly, whether the server runs or not: run them as its user.
        """)
    {
        CreateList(session),
        CreateMake(session),
        CreateRevoke(session),
    };

    private static Verb CreateList(Session session)
    {
        var json = ConfigurationOptions.Json();
        var verb = new Verb(
            "list", "Lists the tokens, newest first.", "Times are UTC; the last use is kept to the minute.",
            new Example("elivepatchd tokens list", "Show who has a token and when it was last used."),
            new Example(
                "elivepatchd tokens list --json | jq -r '.[] | select(.lastUsed == null).id'", "Give the ids of those that were never used to a script."))
        {
            json,
        };
        var configuration = ConfigurationOptions.AddState(verb);
        verb.SetAction(async (parsed, cancellation) =>
        {
            var asJson = parsed.GetValue(json);
            var opened = await configuration.OpenDatabaseAsync(parsed, session, cancellation);
            if (!opened.TryGet(out var database))
                return Answer.Fail(session, opened.Problems, asJson);
            IReadOnlyList<TokenView> tokens = [.. (await new TokenTable(database).ListAsync(cancellation)).Select(IssueToken.View)];
            if (asJson)
                Answer.WriteJson(session, tokens, ProtocolJson.Default.IReadOnlyListTokenView);
            else
                WriteList(session.Output, tokens);
            return ExitStatus.Done;
        });
        return verb;
    }

    private static Verb CreateMake(Session session)
    {
        var name = new Argument<string>("NAME") { Description = "Who or what will have it." };
        var scopes = new Option<string[]>("--scope")
        {
            Description = $"What it may do: {string.Join(", ", TokenScopes.All)}; several times for several. Default: submit, read and report.",
            HelpName = "SCOPE",
        };
        var days = new Option<int?>("--days") { Description = "Days until it ends. Default: it does not.", HelpName = "DAYS" };
        var json = ConfigurationOptions.Json();
        var verb = new Verb(
            "create", "Makes a token and prints its secret, this once.", "",
            new Example("elivepatchd tokens create web-17 --days 365", "A token for a machine: it may submit, read and report."),
            new Example("elivepatchd tokens create monitoring --scope read", "A token that changes nothing."))
        {
            name, scopes, days, json,
        };
        var configuration = ConfigurationOptions.AddState(verb);
        verb.SetAction(async (parsed, cancellation) =>
        {
            var asJson = parsed.GetValue(json);
            var opened = await configuration.OpenDatabaseAsync(parsed, session, cancellation);
            if (!opened.TryGet(out var database))
                return Answer.Fail(session, opened.Problems, asJson);
            var request = new TokenRequest(
                parsed.GetRequiredValue(name),
                parsed.GetValue(scopes) is { Length: > 0 } given ? given : [TokenScopes.Submit, TokenScopes.Read, TokenScopes.Report],
                parsed.GetValue(days));
            var issued = await IssueToken.RunAsync(new(database), request, clock.GetUtcNow(), cancellation);
            if (!issued.TryGet(out var made))
                return Answer.Fail(session, issued.Problems, asJson);
            await NoteAsync(database, "tokens create", made.Token.Id, cancellation);
            if (asJson)
                Answer.WriteJson(session, made, ProtocolJson.Default.NewToken);
            else
                session.Output.WriteLine(made.Secret);
            return ExitStatus.Done;
        });
        return verb;
    }

    private static Verb CreateRevoke(Session session)
    {
        var id = new Argument<string>("ID") { Description = "The token's id, as `elivepatchd tokens list` shows it." };
        var json = ConfigurationOptions.Json();
        var verb = new Verb(
            "revoke", "Revokes a token; two seconds later no server takes it any more.", "Builds that it asked for go on.",
            new Example("elivepatchd tokens revoke 3f0c9a51be7724d8", "Take the token from whoever has it."))
        {
            id, json,
        };
        var configuration = ConfigurationOptions.AddState(verb);
        verb.SetAction(async (parsed, cancellation) =>
        {
            var asJson = parsed.GetValue(json);
            var opened = await configuration.OpenDatabaseAsync(parsed, session, cancellation);
            if (!opened.TryGet(out var database))
                return Answer.Fail(session, opened.Problems, asJson);
            var token = parsed.GetRequiredValue(id);
            if (!await new TokenTable(database).RevokeAsync(token, clock.GetUtcNow(), cancellation))
                return Answer.Fail(session, [new(ServerProblems.TokenUnknown, $"no token has the id {token}")], asJson);
            await NoteAsync(database, "tokens revoke", token, cancellation);
            if (asJson)
                Answer.WriteJson(session, [token], ProtocolJson.Default.IReadOnlyListString);
            else
                session.Output.WriteLine($"revoked {token}");
            return ExitStatus.Done;
        });
        return verb;
    }

    private static void WriteList(TextWriter output, IReadOnlyList<TokenView> tokens) => Columns.Write(
        output,
        [
            ["ID", "NAME", "SCOPES", "MADE", "ENDS", "LAST USED", ""],
            .. tokens.Select(t => new[]
            {
                t.Id, t.Name, string.Join(',', t.Scopes), Day(t.Created), Day(t.Expires), Minute(t.LastUsed),
                t.Revoked is not null ? "revoked" : t.Expires <= clock.GetUtcNow() ? "expired" : "",
            }),
        ],
        indent: 0);

    private static Task NoteAsync(Database database, string action, string subject, CancellationToken cancellation) =>
        new AuditTable(database, clock).AddAsync(
            new("", default, "", Environment.UserName, "command", action, subject, 0), cancellation);

    private static string Day(DateTimeOffset? time) =>
        time?.UtcDateTime.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture) ?? "never";

    private static string Minute(DateTimeOffset? time) =>
        time?.UtcDateTime.ToString("yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture) ?? "never";
}
