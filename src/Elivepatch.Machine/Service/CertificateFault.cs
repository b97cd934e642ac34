// In: what the platform's check of a server's certificate found. Out: each fault in words, with what to do about that one. The
// check itself is the platform's; nothing is accepted here that it refuses.

using System.Globalization;
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using Elivepatch.Model;

namespace Elivepatch.Machine.Service;

/// <summary>What is wrong with a certificate.</summary>
/// <param name="Reason">What it is.</param>
/// <param name="Remedy">What to do.</param>
public sealed record CertificateFault(string Reason, string Remedy)
{
    private const int MostNames = 5;
    private const int LongestName = 200;

    /// <summary>Everything that is wrong; empty for a certificate that is accepted.</summary>
    /// <param name="certificate">The server's certificate; null where it showed none.</param>
    /// <param name="chain">What was built of it.</param>
    /// <param name="errors">What the platform found.</param>
    /// <param name="host">The host that was asked.</param>
    /// <param name="now">The machine's clock.</param>
    public static IReadOnlyList<CertificateFault> Find(
        X509Certificate2? certificate,
        X509Chain? chain,
        SslPolicyErrors errors,
        string host,
        DateTimeOffset now
    )
    {
        if (errors == SslPolicyErrors.None)
        {
            return [];
        }

        if (certificate is null)
        {
            return [new("it shows no certificate", "Check that the port is that of the server, and tell its operator.")];
        }

        var faults = new List<CertificateFault>();
        faults.AddRange(OfTime(chain, certificate, now));
        if (errors.HasFlag(SslPolicyErrors.RemoteCertificateNameMismatch))
        {
            faults.Add(
                new(
                    $"its certificate is for {Names(certificate)}, not for {host}",
                    "Use a name that the certificate has, or ask the operator for a certificate with this one."
                )
            );
        }
        if (errors.HasFlag(SslPolicyErrors.RemoteCertificateChainErrors))
        {
            faults.AddRange(OfChain(chain, certificate));
        }

        return faults.Count > 0 ? faults : [new($"its certificate is refused ({errors})", "Tell the server's operator.")];
    }

    /// <summary>The faults as a problem.</summary>
    public static Problem ToProblem(ServerAddress address, IReadOnlyList<CertificateFault> faults) =>
        new(
            MachineProblems.CertificateRefused,
            $"{address}: {string.Join("; ", faults.Select(f => f.Reason))}",
            string.Join(" ", faults.Select(f => f.Remedy).Distinct())
        );

    // The server's own certificate, or one of those that vouch for it.
    private static IEnumerable<CertificateFault> OfTime(X509Chain? chain, X509Certificate2 certificate, DateTimeOffset now)
    {
        foreach (var one in chain?.ChainElements.Select(e => e.Certificate) ?? [certificate])
        {
            var whose = one.Thumbprint == certificate.Thumbprint ? "its certificate" : $"the certificate of {Short(one.Subject)}";
            if (one.NotAfter.ToUniversalTime() < now.UtcDateTime)
            {
                yield return new(
                    $"{whose} expired on {Day(one.NotAfter)}, and this machine's clock says {Day(now.UtcDateTime)}",
                    "Ask the operator to renew it; set the clock if it is wrong (timedatectl)."
                );
            }
            else if (one.NotBefore.ToUniversalTime() > now.UtcDateTime)
            {
                yield return new(
                    $"{whose} is not valid before {Day(one.NotBefore)}, and this machine's clock says {Day(now.UtcDateTime)}",
                    "Set the machine's clock (timedatectl)."
                );
            }
        }
    }

    private static IEnumerable<CertificateFault> OfChain(X509Chain? chain, X509Certificate2 certificate)
    {
        const X509ChainStatusFlags ofIssuer = X509ChainStatusFlags.UntrustedRoot | X509ChainStatusFlags.PartialChain;
        var found = chain?.ChainStatus.Aggregate(X509ChainStatusFlags.NoError, (all, s) => all | s.Status) ?? ofIssuer;
        if ((found & ofIssuer) != 0)
        {
            var issuer = certificate.SubjectName.RawData.AsSpan().SequenceEqual(certificate.IssuerName.RawData)
                ? "its certificate is self-signed"
                : $"its certificate is issued by {Short(certificate.Issuer)}";
            yield return new(
                $"{issuer}, and this machine does not trust that issuer",
                "Give the issuer's certificate in PEM with SSL_CERT_FILE=FILE, or install it on the machine (update-ca-certificates, "
                    + "update-ca-trust)."
            );
        }

        var others = found & ~(ofIssuer | X509ChainStatusFlags.NotTimeValid);
        if (others != X509ChainStatusFlags.NoError)
        {
            yield return new($"its certificate is refused ({others})", "Ask the operator for another one.");
        }
    }

    private static string Names(X509Certificate2 certificate)
    {
        var extension = certificate.Extensions.OfType<X509SubjectAlternativeNameExtension>().FirstOrDefault();
        var names = extension is null
            ? [certificate.GetNameInfo(X509NameType.SimpleName, forIssuer: false)]
            : extension.EnumerateDnsNames().Concat(extension.EnumerateIPAddresses().Select(a => a.ToString())).ToList();
        var more = names.Count > MostNames ? $" and {names.Count - MostNames} more" : "";
        return names.Count == 0 ? "no host" : string.Join(", ", names.Take(MostNames).Select(Short)) + more;
    }

    private static string Short(string name) => name.Length <= LongestName ? name : name[..LongestName] + "...";

    private static string Day(DateTime time) =>
        time.ToUniversalTime().ToString("yyyy-MM-dd HH:mm 'UTC'", CultureInfo.InvariantCulture);
}
