using System.CommandLine;
using Elivepatch.Client.Output;
using Elivepatch.Machine;
using Elivepatch.Machine.Service;
using Elivepatch.Model;
using Elivepatch.Protocol.Manifests;
using Elivepatch.Terminal;

namespace Elivepatch.Client.Commands;

/// <summary><c>elivepatch trust</c>.</summary>
internal static class TrustCommand
{
    /// <summary>The verb.</summary>
    public static Verb Create(MachineSession session)
    {
        var server = new Option<string?>("--server") { Description = "The server.", HelpName = "URL" };
        var key = new Option<string?>("--key")
        {
            Description = "The server's key (PEM), or the identity of the key: 64 hexadecimal digits.",
            HelpName = "FILE-OR-ID",
        };
        var tokenFile = new Option<string?>("--token-file")
        {
            Description = "A file with a token to keep for later commands.",
            HelpName = "FILE",
        };
        var allowHttp = new Option<bool>("--allow-http")
        {
            Description = "Send the token even if the connection is not encrypted.",
        };
        var forget = new Option<string?>("--forget")
        {
            Description = "Stop trusting a server: delete its key and its token. Default: the only trusted server.",
            HelpName = "URL",
            Arity = ArgumentArity.ZeroOrOne,
        };
        var json = CommonOptions.Json();
        var verb = new Verb(
            "trust",
            "Pins the key of a server: from then on livepatches that it signs are trusted.",
            """
            Obtain the identity of the server's key from its operator, over a channel other than the server: `elivepatchd keys
            list` prints it. With an identity, the key itself is requested from the server; with a file, nothing is sent.

            When the operator rotates the key, the old key endorses the new one, and commands switch to it automatically.

            Key and token are kept in config.json in /var/lib/elivepatch ($ELIVEPATCH_STATE), which only root can read.

            --forget deletes both. Livepatches that were accepted from the server stay as they are: each is kept with the key that
            verified it, and is checked with that key when it is loaded at boot. Later withdrawals by that server no longer reach
            the machine, so disable what should not be trusted, or have another server build it.
            """,
            new Example(
                "elivepatch trust --server https://patches.example.org --key server.pem --token-file token",
                "Pin a key and keep a token."
            ),
            new Example(
                "elivepatch trust --forget https://patches.example.org",
                "Stop trusting a server that is gone or was compromised."
            ),
            new Example(
                "elivepatch trust --server https://patches.example.org --key 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
                "Pin a key by its identity."
            )
        )
        {
            server,
            key,
            tokenFile,
            allowHttp,
            forget,
            json,
        };
        verb.Validators.Add(result =>
        {
            var forgets = result.GetResult(forget) is not null;
            var pins = ((Option[])[server, key, tokenFile]).Any(o => result.GetResult(o) is not null);
            if (forgets && pins)
            {
                result.AddError("--forget takes the server's address, and no other option about a server");
            }
            else if (!forgets && (result.GetResult(server) is null || result.GetResult(key) is null))
            {
                result.AddError("--server and --key are required, or --forget");
            }
        });
        verb.SetAction(
            (parsed, cancellation) =>
            {
                var asJson = parsed.GetValue(json);
                return parsed.GetResult(forget) is not null
                    ? Task.FromResult(Forget(session, parsed.GetValue(forget), asJson, cancellation))
                    : RunAsync(
                        session,
                        parsed.GetRequiredValue(server)!,
                        parsed.GetRequiredValue(key)!,
                        parsed.GetValue(tokenFile),
                        parsed.GetValue(allowHttp),
                        asJson,
                        cancellation
                    );
            }
        );
        return verb;
    }

    private static int Forget(MachineSession session, string? url, bool asJson, CancellationToken cancellation)
    {
        var forgotten = Forget(session, url);
        if (!forgotten.TryGet(out var report))
        {
            return Answer.Fail(session, forgotten.Problems, asJson, cancellation);
        }

        if (asJson)
        {
            Answer.WriteJson(session, report, ClientJson.Default.ForgetReport);
            return ExitStatus.Done;
        }

        var deleted = report.HadToken ? "and the token are" : "is";
        session.Output.WriteLine($"{report.Server}: no longer trusted; its key {report.Key} {deleted} deleted");
        foreach (var name in report.Livepatches)
        {
            session.Output.WriteLine(
                Printable.Escape(
                    $"  {name} was accepted from it and stays as it is, also at boot: it is checked with the key that verified it"
                )
            );
            session.Output.WriteLine(
                Printable.Escape(
                    $"  `elivepatch disable {name}` removes it; later withdrawals by the server no longer reach this machine"
                )
            );
        }
        return ExitStatus.Done;
    }

