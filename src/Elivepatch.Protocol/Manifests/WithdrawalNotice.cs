using System.Text.Json;
using Elivepatch.Model;

namespace Elivepatch.Protocol.Manifests;

/// <summary>
/// A server's notice about a module that it has withdrawn. It is the payload of an envelope, so that nobody on the network can
/// make a machine give up a livepatch. A withdrawal does not expire; a manifest that is issued later cancels it.
/// </summary>
/// <param name="Module">Name of the module.</param>
/// <param name="Sha256">SHA-256 of the module, hexadecimal.</param>
/// <param name="BuildId">Build-id of the kernel that it is for, hexadecimal.</param>
/// <param name="Withdrawn">When it was withdrawn.</param>
/// <param name="Problems">The rules that it breaks.</param>
public sealed record WithdrawalNotice(
    string Module,
    string Sha256,
    string BuildId,
    DateTimeOffset Withdrawn,
    IReadOnlyList<ProblemReport> Problems
)
{
    /// <summary>The payload's media type.</summary>
    public const string PayloadType = "application/vnd.elivepatch.withdrawal+json";

    private const int MostProblems = 100;

    /// <summary>Opens a notice if one of the keys has signed it; nothing in it is read before that.</summary>
    public static Outcome<WithdrawalNotice> Open(Envelope? envelope, IReadOnlyList<PublicKey> keys)
    {
        if (
            envelope is not { PayloadType: PayloadType, Payload: not null, Signatures: { } signatures }
            || signatures.Any(s => s is not { Sig: not null })
        )
        {
            return new Problem(TrustProblems.ManifestUnreadable, "a notice of withdrawal is not an envelope");
        }

        if (!keys.Any(k => k.HasSigned(envelope)))
        {
            return new Problem(
                TrustProblems.SignatureWrong,
                "a notice of withdrawal is not signed by a key that is trusted here, and is ignored"
            );
        }

        try
        {
            return
                JsonSerializer.Deserialize(envelope.Payload, ManifestJson.Default.WithdrawalNotice)
                    is {
                        Module: not null,
                        Sha256: not null,
                        BuildId: not null,
                        Problems: { Count: <= MostProblems } problems
                    } notice
                && problems.All(p => p is { Code: not null, Title: not null, Reason: not null, Remedy: not null })
                ? notice
                : new Problem(TrustProblems.ManifestUnreadable, "parts of a notice of withdrawal are missing");
        }
        catch (JsonException e)
        {
            return new Problem(TrustProblems.ManifestUnreadable, e.Message);
        }
    }
}
