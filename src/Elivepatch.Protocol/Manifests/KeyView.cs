namespace Elivepatch.Protocol.Manifests;

/// <summary>A public key of the server.</summary>
/// <param name="Id">SHA-256 of the key's SubjectPublicKeyInfo (DER), hexadecimal: what a client pins.</param>
/// <param name="Algorithm"><c>ecdsa-p256-sha256</c>.</param>
/// <param name="PublicKey">The key, PEM.</param>
/// <param name="Created">When it was created.</param>
/// <param name="IsCurrent">True for the key that signs now.</param>
/// <param name="Endorsement">
/// The identity of the next key, signed by this one (DSSE), so that a client that pinned this key can switch to the next.
/// Null for the current key.
/// </param>
public sealed record KeyView(
    string Id,
    string Algorithm,
    string PublicKey,
    DateTimeOffset Created,
    bool IsCurrent,
    Envelope? Endorsement
);
