using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Elivepatch.Tests;

/// <summary>A certificate of one's own for 127.0.0.1, its own root, in two PEM files.</summary>
/// <param name="Certificate">Path of the certificate.</param>
/// <param name="Key">Path of its private key.</param>
internal sealed record ServerCertificateFiles(string Certificate, string Key)
{
    /// <summary>Makes one for a day.</summary>
    public static ServerCertificateFiles Write(string folder, string name = "elivepatch tests")
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddIpAddress(IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        using var certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        var files = In(folder);
        File.WriteAllText(files.Certificate, certificate.ExportCertificatePem() + "\n");
        File.WriteAllText(files.Key, key.ExportPkcs8PrivateKeyPem() + "\n");
        return files;
    }

    /// <summary>Copies it to a folder from which a server reads it, which wants its key to itself.</summary>
    public ServerCertificateFiles CopyTo(string folder)
    {
        var files = In(folder);
        File.Copy(Certificate, files.Certificate);
        File.Copy(Key, files.Key);
        File.SetUnixFileMode(files.Key, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        return files;
    }

    private static ServerCertificateFiles In(string folder) =>
        new(Path.Combine(folder, "server.pem"), Path.Combine(folder, "server.key"));
}
