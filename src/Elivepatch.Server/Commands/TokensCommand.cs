using System.CommandLine;
using System.Globalization;
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
    public static Verb Create(Session session) =>
        new(
            "tokens",
            "Manages the tokens with which machines and people authenticate.",
            """
            A token has scopes: submit (send kernels and builds), read (view them and fetch results), operate (manage tokens,
            cancel any build, remove kernels), work (run builds as a worker), report (report the status of a machine). A machine
            needs submit, read and report. The server stores only a digest of the secret. These verbs work on the state directly,
            whether the server runs or not: run them as its user.
            """
        )
        {
            CreateList(session),
            CreateMake(session),
            CreateRevoke(session),
        };

    private static Verb CreateList(Session session)
    {
        var json = ConfigurationOptions.Json();
        var verb = new Verb(
            "list",
            "Lists the tokens, newest first.",
            "Times are UTC; the last use is kept to the minute.",
            new Example("elivepatchd tokens list", "Show who has a token and when it was last used."),
            new Example(
                "elivepatchd tokens list --json | jq -r '.[] | select(.lastUsed == null).id'",
                "Print the IDs of tokens that were never used, for a script."
            )
        )
        {
            json,
        };
        var configuration = ConfigurationOptions.AddState(verb);
        verb.SetAction(
            async (parsed, cancellation) =>
            {
                var asJson = parsed.GetValue(json);
                var opened = await configuration.OpenDatabaseAsync(parsed, session, cancellation);
                if (!opened.TryGet(out var database))
                {
                    return Answer.Fail(session, opened.Problems, asJson);
                }

                IReadOnlyList<TokenView> tokens =
                [
                    .. (await new TokenTable(database).ListAsync(cancellation)).Select(TokenIssuer.View),
                ];
                if (asJson)
                {
                    Answer.WriteJson(session, tokens, ProtocolJson.Default.IReadOnlyListTokenView);
                }
                else
                {
                    WriteList(session.Output, tokens);
                }

                return ExitStatus.Done;
            }
        );
        return verb;
    }

    private static Verb CreateMake(Session session)
    {
        var name = new Argument<string>("NAME") { Description = "The owner of the token: a machine, a service or a person." };
        var scopes = new Option<string[]>("--scope")
        {
            Description =
                $"What it permits: {string.Join(", ", TokenScopes.All)}; may be repeated. Default: submit, read and report.",
            HelpName = "SCOPE",
        };
        var days = new Option<int?>("--days") { Description = "Days until it expires. Default: never.", HelpName = "DAYS" };
        var json = ConfigurationOptions.Json();
        var verb = new Verb(
            "create",
            "Creates a token and prints its secret, only this once.",
            "",
            new Example(
                "elivepatchd tokens create web-17 --days 365",
                "Create a token for a machine: it may submit, read and report."
            ),
            new Example("elivepatchd tokens create monitoring --scope read", "Create a read-only token.")
        )
        {
            name,
            scopes,
            days,
            json,
        };
        var configuration = ConfigurationOptions.AddState(verb);
        verb.SetAction(
            async (parsed, cancellation) =>
            {
                var asJson = parsed.GetValue(json);
                var opened = await configuration.OpenDatabaseAsync(parsed, session, cancellation);
                if (!opened.TryGet(out var database))
                {
                    return Answer.Fail(session, opened.Problems, asJson);
                }

                var request = new TokenRequest(
                    parsed.GetRequiredValue(name),
                    parsed.GetValue(scopes) is { Length: > 0 } given
                        ? given
                        : [TokenScopes.Submit, TokenScopes.Read, TokenScopes.Report],
                    parsed.GetValue(days)
                );
                var issued = await TokenIssuer.IssueAsync(new(database), request, clock.GetUtcNow(), cancellation);
                if (!issued.TryGet(out var made))
                {
                    return Answer.Fail(session, issued.Problems, asJson);
                }

                await NoteAsync(database, "tokens create", made.Token.Id, cancellation);
                if (asJson)
                {
                    Answer.WriteJson(session, made, ProtocolJson.Default.NewToken);
                }
                else
                {
                    session.Output.WriteLine(made.Secret);
                }

                return ExitStatus.Done;
            }
        );
        return verb;
    }

    private static Verb CreateRevoke(Session session)
    {
        var id = new Argument<string>("ID") { Description = "The token's ID, as shown by `elivepatchd tokens list`." };
        var json = ConfigurationOptions.Json();
        var verb = new Verb(
            "revoke",
            "Revokes a token; after two seconds no server accepts it any more.",
            "Builds that it requested continue.",
            new Example("elivepatchd tokens revoke 3f0c9a51be7724d8", "Revoke the token.")
        )
        {
            id,
            json,
        };
        var configuration = ConfigurationOptions.AddState(verb);
        verb.SetAction(
            async (parsed, cancellation) =>
            {
                var asJson = parsed.GetValue(json);
                var opened = await configuration.OpenDatabaseAsync(parsed, session, cancellation);
                if (!opened.TryGet(out var database))
                {
                    return Answer.Fail(session, opened.Problems, asJson);
                }

                var token = parsed.GetRequiredValue(id);
                if (!await new TokenTable(database).RevokeAsync(token, clock.GetUtcNow(), cancellation))
                {
                    return Answer.Fail(session, [new(ServerProblems.TokenUnknown, $"no token has the ID {token}")], asJson);
                }

                await NoteAsync(database, "tokens revoke", token, cancellation);
                if (asJson)
                {
                    Answer.WriteJson(session, [token], ProtocolJson.Default.IReadOnlyListString);
                }
                else
                {
                    session.Output.WriteLine($"revoked {token}");
                }

                return ExitStatus.Done;
            }
        );
        return verb;
    }

    private static void WriteList(TextWriter output, IReadOnlyList<TokenView> tokens) =>
        Columns.Write(
            output,
            [
                ["ID", "NAME", "SCOPES", "MADE", "ENDS", "LAST USED", ""],
                .. tokens.Select(t =>
                    new[]
                    {
                        t.Id,
                        t.Name,
                        string.Join(',', t.Scopes),
                        Day(t.Created),
                        Day(t.Expires),
                        Minute(t.LastUsed),
                        t.Revoked is not null ? "revoked"
                        : t.Expires <= clock.GetUtcNow() ? "expired"
                        : "",
                    }
                ),
            ],
            indent: 0
        );

    private static Task NoteAsync(Database database, string action, string subject, CancellationToken cancellation) =>
        new AuditTable(database, clock).AddAsync(
            new("", default, "", Environment.UserName, "command", action, subject, 0),
            cancellation
        );

    private static string Day(DateTimeOffset? time) =>
        time?.UtcDateTime.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture) ?? "never";

    private static string Minute(DateTimeOffset? time) =>
        time?.UtcDateTime.ToString("yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture) ?? "never";
}
