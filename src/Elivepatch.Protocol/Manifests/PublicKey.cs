using System.Security.Cryptography;
using Elivepatch.Model;

namespace Elivepatch.Protocol.Manifests;

/// <summary>A key that signatures are checked with: ECDSA over NIST P-256 with SHA-256.</summary>
public sealed class PublicKey
{
    /// <summary>How keys of this kind are called.</summary>
    public const string Algorithm = "ecdsa-p256-sha256";

    private const int LargestPem = 4 << 10;
    private readonly byte[] subjectPublicKeyInfo;

    private PublicKey(byte[] subjectPublicKeyInfo) => this.subjectPublicKeyInfo = subjectPublicKeyInfo;

    /// <summary>SHA-256 of the SubjectPublicKeyInfo (DER), hexadecimal.</summary>
    public string Id => Convert.ToHexStringLower(SHA256.HashData(subjectPublicKeyInfo));

    /// <summary>The key as PEM.</summary>
    public string Pem => PemEncoding.WriteString("PUBLIC KEY", subjectPublicKeyInfo) + "\n";

    /// <summary>The public part of a key.</summary>
    public static PublicKey Of(ECDsa key) => new(key.ExportSubjectPublicKeyInfo());

    /// <summary>Reads a key from PEM.</summary>
    public static Outcome<PublicKey> Read(string pem)
    {
        if (pem.Length > LargestPem)
        {
            return Unusable($"it has {pem.Length} characters");
        }

        try
        {
            using var key = ECDsa.Create();
            key.ImportFromPem(pem);
            return IsP256(key) ? Of(key) : Unusable("it is for another curve than P-256");
        }
        catch (Exception e) when (e is ArgumentException or CryptographicException)
        {
            return Unusable("it is not a public key in PEM");
        }
    }

    /// <summary>True where one of the envelope's signatures is by this key.</summary>
    public bool HasSigned(Envelope envelope)
    {
        var message = Envelope.Encode(envelope.PayloadType, envelope.Payload);
        using var key = ECDsa.Create();
        key.ImportSubjectPublicKeyInfo(subjectPublicKeyInfo, out _);
        return envelope.Signatures.Any(s =>
            key.VerifyData(message, s.Sig, HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence)
        );
    }

    private static bool IsP256(ECDsa key) =>
        key.ExportParameters(includePrivateParameters: false).Curve.Oid.Value == ECCurve.NamedCurves.nistP256.Oid.Value;

    private static Problem Unusable(string reason) => new(TrustProblems.PublicKeyUnusable, reason);
}
