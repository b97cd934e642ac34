using System.Globalization;
using System.Text;

namespace Elivepatch.Protocol.Manifests;

/// <summary>
/// A signed message: a Dead Simple Signing Envelope (DSSE, version 1.0.2). The signature covers the type and the exact bytes of
/// the payload, so that nothing is parsed, normalised or compared before its signature has been verified.
/// </summary>
/// <param name="PayloadType">The media type of the payload.</param>
/// <param name="Payload">The payload (base64 in JSON).</param>
/// <param name="Signatures">The signatures.</param>
public sealed record Envelope(string PayloadType, byte[] Payload, IReadOnlyList<EnvelopeSignature> Signatures)
{
    /// <summary>The maximum size of an envelope as JSON, in bytes.</summary>
    public const int LargestFile = 4 << 20;

    /// <summary>The bytes that are signed: DSSE's pre-authentication encoding, with sizes in decimal.</summary>
    public static byte[] Encode(string payloadType, ReadOnlySpan<byte> payload)
    {
        var type = Encoding.UTF8.GetBytes(payloadType);
        var head = string.Create(CultureInfo.InvariantCulture, $"DSSEv1 {type.Length} {payloadType} {payload.Length} ");
        return [.. Encoding.UTF8.GetBytes(head), .. payload];
    }
}

/// <summary>A signature of an envelope.</summary>
/// <param name="KeyId">A hint at the key; no decision depends on it.</param>
/// <param name="Sig">The signature (base64 in JSON).</param>
public sealed record EnvelopeSignature(string KeyId, byte[] Sig);