    private static Outcome<ForgetReport> Forget(MachineSession session, string? url)
    {
        if (session.Machine.RequireRoot("trust") is { } refused)
        {
            return refused;
        }

        var (machine, state) = (session.Machine, MachineState.Of(session.Machine));
        var read = state.ReadConfig();
        if (!read.TryGet(out var config))
        {
            return Outcome<ForgetReport>.Failure(read.Problems);
        }

        return Chosen(config, url)
            .Then(server =>
            {
                if (state.Write(config.Without(server.Url)) is { } unwritten)
                {
                    return unwritten;
                }

                var key = PublicKey.Read(server.PublicKey);
                // The list may be unreadable: what is not trusted any more is forgotten all the same.
                var kernel = machine.BuildId().Then(id => state.ReadKernel(id, machine.Release));
                var accepted = kernel.TryGet(out var ledger)
                    ? ledger.Livepatches.Where(l => l.Server == server.Url).Select(l => l.Module)
                    : [];
                return (Outcome<ForgetReport>)
                    new ForgetReport(
                        server.Url,
                        key.Succeeded ? key.Value.Id : "(unreadable)",
                        server.Token is not null,
                        [.. accepted]
                    );
            });
    }

    private static Outcome<TrustedServer> Chosen(MachineConfig config, string? url)
    {
        var remedy =
            config.Servers.Count == 0
                ? "Nothing needs to be done."
                : $"Name one that is trusted: {string.Join(" or ", config.Servers.Select(s => $"`elivepatch trust --forget {s.Url}`"))}.";
        if (url is null)
        {
            return config.Servers switch
            {
                [var only] => only,
                [] => new Problem(CommandProblems.UsageInvalid, "no server is trusted", remedy),
                _ => new Problem(CommandProblems.UsageInvalid, "several servers are trusted", remedy),
            };
        }
        // An address that was pinned by hand, or by an earlier version, can be forgotten as it stands.
        var address = ServerAddress.Parse(url);
        var found = config.Find(url) ?? (address.Succeeded ? config.Find(address.Value.Url) : null);
        return found is not null ? found : new Problem(CommandProblems.UsageInvalid, $"{url} is not trusted", remedy);
    }

    private static async Task<int> RunAsync(
        MachineSession session,
        string url,
        string key,
        string? tokenFile,
        bool allowHttp,
        bool asJson,
        CancellationToken cancellation
    )
    {
        var pinned = await PinAsync(session, url, key, tokenFile, allowHttp, cancellation);
        if (!pinned.TryGet(out var report))
        {
            return Answer.Fail(session, pinned.Problems, asJson, cancellation);
        }

        if (asJson)
        {
            Answer.WriteJson(session, report, ClientJson.Default.TrustReport);
        }
        else
        {
            session.Output.WriteLine(
                $"{report.Server}: trusted with the key {report.Key}{(report.HasToken ? "; the token is kept" : "")}"
            );
        }

        return ExitStatus.Done;
    }

    private static async Task<Outcome<TrustReport>> PinAsync(
        MachineSession session,
        string url,
        string key,
        string? tokenFile,
        bool allowHttp,
        CancellationToken cancellation
    )
    {
        if (session.Machine.RequireRoot("trust") is { } refused)
        {
            return refused;
        }

        var state = MachineState.Of(session.Machine);
        var address = ServerAddress.Parse(url);
        var source = KeySource.Parse(key);
        var token = tokenFile is null ? (Outcome<string?>)(string?)null : TokenSource.Read(tokenFile, session.Variable, null);
        Problem[] problems = [.. address.Problems, .. source.Problems, .. token.Problems];
        if (problems.Length > 0)
        {
            return Outcome<TrustReport>.Failure(problems);
        }

        if (TrustedConnection.CheckEncryption(address.Value, token.Value, allowHttp) is { } readable)
        {
            return readable;
        }

        if (state.Prepare() is { } unprepared)
        {
            return unprepared;
        }

        var config = state.ReadConfig();
        if (!config.TryGet(out var known))
        {
            return Outcome<TrustReport>.Failure(config.Problems);
        }
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
        MachineSession session,
        ServerAddress address,
        string? token,
        KeySource source,
        CancellationToken cancellation
    )
    {
        using var client = new ServerClient(
            address,
            token,
            new(session.Machine.Time, session.Machine.RetryPause, _ => { }),
            session.Machine.Proxy
        );
        var shown = await client.GetKeysAsync(cancellation);
        return shown.Then(source.Find);
    }
}
