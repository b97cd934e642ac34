// In: the keys that a server shows, and the one that a machine pinned. Out: the key that the server signs with now, reached from
// the pinned one by endorsements, each signed by the key before; or why there is no such way.

using System.Text.Json;
using Elivepatch.Model;

namespace Elivepatch.Protocol.Manifests;

/// <summary>Goes over from a pinned key to the one that signs now.</summary>
public static class KeyChain
{
    /// <summary>The current key, if the pinned one leads to it.</summary>
    public static Outcome<PublicKey> Follow(IReadOnlyList<KeyView> shown, PublicKey pinned)
    {
        var at = pinned;
        // Every step uses up one key.
        for (var steps = 0; steps <= shown.Count; steps++)
        {
            if (shown.FirstOrDefault(k => k.Id == at.Id) is not { } view)
            {
                return NoWay($"the server does not show the key {at.Id}");
            }

            if (view.IsCurrent)
            {
                return at;
            }

            var next = Next(view, at);
            if (!next.TryGet(out var key))
            {
                return next;
            }

            at = key;
        }

        return NoWay("its keys endorse each other in a circle");
    }

    private static Outcome<PublicKey> Next(KeyView view, PublicKey key)
    {
        try
        {
            if (
                view.Endorsement
                    is not { PayloadType: KeyEndorsement.PayloadType, Payload: not null, Signatures: not null } envelope
                || !key.HasSigned(envelope)
            )
            {
                return NoWay($"the key {key.Id} has not endorsed another");
            }

            return
                JsonSerializer.Deserialize(envelope.Payload, ManifestJson.Default.KeyEndorsement)
                    is { NextPublicKey: { } pem, NextKeyId: { } id } said
                && said.KeyId == key.Id
                ? PublicKey
                    .Read(pem)
                    .Then(next => next.Id == id ? next : (Outcome<PublicKey>)NoWay("an endorsement contradicts itself"))
                : NoWay("an endorsement is of another key");
        }
        catch (JsonException)
        {
            return NoWay("an endorsement cannot be read");
        }
    }

    private static Problem NoWay(string reason) => new(TrustProblems.KeyNotTrusted, reason);
}
