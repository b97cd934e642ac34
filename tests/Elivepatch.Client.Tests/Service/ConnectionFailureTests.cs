using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Elivepatch.Client.Tests.Machine;
using Elivepatch.Protocol;
using Elivepatch.Protocol.Api;
using Elivepatch.Protocol.Manifests;

namespace Elivepatch.Client.Tests.Service;

/// <summary>What stands between the machine and its server is told by its name.</summary>
public sealed class ConnectionFailureTests : IDisposable
{
    private readonly FakeMachine machine = new();
    private readonly string key = SigningKey.Create().Public.Id;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("localhost", -60, -30, "its certificate expired on ", "set the clock if it is wrong")]
    [InlineData("localhost", 30, 60, "its certificate is not valid before ", "Set the machine's clock")]
    [InlineData(
        "patches.example.org",
        -1,
        30,
        "its certificate is for patches.example.org, not for localhost",
        "Use a name that the certificate has"
    )]
    [InlineData(
        "localhost",
        -1,
        30,
        "its certificate is self-signed, and this machine does not trust that issuer",
        "SSL_CERT_FILE=FILE"
    )]
    public async Task What_is_wrong_with_a_certificate_is_said_with_its_remedy(
        string name,
        int from,
        int to,
        string reason,
        string remedy
    )
    {
        using var certificate = Certificate(name, from, to);
        using var server = await ListenAsync((stream, _) => SpeakTlsAsync(stream, certificate));
        var problem = await AskAsync(1, $"https://localhost:{server.Port}");
        Assert.Equal("ELP1222", problem.Code);
        Assert.Contains(reason, problem.Reason, StringComparison.Ordinal);
        Assert.Contains(remedy, problem.Remedy, StringComparison.Ordinal);
        Assert.Equal(1, server.Connections);
    }

    [Fact]
    public async Task An_unknown_issuer_is_named()
    {
        using var issuer = Certificate("Their Own Authority", -1, 60, isAuthority: true);
        using var certificate = Certificate("localhost", -1, 30, issuer);
        using var server = await ListenAsync((stream, _) => SpeakTlsAsync(stream, certificate));
        var problem = await AskAsync(1, $"https://localhost:{server.Port}");
        Assert.Contains(
            "is issued by CN=Their Own Authority, and this machine does not trust that issuer",
            problem.Reason,
            StringComparison.Ordinal
        );
        Assert.DoesNotContain("expired", problem.Reason, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(407, "ELP1223", 1, "https_proxy=http://USER:PASSWORD@HOST:PORT")]
    [InlineData(403, "ELP1223", 1, "to let this machine connect to patches.example.org:443")]
    [InlineData(502, "ELP1002", 75, "NO_PROXY=patches.example.org bypasses it")]
    public async Task A_proxy_that_refuses_is_named_without_its_password(int status, string code, int exit, string remedy)
    {
        using var proxy = await ListenAsync(
            (stream, _) => AnswerAsync(stream, $"HTTP/1.1 {status} No\r\nContent-Length: 0\r\n\r\n")
        );
        var problem = await AskAsync(
            exit,
            "https://patches.example.org",
            new WebProxy($"http://me:secret@127.0.0.1:{proxy.Port}")
        );
        Assert.Equal(code, problem.Code);
        Assert.Contains($"the proxy http://127.0.0.1:{proxy.Port}", problem.Reason, StringComparison.Ordinal);
        Assert.Contains($"says {status}", problem.Reason, StringComparison.Ordinal);
        Assert.Contains(remedy, problem.Remedy, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", problem.Reason + problem.Remedy, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_proxy_that_wants_a_password_for_plain_http_is_named_too()
    {
        using var proxy = await ListenAsync((stream, _) => AnswerAsync(stream, "HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n"));
        var problem = await AskAsync(1, "http://patches.example.org", new WebProxy($"http://127.0.0.1:{proxy.Port}"));
        Assert.Equal("ELP1223", problem.Code);
    }

    [Theory]
    [InlineData("https")]
    [InlineData("http")]
    public async Task A_proxy_that_cannot_be_reached_is_named(string scheme)
    {
        var port = FreePort();
        var problem = await AskAsync(75, $"{scheme}://patches.example.org", new WebProxy($"http://127.0.0.1:{port}"));
        Assert.Equal("ELP1002", problem.Code);
        Assert.Contains(
            $"through the proxy http://127.0.0.1:{port}: Connection refused",
            problem.Reason,
            StringComparison.Ordinal
        );
        Assert.Contains("NO_PROXY=patches.example.org", problem.Remedy, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Https_to_a_port_for_http_is_recognised_at_once()
    {
        await using var server = await FakeServer.StartAsync();
        var problem = await AskAsync(2, server.Url.Replace("http:", "https:", StringComparison.Ordinal));
        Assert.Equal("ELP1224", problem.Code);
        Assert.Contains("the port speaks http", problem.Reason, StringComparison.Ordinal);
        Assert.Contains($"Use {server.Url} if", problem.Remedy, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Http_to_a_port_for_https_is_recognised_at_once()
    {
        using var certificate = Certificate("localhost", -1, 30);
        using var server = await ListenAsync((stream, _) => SpeakTlsAsync(stream, certificate));
        var problem = await AskAsync(2, $"http://localhost:{server.Port}");
        Assert.Equal("ELP1224", problem.Code);
        Assert.Equal($"Use https://localhost:{server.Port} instead.", problem.Remedy);
        // The runtime itself tries a new connection up to three times; then there is the look, and no further try of ours.
        Assert.InRange(server.Connections, 2, 5);
    }

    [Fact]
    public async Task Http_to_a_port_for_https_that_answers_it_is_recognised_too()
    {
        using var certificate = Certificate("localhost", -1, 30);
        using var server = await ListenAsync(
            (stream, first) =>
                first == 'G'
                    ? AnswerAsync(stream, "HTTP/1.1 400 Bad Request\r\nContent-Type: text/html\r\nContent-Length: 0\r\n\r\n")
                    : SpeakTlsAsync(stream, certificate)
        );
        Assert.Equal("ELP1224", (await AskAsync(2, $"http://localhost:{server.Port}")).Code);
    }

    [Fact]
    public async Task A_port_that_answers_nothing_of_either_kind_is_no_other_scheme()
    {
        using var server = await ListenAsync((_, _) => Task.CompletedTask);
        Assert.Equal("ELP1002", (await AskAsync(75, $"https://localhost:{server.Port}")).Code);
        Assert.Equal("ELP1002", (await AskAsync(75, $"http://localhost:{server.Port}")).Code);
    }

    public void Dispose() => machine.Dispose();

    private async Task<ProblemReport> AskAsync(int status, string url, IWebProxy? proxy = null)
    {
        var run = new TestSession { Machine = machine.Access, Proxy = proxy ?? new WebProxy() };
        var actual = await run.RunAsync("trust", "--server", url, "--key", key, "--allow-http", "--json");
        Assert.True(actual == status, $"{actual}: {run.Output}{run.Error}");
        return System.Text.Json.JsonSerializer.Deserialize(run.Output, ProtocolJson.Default.IReadOnlyListProblemReport)![0];
    }

    private static X509Certificate2 Certificate(
        string name,
        int from,
        int to,
        X509Certificate2? issuer = null,
        bool isAuthority = false
    )
    {
        using var secret = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", secret, HashAlgorithmName.SHA256);
        if (isAuthority)
        {
            request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        }
        else
        {
            var names = new SubjectAlternativeNameBuilder();
            names.AddDnsName(name);
            request.CertificateExtensions.Add(names.Build());
        }

        var now = DateTimeOffset.UtcNow;
        if (issuer is null)
        {
            return Whole(request.CreateSelfSigned(now.AddDays(from), now.AddDays(to)));
        }

        using var issued = request.Create(issuer, now.AddDays(from), now.AddDays(to), [1, 2, 3, 4]);
        return Whole(issued.CopyWithPrivateKey(secret));
    }

    // A key that is in memory alone serves no TLS everywhere.
    private static X509Certificate2 Whole(X509Certificate2 certificate)
    {
        using (certificate)
        {
            return X509CertificateLoader.LoadPkcs12(certificate.Export(X509ContentType.Pkcs12), null);
        }
    }

    private static async Task SpeakTlsAsync(NetworkStream stream, X509Certificate2 certificate)
    {
        await using var secure = new SslStream(stream, leaveInnerStreamOpen: true);
        await secure.AuthenticateAsServerAsync(certificate);
        await secure.ReadAtLeastAsync(new byte[1], 1, throwOnEndOfStream: false, Cancellation);
    }

    private static async Task AnswerAsync(NetworkStream stream, string answer)
    {
        var seen = new StringBuilder();
        var buffer = new byte[1000];
        while (
            !seen.ToString().Contains("\r\n\r\n", StringComparison.Ordinal)
            && await stream.ReadAsync(buffer, Cancellation) is > 0 and var count
        )
        {
            seen.Append(Encoding.ASCII.GetString(buffer, 0, count));
        }

        await stream.WriteAsync(Encoding.ASCII.GetBytes(answer), Cancellation);
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private static Task<Listener> ListenAsync(Func<NetworkStream, char, Task> speak) => Task.FromResult(new Listener(speak));

    // Takes connections one after the other and lets the test speak, which is told the first byte that came.
    private sealed class Listener : IDisposable
    {
        private readonly TcpListener listener = new(IPAddress.Loopback, 0);
        private readonly Func<NetworkStream, char, Task> speak;

        public Listener(Func<NetworkStream, char, Task> speak)
        {
            this.speak = speak;
            listener.Start();
            _ = RunAsync();
        }

        public int Port => ((IPEndPoint)listener.LocalEndpoint).Port;

        public int Connections { get; private set; }

        public void Dispose() => listener.Dispose();

        private async Task RunAsync()
        {
            try
            {
                while (true)
                {
                    using var client = await listener.AcceptTcpClientAsync();
                    Connections++;
                    await TalkAsync(client);
                }
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                // The test is over.
            }
        }

        private async Task TalkAsync(TcpClient client)
        {
            try
            {
                var first = new byte[1];
                var count = await client.Client.ReceiveAsync(first, SocketFlags.Peek);
                await speak(client.GetStream(), count == 0 ? '\0' : (char)first[0]);
            }
            catch (Exception e)
                when (e is IOException or SocketException or System.Security.Authentication.AuthenticationException)
            {
                // The client did not like it, which is the point.
            }
        }
    }
}
