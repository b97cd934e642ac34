// In: a finished module. Out: the same with the kernel's own signature appended, as scripts/sign-file.c of the kernel's source
// does it: a CMS message without content, certificates and signed attributes, then struct module_signature
// (include/linux/module_signature.h), then a line of text. kernel/module/signing.c and crypto/asymmetric_keys/pkcs7_verify.c read
// it.

using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Security.Cryptography.Pkcs;
using System.Security.Cryptography.X509Certificates;
using Elivepatch.Model;
using Elivepatch.Protocol.Captures;

namespace Elivepatch.Server.Signing;

/// <summary>Signs modules for kernels that ask for it.</summary>
public sealed class ModuleSigner : IDisposable
{
    private const string Sha256 = "2.16.840.1.101.3.4.2.1";
    private const string Sha384 = "2.16.840.1.101.3.4.2.2";
    private const string Sha512 = "2.16.840.1.101.3.4.2.3";

    // enum pkey_id_type: PKEY_ID_PKCS7.
    private const byte Pkcs7 = 2;
    private const int TrailerSize = 12;
    private const int IdTypeAt = 2;
    private const int LengthAt = 8;
    private const long LargestFile = 1 << 20;

    private readonly X509Certificate2 certificate;

    private ModuleSigner(X509Certificate2 certificate) => this.certificate = certificate;

    /// <summary>What follows a signed module.</summary>
    public static ReadOnlySpan<byte> Magic => "~Module signature appended~\n"u8;

    /// <summary>SHA-256 of the certificate (DER), hexadecimal.</summary>
    public string CertificateDigest => Convert.ToHexStringLower(certificate.GetCertHash(HashAlgorithmName.SHA256));

    /// <summary>Reads the key and its certificate, both PEM.</summary>
    public static Outcome<ModuleSigner> Open(string keyPath, string certificatePath)
    {
        try
        {
            foreach (var path in (string[])[keyPath, certificatePath])
            {
                if (new FileInfo(path) is not { Exists: true, Length: <= LargestFile })
                {
                    return new Problem(ServerProblems.ModuleKeyUnusable, $"{path} does not exist or is too large");
                }
            }

            var certificate = X509Certificate2.CreateFromPem(File.ReadAllText(certificatePath), File.ReadAllText(keyPath));
            if (certificate.GetRSAPrivateKey() is null && certificate.GetECDsaPrivateKey() is null)
            {
                certificate.Dispose();
                return new Problem(ServerProblems.ModuleKeyUnusable, $"{keyPath}: the kernel takes RSA and ECDSA keys");
            }

            return new ModuleSigner(certificate);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or CryptographicException or ArgumentException)
        {
            return new Problem(ServerProblems.ModuleKeyUnusable, $"{keyPath} with {certificatePath}: {e.Message}");
        }
    }

    /// <summary>Signs a module with the hash that the kernel's configuration names, which it has built in.</summary>
    public Outcome<byte[]> Sign(byte[] module, KernelConfig config) => Sign(module, config.GetString("MODULE_SIG_HASH"));

    /// <summary>Signs a module.</summary>
    /// <param name="module">The module, not signed yet.</param>
    /// <param name="hash"><c>sha256</c>, <c>sha384</c> or <c>sha512</c>; another one, or none, takes the last.</param>
    public Outcome<byte[]> Sign(byte[] module, string hash)
    {
        if (module.AsSpan().EndsWith(Magic))
        {
            return new Problem(ServerProblems.ModuleKeyUnusable, "the module is signed already");
        }

        try
        {
            var signature = Message(module, hash);
            Span<byte> trailer = stackalloc byte[TrailerSize];
            trailer.Clear();
            trailer[IdTypeAt] = Pkcs7;
            BinaryPrimitives.WriteInt32BigEndian(trailer[LengthAt..], signature.Length);
            return (byte[])[.. module, .. signature, .. trailer, .. Magic];
        }
        catch (CryptographicException e)
        {
            return new Problem(ServerProblems.ModuleKeyUnusable, e.Message);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => certificate.Dispose();

    // Without signed attributes the signature is of the content itself: the kernel refuses them in modules.
    private byte[] Message(byte[] module, string hash)
    {
        var message = new SignedCms(new ContentInfo(module), detached: true);
        var algorithm = hash switch
        {
            "sha256" => Sha256,
            "sha384" => Sha384,
            _ => Sha512,
        };
        message.ComputeSignature(
            new CmsSigner(SubjectIdentifierType.IssuerAndSerialNumber, certificate)
            {
                DigestAlgorithm = new Oid(algorithm),
                IncludeOption = X509IncludeOption.None,
            },
            silent: true
        );
        return message.Encode();
    }
}
