// In: what came over the network, and what the machine knows by itself: the key that it pinned, the kernel that it runs, what it
// asked for, what it has accepted before. Out: the statement, which may be believed; or why not. Nothing of the payload is read
// before the signature holds.

using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using Elivepatch.Model;
using Elivepatch.Model.Statements;

namespace Elivepatch.Protocol.Manifests;

/// <summary>What a machine knows by itself when it checks a manifest.</summary>
public sealed record ManifestExpectation
{
    /// <summary>The key that it pinned.</summary>
    public required PublicKey Key { get; init; }

    /// <summary>Build-id of the kernel that it runs, hexadecimal.</summary>
    public required string BuildId { get; init; }

    /// <summary>The patches that it asked for, in order; null where it asked for none (a file from elsewhere).</summary>
    public IReadOnlyList<PatchReference>? Patches { get; init; }

    /// <summary>The statements that it asked with, in order; null where it asked for none (a file from elsewhere).</summary>
    public IReadOnlyList<AuthorStatement>? Statements { get; init; }

    /// <summary>When the newest manifest was issued that it has accepted for this kernel; null for none.</summary>
    public DateTimeOffset? NewestAccepted { get; init; }

    /// <summary>Its clock; null where age does not matter: at boot, for what was accepted earlier.</summary>
    public DateTimeOffset? Now { get; init; }
}

/// <summary>Decides whether a machine may believe a manifest, and the module that it is about.</summary>
public static class ManifestCheck
{
    // Clocks of two machines differ; more than this is a clock that is wrong.
    private static readonly TimeSpan clockTolerance = TimeSpan.FromMinutes(10);

    /// <summary>Checks a manifest and its module.</summary>
    /// <param name="manifest">The envelope as JSON.</param>
    /// <param name="module">The module's bytes.</param>
    /// <param name="expectation">What the machine knows by itself.</param>
    public static Outcome<Statement> Run(ReadOnlySpan<byte> manifest, ReadOnlySpan<byte> module, ManifestExpectation expectation)
    {
        var digest = Convert.ToHexStringLower(SHA256.HashData(module));
        return Open(manifest, expectation.Key)
            .Then<Statement>(statement => Refusal(statement, digest, expectation) is { } problem ? problem : statement);
    }

    /// <summary>Opens an envelope that the key has signed, without a look at what it says.</summary>
    public static Outcome<Statement> Open(ReadOnlySpan<byte> manifest, PublicKey key)
    {
        if (manifest.Length > Envelope.LargestFile)
        {
            return new Problem(TrustProblems.ManifestUnreadable, $"it has {manifest.Length >> 20} MiB");
        }

        try
        {
            if (
                JsonSerializer.Deserialize(manifest, ManifestJson.Default.Envelope)
                    is not { PayloadType: { } type, Payload: { } payload, Signatures: { } signatures } envelope
                || signatures.Any(s => s is not { Sig: not null })
            )
            {
                return new Problem(TrustProblems.ManifestUnreadable, "it is not an envelope");
            }

            if (!key.HasSigned(envelope))
            {
                return new Problem(
                    TrustProblems.SignatureWrong,
                    $"none of its {signatures.Count} signatures is by the pinned key {key.Id}"
                );
            }

            return
                type == Statement.PayloadType
                && JsonSerializer.Deserialize(payload, ManifestJson.Default.Statement) is { } statement
                ? statement
                : new Problem(TrustProblems.ManifestUnreadable, $"its payload is {type}");
        }
        catch (JsonException e)
        {
            return new Problem(TrustProblems.ManifestUnreadable, e.Message);
        }
    }

    private static Problem? Refusal(Statement statement, string digest, ManifestExpectation expectation)
    {
        if (
            statement
            is not {
                Type: Statement.StatementType,
                PredicateType: Statement.ProvenanceType,
                Subject: [{ Digest.Sha256: { } subject }],
                Predicate:
                {
                    BuildDefinition: { BuildType: BuildDefinition.LivepatchType, ExternalParameters: { } asked },
                    Validity: { } validity
                },
            }
        )
        {
            return new(TrustProblems.ManifestUnreadable, "it is not about one livepatch");
        }

        if (subject != digest)
        {
            return new(TrustProblems.ArtifactChanged, $"the module's SHA-256 is {digest}, the manifest is about {subject}");
        }

        if (asked.BuildId != expectation.BuildId)
        {
            return new(
                TrustProblems.ArtifactForOtherKernel,
                $"it is for {asked.Release} with build-id {asked.BuildId}; build-id {expectation.BuildId} runs here"
            );
        }

        if (
            expectation.Patches is { } patches
            && !patches.Select(p => p.Sha256).SequenceEqual((asked.Patches ?? []).Select(p => p.Sha256))
        )
        {
            return new(
                TrustProblems.ArtifactOfOtherPatches,
                $"it makes {Names(asked.Patches ?? [])} live, but {Names(patches)} was requested"
            );
        }

        if (expectation.Statements is { } statements && !statements.SequenceEqual(asked.Statements ?? []))
        {
            return new(TrustProblems.ArtifactOfOtherPatches, "it was built with other statements than were requested");
        }

        return Age(validity, expectation);
    }

    private static Problem? Age(Validity validity, ManifestExpectation expectation)
    {
        if (expectation.NewestAccepted is { } newest && validity.IssuedOn < newest)
        {
            return RolledBack(validity.IssuedOn, newest, expectation.Now);
        }

        if (expectation.Now is not { } now)
        {
            return null;
        }

        if (now > validity.ExpiresOn)
        {
            return new(TrustProblems.ManifestExpired, $"it ended {Text(validity.ExpiresOn)}, and the clock says {Text(now)}");
        }

        return validity.IssuedOn - now > clockTolerance
            ? new(TrustProblems.ManifestFromFuture, $"it was issued {Text(validity.IssuedOn)}, and the clock says {Text(now)}")
            : null;
    }

    // What was accepted from the future was accepted by a clock that was wrong. Whoever can set clocks could make that up to have
    // an old manifest accepted, so it is told, and decided by whoever knows.
    private static Problem RolledBack(DateTimeOffset issued, DateTimeOffset newest, DateTimeOffset? now)
    {
        var reason = $"it was issued {Text(issued)}; one of {Text(newest)} has been accepted";
        return now is { } clock && newest - clock > clockTolerance
            ? new(
                TrustProblems.ManifestRolledBack,
                $"{reason}, and the clock says {Text(clock)}: it is behind now, or was ahead then",
                "Set the clock; if it was ahead then, `elivepatch patch --accept-older` starts over."
            )
            : new(TrustProblems.ManifestRolledBack, reason);
    }

    private static string Names(IReadOnlyList<PatchReference> patches) =>
        patches.Count == 0
            ? "nothing"
            : string.Join(", ", patches.Select(p => $"{p.Name} ({(p.Sha256.Length > 12 ? p.Sha256[..12] : p.Sha256)})"));

    private static string Text(DateTimeOffset time) =>
        time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);
}
