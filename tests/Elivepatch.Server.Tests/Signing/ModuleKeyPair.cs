using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Elivepatch.Server.Tests.Signing;

/// <summary>A key for modules with a certificate of its own making, as the kernel's build makes one.</summary>
internal sealed class ModuleKeyPair : IDisposable
{
    private readonly X509Certificate2 certificate;

    private ModuleKeyPair(string folder, X509Certificate2 certificate, string keyPem)
    {
        this.certificate = certificate;
        KeyPath = Path.Combine(folder, "module.key");
        CertificatePath = Path.Combine(folder, "module.pem");
        File.WriteAllText(KeyPath, keyPem);
        File.WriteAllText(CertificatePath, certificate.ExportCertificatePem());
    }

    public string KeyPath { get; }

    public string CertificatePath { get; }

    public byte[] Certificate => certificate.RawData;

    public static ModuleKeyPair Create(string folder, bool elliptic = false)
    {
        if (elliptic)
        {
            using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
            return new(folder, SelfSigned(new("CN=modules", key, HashAlgorithmName.SHA256)), key.ExportPkcs8PrivateKeyPem());
        }

        using var rsa = RSA.Create(2048);
        return new(
            folder,
            SelfSigned(new("CN=modules", rsa, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1)),
            rsa.ExportPkcs8PrivateKeyPem()
        );
    }

    public void Dispose() => certificate.Dispose();

    private static X509Certificate2 SelfSigned(CertificateRequest request)
    {
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, critical: false));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, critical: false));
        return request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddYears(10));
    }
}
