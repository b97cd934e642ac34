namespace Elivepatch.Protocol.Manifests;

/// <summary>The payload by which one key names the next.</summary>
/// <param name="KeyId">The endorsing key.</param>
/// <param name="NextKeyId">The key that takes its place.</param>
/// <param name="NextPublicKey">That key, PEM.</param>
/// <param name="Endorsed">When.</param>
public sealed record KeyEndorsement(string KeyId, string NextKeyId, string NextPublicKey, DateTimeOffset Endorsed)
{
    /// <summary>The payload's media type.</summary>
    public const string PayloadType = "application/vnd.elivepatch.key-endorsement+json";
}
