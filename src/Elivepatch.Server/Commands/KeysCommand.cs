using System.Globalization;
using Elivepatch.Protocol.Api;
using Elivepatch.Protocol.Manifests;
using Elivepatch.Server.Signing;
using Elivepatch.Terminal;

namespace Elivepatch.Server.Commands;

/// <summary><c>elivepatchd keys</c>, whose verbs are about the keys that manifests are signed with.</summary>
internal static class KeysCommand
{
    /// <summary>The group of verbs.</summary>
    public static Verb Create(Session session) =>
        new(
            "keys",
            "Manages the keys with which manifests are signed.",
            """
            The first start creates a key. A machine pins the key's identity and trusts what is signed with it. Each key but the
            current one has endorsed the next, so that a machine follows a rotation automatically. Private keys stay in the key
            directory.
            """
        )
        {
            CreateList(session),
            CreateRotate(session),
            CreateExport(session),
        };

    private static Verb CreateList(Session session)
    {
        var json = ConfigurationOptions.Json();
        var verb = new Verb(
            "list",
            "Lists the public keys, newest first.",
            "The identity is the SHA-256 of the public key (DER). It is what a machine pins.",
            new Example("elivepatchd keys list", "Show the identities, and which key signs now.")
        )
        {
            json,
        };
        var configuration = ConfigurationOptions.AddKeys(verb);
        verb.SetAction(
            async (parsed, cancellation) =>
            {
                var asJson = parsed.GetValue(json);
                var opened = await configuration.OpenKeysAsync(parsed, session, cancellation);
                if (!opened.TryGet(out var state))
                {
                    return Answer.Fail(session, opened.Problems, asJson);
                }

                if (asJson)
                {
                    Answer.WriteJson(session, state.Keys.List(), ProtocolJson.Default.IReadOnlyListKeyView);
                }
                else
                {
                    WriteList(session.Output, state.Keys.List());
                }

                return ExitStatus.Done;
            }
        );
        return verb;
    }

    private static void WriteList(TextWriter output, IReadOnlyList<KeyView> keys) =>
        Columns.Write(
            output,
            [
                ["MADE", "SIGNS", "IDENTITY"],
                .. keys.Reverse()
                    .Select(k =>
                        new[]
                        {
                            k.Created.UtcDateTime.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture),
                            k.IsCurrent ? "yes" : "no",
                            k.Id,
                        }
                    ),
            ],
            indent: 0
        );

    private static Verb CreateRotate(Session session)
    {
        var json = ConfigurationOptions.Json();
        var verb = new Verb(
            "rotate",
            "Creates a new key, which the present one endorses.",
            "Machines that pinned any earlier key follow. If a private key has leaked, that is not enough: "
                + "they have to pin the new one by hand.",
            new Example("elivepatchd keys rotate", "Sign with a new key from now on.")
        )
        {
            json,
        };
        var configuration = ConfigurationOptions.AddKeys(verb);
        verb.SetAction(
            async (parsed, cancellation) =>
            {
                var asJson = parsed.GetValue(json);
                var opened = await configuration.OpenKeysAsync(parsed, session, cancellation);
                if (!opened.TryGet(out var state))
                {
                    return Answer.Fail(session, opened.Problems, asJson);
                }

                var made = state.Keys.Rotate();
                if (await RegisteredKeys.ReconcileAsync(state.Keys, state.Database, cancellation) is { } differs)
                {
                    return Answer.Fail(session, [differs], asJson);
                }

                if (asJson)
                {
                    Answer.WriteJson(session, made, ProtocolJson.Default.KeyView);
                }
                else
                {
                    session.Output.WriteLine($"signs from now on: {made.Id}");
                }

                return ExitStatus.Done;
            }
        );
        return verb;
    }

    private static Verb CreateExport(Session session)
    {
        var verb = new Verb(
            "export",
            "Prints the public key that signs now, PEM.",
            "",
            new Example(
                "elivepatchd keys export > elivepatch.pub",
                "Export the key, to give it to machines over a channel other than the server."
            )
        );
        var configuration = ConfigurationOptions.AddKeys(verb);
        verb.SetAction(
            async (parsed, cancellation) =>
            {
                var opened = await configuration.OpenKeysAsync(parsed, session, cancellation);
                if (!opened.TryGet(out var state))
                {
                    return Answer.Fail(session, opened.Problems);
                }

                session.Output.Write(state.Keys.Current.Pem);
                return ExitStatus.Done;
            }
        );
        return verb;
    }
}
