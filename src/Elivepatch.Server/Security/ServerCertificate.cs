// In: a certificate with its key in PEM files. Out: the certificate for the next connection; a file that has been renewed is read
// again, so that no renewal asks for a restart. One that cannot be read leaves the former in use.

using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Elivepatch.Builder;
using Elivepatch.Model;
using Microsoft.AspNetCore.Server.Kestrel.Https;

namespace Elivepatch.Server.Security;

/// <summary>The certificate by which machines know the server.</summary>
internal sealed partial class ServerCertificate
{
    private static readonly TimeSpan lookInterval = TimeSpan.FromSeconds(30);
    private readonly Lock gate = new();
    private readonly string certificate;
    private readonly string key;
    private readonly TimeProvider clock;
    private SslStreamCertificateContext current;
    private DateTime written;
    private long looked;

    private ServerCertificate(
        string certificate,
        string key,
        TimeProvider clock,
        SslStreamCertificateContext current,
        DateTime written
    )
    {
        (this.certificate, this.key, this.clock, this.current, this.written) = (certificate, key, clock, current, written);
        looked = clock.GetTimestamp();
    }

    /// <summary>Reads the certificate.</summary>
    /// <param name="certificate">PEM with the certificate first, then those that lead to its root.</param>
    /// <param name="key">PEM with the secret key; null where the certificate's file has it.</param>
    /// <param name="clock">Says when to look again.</param>
    public static Outcome<ServerCertificate> Open(string certificate, string? key, TimeProvider clock)
    {
        try
        {
            var written = Written(certificate, key ?? certificate);
            return new ServerCertificate(certificate, key ?? certificate, clock, Read(certificate, key ?? certificate), written);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or CryptographicException or ArgumentException)
        {
            return new Problem(BuilderProblems.ConfigurationInvalid, $"certificate {certificate}: {e.Message}");
        }
    }

    /// <summary>How connections are secured.</summary>
    public TlsHandshakeCallbackOptions Handshake(ILogger log) =>
        new()
        {
            HandshakeTimeout = TimeSpan.FromSeconds(10),
            OnConnection = _ =>
                ValueTask.FromResult(
                    new SslServerAuthenticationOptions
                    {
                        ServerCertificateContext = Current(log),
                        // The versions that the system allows, of which 1.2 is the least that .NET offers.
                        ApplicationProtocols = [SslApplicationProtocol.Http2, SslApplicationProtocol.Http11],
                    }
                ),
        };

    private SslStreamCertificateContext Current(ILogger log)
    {
        lock (gate)
        {
            if (clock.GetElapsedTime(looked) < lookInterval)
            {
                return current;
            }

            looked = clock.GetTimestamp();
            try
            {
                var now = Written(certificate, key);
                if (now != written)
                {
                    current = Read(certificate, key);
                    written = now;
                    LogRenewed(log, current.TargetCertificate.NotAfter);
                }
            }
            catch (Exception e)
                when (e is IOException or UnauthorizedAccessException or CryptographicException or ArgumentException)
            {
                LogUnusable(log, certificate, e.Message);
            }

            return current;
        }
    }

    private static DateTime Written(string certificate, string key) => new[] { certificate, key }.Max(File.GetLastWriteTimeUtc);

    private static SslStreamCertificateContext Read(string certificate, string key)
    {
        var own = X509Certificate2.CreateFromPemFile(certificate, key);
        var chain = new X509Certificate2Collection();
        chain.ImportFromPemFile(certificate);
        return SslStreamCertificateContext.Create(own, chain, offline: true);
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "the certificate was renewed; it ends {end}")]
    private static partial void LogRenewed(ILogger logger, DateTime end);

    [LoggerMessage(
        Level = LogLevel.Error,
        Message = "the certificate {file} was changed and cannot be used, the former stays: {reason}"
    )]
    private static partial void LogUnusable(ILogger logger, string file, string reason);
}
