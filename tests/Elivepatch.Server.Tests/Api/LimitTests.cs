using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text;
using Elivepatch.Protocol.Api;
using Elivepatch.Server.State;

namespace Elivepatch.Server.Tests.Api;

/// <summary>How much, how often and how slowly one may ask.</summary>
public sealed class LimitTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_capture_that_is_too_large_is_refused_with_and_without_a_length(bool tellsLength)
    {
        await using var server = await RunningServer.StartAsync(o => o with { MaxCaptureBytes = 100_000 });
        using var client = server.WithSecret(server.Administrator!);
        using var answer = await PostAsync(client, ApiRoutes.Kernels, new byte[100_001], tellsLength, "application/octet-stream");
        await Answered.RefusedAsync(answer, HttpStatusCode.RequestEntityTooLarge, "ELP1007");
        // Nothing of it stays.
        Assert.Empty(Directory.EnumerateFiles(server.Get<StateFolder>().Blobs, "*", SearchOption.AllDirectories));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_submission_that_is_too_large_is_refused_with_and_without_a_length(bool tellsLength)
    {
        await using var server = await RunningServer.StartAsync(o => o with { MaxSubmissionBytes = 100_000 });
        using var client = server.WithSecret(server.Administrator!);
        var json = Encoding.ASCII.GetBytes($$"""{"kernel":"{{new string('k', 100_001)}}","patches":[]}""");
        using var answer = await PostAsync(client, ApiRoutes.Builds, json, tellsLength, "application/json");
        await Answered.RefusedAsync(answer, HttpStatusCode.RequestEntityTooLarge, "ELP1007");
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Other_requests_have_small_bodies(bool tellsLength)
    {
        await using var server = await RunningServer.StartAsync();
        using var client = server.WithSecret(server.Administrator!);
        var json = Encoding.ASCII.GetBytes($$"""{"name":"{{new string('n', 65_536)}}","scopes":["read"]}""");
        using var answer = await PostAsync(client, ApiRoutes.Tokens, json, tellsLength, "application/json");
        await Answered.RefusedAsync(answer, HttpStatusCode.RequestEntityTooLarge, "ELP1007");
    }

    [Fact]
    public async Task A_length_that_lies_is_an_error_of_the_request()
    {
        await using var server = await RunningServer.StartAsync();
        var text = await RawAsync(
            server,
            $"POST {ApiRoutes.Kernels} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {server.Administrator}\r\nContent-Length: 1000\r\n\r\nshort",
            half: true
        );
        Assert.DoesNotContain(" 200 ", text, StringComparison.Ordinal);
        Assert.Empty(Directory.EnumerateFiles(server.Get<StateFolder>().Blobs, "*", SearchOption.AllDirectories));
    }

    [Theory]
    [InlineData("Content-Length: -1")]
    [InlineData("Content-Length: 99999999999999999999")]
    [InlineData("Content-Length: 5\r\nContent-Length: 6")]
    [InlineData("Transfer-Encoding: gzip")]
    public async Task A_length_that_is_none_is_refused(string header)
    {
        await using var server = await RunningServer.StartAsync();
        var text = await RawAsync(
            server,
            $"POST {ApiRoutes.Kernels} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {server.Administrator}\r\n{header}\r\n\r\nhello"
        );
        Assert.Matches("^HTTP/1.1 (400|411|413|501) ", text);
    }

    [Fact]
    public async Task A_token_that_asks_too_often_is_told_when_to_come_back_and_others_are_not()
    {
        await using var server = await RunningServer.StartAsync(o => o with { RequestsPerMinute = 10 });
        using var client = server.WithSecret(server.Administrator!);
        using var other = await server.WithScopesAsync(TokenScopes.Read);
        for (var i = 0; i < 10; i++)
        {
            Assert.Equal(HttpStatusCode.OK, (await client.GetAsync(ApiRoutes.Builds, Cancellation)).StatusCode);
        }

        using var answer = await client.GetAsync(ApiRoutes.Builds, Cancellation);
        await Answered.RefusedAsync(answer, HttpStatusCode.TooManyRequests, "ELP1008");
        Assert.InRange(answer.Headers.RetryAfter!.Delta!.Value.TotalSeconds, 1, 6);
        Assert.Equal(HttpStatusCode.OK, (await other.GetAsync(ApiRoutes.Builds, Cancellation)).StatusCode);
        // Strangers share an address and nothing with tokens.
        Assert.Equal(HttpStatusCode.OK, (await server.Client.GetAsync(ApiRoutes.Keys, Cancellation)).StatusCode);
        await Task.Delay(answer.Headers.RetryAfter.Delta.Value + TimeSpan.FromSeconds(1), Cancellation);
        Assert.Equal(HttpStatusCode.OK, (await client.GetAsync(ApiRoutes.Builds, Cancellation)).StatusCode);
    }

    [Fact]
    public async Task Guessing_tokens_is_limited_by_address()
    {
        await using var server = await RunningServer.StartAsync(o => o with { RequestsPerMinute = 10 });
        var statuses = new List<HttpStatusCode>();
        for (var i = 0; i < 12; i++)
        {
            using var client = server.WithSecret("elp_" + new string((char)('a' + i), 43));
            statuses.Add((await client.GetAsync(ApiRoutes.Builds, Cancellation)).StatusCode);
        }

        Assert.Equal(HttpStatusCode.Unauthorized, statuses[0]);
        Assert.Equal(HttpStatusCode.TooManyRequests, statuses[^1]);
    }

    [Fact]
    public async Task A_sender_that_dawdles_over_its_body_is_cut_off()
    {
        await using var server = await RunningServer.StartAsync();
        using var socket = await ConnectAsync(server);
        await socket.SendAsync(
            Encoding.ASCII.GetBytes(
                $"POST {ApiRoutes.Kernels} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {server.Administrator}\r\nContent-Length: 100000\r\n\r\n"
            ),
            Cancellation
        );
        Assert.InRange(await DripAsync(socket, "x", TimeSpan.FromSeconds(40)), 8, 30);
        Assert.Empty(Directory.EnumerateFiles(server.Get<StateFolder>().Blobs, "*", SearchOption.AllDirectories));
    }

    [Fact]
    public async Task A_sender_that_dawdles_over_its_headers_is_cut_off()
    {
        await using var server = await RunningServer.StartAsync();
        using var socket = await ConnectAsync(server);
        await socket.SendAsync("GET / HTTP/1.1\r\n"u8.ToArray(), Cancellation);
        Assert.InRange(await DripAsync(socket, "X: y\r\n", TimeSpan.FromSeconds(40)), 12, 30);
    }

    [Theory]
    [InlineData(20_000, 1)]
    [InlineData(10, 200)]
    public async Task Headers_without_end_are_refused(int length, int count)
    {
        await using var server = await RunningServer.StartAsync();
        var headers = string.Concat(
            Enumerable
                .Range(0, count)
                .Select(i => string.Create(CultureInfo.InvariantCulture, $"X-{i}: {new string('h', length)}\r\n"))
        );
        Assert.StartsWith(
            "HTTP/1.1 431 ",
            await RawAsync(server, $"GET {ApiRoutes.Live} HTTP/1.1\r\nHost: x\r\n{headers}\r\n"),
            StringComparison.Ordinal
        );
    }

    [Fact]
    public async Task A_path_without_end_is_refused()
    {
        await using var server = await RunningServer.StartAsync();
        Assert.StartsWith(
            "HTTP/1.1 414 ",
            await RawAsync(server, $"GET /{new string('p', 10_000)} HTTP/1.1\r\nHost: x\r\n\r\n"),
            StringComparison.Ordinal
        );
    }

    private static async Task<HttpResponseMessage> PostAsync(
        HttpClient client,
        string path,
        byte[] body,
        bool tellsLength,
        string type
    )
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = new ByteArrayContent(body) };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue(type);
        request.Headers.TransferEncodingChunked = !tellsLength;
        // A server that refuses without reading may end the connection under the sender.
        request.Headers.ExpectContinue = true;
        return await client.SendAsync(request, Cancellation);
    }

    private static async Task<Socket> ConnectAsync(RunningServer server)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(IPAddress.Loopback, server.Address.Port, Cancellation);
        return socket;
    }

    private static async Task<string> RawAsync(RunningServer server, string request, bool half = false)
    {
        using var socket = await ConnectAsync(server);
        await socket.SendAsync(Encoding.ASCII.GetBytes(request), Cancellation);
        if (half)
        {
            socket.Shutdown(SocketShutdown.Send);
        }

        var buffer = new byte[4096];
        try
        {
            var count = await socket
                .ReceiveAsync(buffer, Cancellation)
                .AsTask()
                .WaitAsync(TimeSpan.FromSeconds(20), Cancellation);
            return Encoding.ASCII.GetString(buffer, 0, count);
        }
        catch (SocketException e) when (half && e.SocketErrorCode == SocketError.ConnectionReset)
        {
            return "";
        }
    }

    // Sends a little every half second; gives the seconds until the other end has had enough.
    private static async Task<double> DripAsync(Socket socket, string drop, TimeSpan patience)
    {
        var started = System.Diagnostics.Stopwatch.StartNew();
        try
        {
            while (started.Elapsed < patience)
            {
                await socket.SendAsync(Encoding.ASCII.GetBytes(drop), Cancellation);
                await Task.Delay(500, Cancellation);
                if (socket.Poll(0, SelectMode.SelectRead))
                {
                    return started.Elapsed.TotalSeconds;
                }
            }
        }
        catch (SocketException)
        {
            return started.Elapsed.TotalSeconds;
        }

        return double.PositiveInfinity;
    }
}
