using System.Net;
using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Elivepatch.Protocol.Api;
using Elivepatch.Server.Hosting;
using Elivepatch.Server.Security;
using Microsoft.Extensions.Logging.Abstractions;

namespace Elivepatch.Server.Tests.Api;

/// <summary>TLS by certificate files.</summary>
public sealed class TransportTests : IDisposable
{
    private readonly Scratch scratch = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => scratch.Dispose();

    [Fact]
    public async Task It_serves_https_with_a_certificate_from_files()
    {
        var first = Write("first");
        await using var server = await RunningServer.StartAsync(o =>
            o with
            {
                Listen = [new("https://127.0.0.1:0")],
                Certificate = scratch.PathOf("server.pem"),
                CertificateKey = scratch.PathOf("server.key"),
            }
        );
        Assert.Equal("https", server.Address.Scheme);
        Assert.Equal(first, await ServedAsync(server));
        using var client = new HttpClient(
            new SocketsHttpHandler
            {
                SslOptions = new() { RemoteCertificateValidationCallback = (_, c, _, _) => c!.GetCertHashString() == first },
            }
        )
        {
            BaseAddress = server.Address,
            DefaultRequestVersion = HttpVersion.Version20,
        };
        using var answer = await client.GetAsync(ApiRoutes.Live, Cancellation);
        Assert.Equal((HttpStatusCode.OK, HttpVersion.Version20), (answer.StatusCode, answer.Version));
    }

    [Theory]
    [InlineData("no certificate")]
    [InlineData("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")]
    public async Task A_certificate_that_is_none_keeps_the_server_from_starting(string content)
    {
        Write("x");
        scratch.Write("server.pem", content);
        var opened = await ServerHost.OpenAsync(
            RunningServer.Options(scratch.PathOf("state")) with
            {
                Listen = [new("https://127.0.0.1:0")],
                Certificate = scratch.PathOf("server.pem"),
                CertificateKey = scratch.PathOf("server.key"),
            },
            _ => { },
            TimeProvider.System,
            Cancellation
        );
        Assert.Equal("ELP1017", Assert.Single(opened.Problems).Code.Id);
    }

    [Fact]
    public void The_key_has_to_be_that_of_the_certificate()
    {
        Write("one");
        var key = File.ReadAllText(scratch.PathOf("server.key"));
        Write("two");
        scratch.Write("server.key", key);
        Assert.False(
            ServerCertificate.Open(scratch.PathOf("server.pem"), scratch.PathOf("server.key"), TimeProvider.System).Succeeded
        );
    }

    [Fact]
    public async Task A_renewed_certificate_is_taken_up_and_one_that_is_none_is_not()
    {
        var clock = new Ticks();
        var first = Write("first");
        var certificate = ServerCertificate.Open(scratch.PathOf("server.pem"), scratch.PathOf("server.key"), clock).Value;
        Assert.Equal(first, await UsedAsync(certificate));

        var second = Write("second");
        File.SetLastWriteTimeUtc(scratch.PathOf("server.pem"), DateTime.UtcNow.AddMinutes(1));
        Assert.Equal(first, await UsedAsync(certificate));
        clock.Now += TimeSpan.FromSeconds(31).Ticks;
        Assert.Equal(second, await UsedAsync(certificate));

        scratch.Write("server.pem", "half of a fi");
        File.SetLastWriteTimeUtc(scratch.PathOf("server.pem"), DateTime.UtcNow.AddMinutes(2));
        clock.Now += TimeSpan.FromSeconds(31).Ticks;
        Assert.Equal(second, await UsedAsync(certificate));

        var third = Write("third");
        File.SetLastWriteTimeUtc(scratch.PathOf("server.pem"), DateTime.UtcNow.AddMinutes(3));
        clock.Now += TimeSpan.FromSeconds(31).Ticks;
        Assert.Equal(third, await UsedAsync(certificate));
    }

    private static async Task<string> UsedAsync(ServerCertificate certificate) =>
        (
            await certificate.Handshake(NullLogger.Instance).OnConnection(new())
        ).ServerCertificateContext!.TargetCertificate.GetCertHashString();

    private static async Task<string> ServedAsync(RunningServer server)
    {
        using var socket = new System.Net.Sockets.TcpClient();
        await socket.ConnectAsync(IPAddress.Loopback, server.Address.Port, Cancellation);
        await using var tls = new SslStream(socket.GetStream(), false, (_, _, _, _) => true);
        await tls.AuthenticateAsClientAsync("localhost");
        Assert.True(tls.SslProtocol is SslProtocols.Tls12 or SslProtocols.Tls13);
        return tls.RemoteCertificate!.GetCertHashString();
    }

    private sealed class Ticks : TimeProvider
    {
        public long Now { get; set; }

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => Now;
    }

    private string Write(string name)
    {
        using var certificate = X509CertificateLoader.LoadCertificateFromFile(
            ServerCertificateFiles.Write(scratch.Folder, name).Certificate
        );
        return certificate.GetCertHashString();
    }
}
