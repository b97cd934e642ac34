using System.Security.Cryptography;

namespace Elivepatch.Protocol.Manifests;

/// <summary>A key that manifests are signed with. It lives in the server alone.</summary>
public sealed class SigningKey : IDisposable
{
    private readonly ECDsa key;

    private SigningKey(ECDsa key)
    {
        this.key = key;
        Public = PublicKey.Of(key);
    }

    /// <summary>What others check with.</summary>
    public PublicKey Public { get; }

    /// <summary>Makes a new key.</summary>
    public static SigningKey Create() => new(ECDsa.Create(ECCurve.NamedCurves.nistP256));

    /// <summary>Reads a key as <see cref="ExportPem"/> wrote it.</summary>
    public static SigningKey Import(string pem)
    {
        var key = ECDsa.Create();
        key.ImportFromPem(pem);
        return new(key);
    }

    /// <summary>The secret key: PKCS#8 in PEM.</summary>
    public string ExportPem() => key.ExportPkcs8PrivateKeyPem() + "\n";

    /// <summary>Signs a payload.</summary>
    public Envelope Sign(string payloadType, byte[] payload)
    {
        var signature = key.SignData(
            Envelope.Encode(payloadType, payload),
            HashAlgorithmName.SHA256,
            DSASignatureFormat.Rfc3279DerSequence
        );
        return new(payloadType, payload, [new(Public.Id, signature)]);
    }

    /// <inheritdoc/>
    public void Dispose() => key.Dispose();
}
