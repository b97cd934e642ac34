using System.CommandLine;
using Elivepatch.Client.Output;
using Elivepatch.Machine;
using Elivepatch.Machine.Service;
using Elivepatch.Model;
using Elivepatch.Model.Files;
using Elivepatch.Protocol;
using Elivepatch.Protocol.Captures;
using Elivepatch.Protocol.Manifests;
using Elivepatch.Terminal;

namespace Elivepatch.Client.Commands;

/// <summary><c>elivepatch verify</c>.</summary>
internal static class VerifyCommand
{
    /// <summary>The verb.</summary>
    public static Verb Create(MachineSession session)
    {
        var file = new Argument<string>("FILE.ko") { Description = "A livepatch module." };
        var manifest = new Option<string?>("--manifest")
        {
            Description = $"Its manifest. Default: FILE.ko{ManifestFile.Ending}.",
            HelpName = "FILE",
        };
        var key = new Option<string?>("--key")
        {
            Description = "The server's key. Default: that of any trusted server.",
            HelpName = "FILE",
        };
        var buildId = new Option<string?>("--build-id")
        {
            Description = "The kernel that it must be for. Default: the running kernel.",
            HelpName = "BUILD-ID",
        };
        var json = CommonOptions.Json();
        var verb = new Verb(
            "verify",
            "Checks whether a livepatch can be trusted (signature, kernel, age), and shows what it was made from.",
            """
            Checks what `elivepatch patch` checks before it loads, without loading: the manifest is signed by a trusted key, the
            module is the one that it describes, unchanged and for this kernel, and the manifest has not expired. A module that
            the machine knows to be withdrawn is not accepted (only root can read the list of withdrawals).

            Exit status: 0 it can be trusted, 4 it cannot.
            """,
            new Example("elivepatch verify fix.ko", "Verify what `elivepatch patch --no-load` wrote."),
            new Example("elivepatch verify fix.ko --key server.pem --build-id 4b1b...", "Verify it for another machine.")
        )
        {
            file,
            manifest,
            key,
            buildId,
            json,
        };
        verb.SetAction(
            (parsed, cancellation) =>
                Task.FromResult(
                    Run(
                        session,
                        parsed.GetRequiredValue(file),
                        parsed.GetValue(manifest),
                        parsed.GetValue(key),
                        parsed.GetValue(buildId),
                        parsed.GetValue(json),
                        cancellation
                    )
                )
        );
        return verb;
    }

    private static int Run(
        MachineSession session,
        string path,
        string? manifestPath,
        string? key,
        string? buildId,
        bool asJson,
        CancellationToken cancellation
    )
    {
        var module = InputFile.Read(path);
        var manifest = InputFile.Read(manifestPath ?? ManifestFile.PathFor(path));
        var keys = Keys(session, key);
        var kernel =
            buildId is null ? session.Machine.BuildId()
            : BuildId.Parse(buildId) is { } given ? given.Hex
            : new Problem(CommandProblems.UsageInvalid, $"'{buildId}' is not a build-id");
        Problem[] problems = [.. module.Problems, .. manifest.Problems, .. keys.Problems, .. kernel.Problems];
        if (problems.Length > 0)
        {
            return Answer.Fail(session, problems, asJson, cancellation);
        }

        // The key that signed it is tried first with all that follows; the others can only say that they did not.
        var signer = keys.Value.FirstOrDefault(k => ManifestCheck.Open(manifest.Value, k).Succeeded) ?? keys.Value[0];
        var expectation = new ManifestExpectation
        {
            Key = signer,
            BuildId = kernel.Value,
            Now = session.Machine.Time.GetUtcNow(),
        };
        var verified = ManifestCheck.Run(manifest.Value, module.Value, expectation);
        if (!verified.TryGet(out var statement))
        {
            return Answer.Fail(session, verified.Problems, asJson, cancellation);
        }

        if (CheckWithdrawn(session, kernel.Value, statement) is { } withdrawn)
        {
            return Answer.Fail(session, [withdrawn], asJson, cancellation);
        }

        var report = VerifyReport.Of(path, signer.Id, statement);
        if (asJson)
        {
            Answer.WriteJson(session, report, ClientJson.Default.VerifyReport);
        }
        else
        {
            VerifyText.Write(session.Output, report);
        }

        return ExitStatus.Done;
    }

    // Others than root see the signature alone: the machine's list is not theirs to read.
    private static Problem? CheckWithdrawn(MachineSession session, string buildId, Statement statement)
    {
        var state = MachineState.Of(session.Machine);
        if (state.IsHidden)
        {
            return null;
        }

        var known = state.ReadWithdrawals(buildId);
        return known.TryGet(out var withdrawals)
            ? withdrawals.Find(statement.Subject[0].Digest.Sha256, statement.Predicate.Validity.IssuedOn)?.ToProblem()
            : known.Problems[0];
    }

    private static Outcome<IReadOnlyList<PublicKey>> Keys(MachineSession session, string? named)
    {
        if (named is not null)
        {
            return KeySource
                .Parse(named)
                .Then<IReadOnlyList<PublicKey>>(source =>
                    source.Key is { } key
                        ? (PublicKey[])[key]
                        : new Problem(
                            CommandProblems.UsageInvalid,
                            "an identity is not enough, because no server is asked",
                            "Name the file with the key."
                        )
                );
        }
        return MachineState
            .Of(session.Machine)
            .ReadConfig()
            .Then<IReadOnlyList<PublicKey>>(config =>
            {
                PublicKey[] keys =
                [
                    .. config.Servers.Select(s => PublicKey.Read(s.PublicKey)).Where(k => k.Succeeded).Select(k => k.Value),
                ];
                return keys.Length > 0
                    ? keys
                    : new Problem(
                        TrustProblems.KeyNotTrusted,
                        "no key is pinned here",
                        "Name the server's key with --key FILE, or pin it with `elivepatch trust`."
                    );
            });
    }
}
