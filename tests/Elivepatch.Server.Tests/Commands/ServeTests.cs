using System.Collections.Concurrent;
using System.Net;
using Elivepatch.Protocol.Api;
using Elivepatch.Protocol.Manifests;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;

namespace Elivepatch.Server.Tests.Commands;

/// <summary>The service as a process.</summary>
public sealed class ServeTests : IDisposable
{
    private readonly Scratch scratch = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => scratch.Dispose();

    [Fact]
    public async Task It_says_where_it_is_and_ends_quietly_when_it_is_told_to()
    {
        using var server = await ServerProcess.StartAsync([], scratch.PathOf("state"));
        using var client = server.Client();
        Assert.Equal(HttpStatusCode.OK, (await client.GetAsync(ApiRoutes.Builds, Cancellation)).StatusCode);
        var keys = await Answered.ValueAsync<IReadOnlyList<KeyView>>(await client.GetAsync(ApiRoutes.Keys, Cancellation));
        Assert.Contains($"public key  {keys.Single().Id}", server.Greeting, StringComparison.Ordinal);
        Assert.Equal(0, await server.EndAsync());
        await Waiting.UntilAsync(() => server.Log.Contains("elivepatchd has stopped", StringComparison.Ordinal));
        Assert.Contains(
            $"listens on {server.AddressOf("http").GetLeftPart(UriPartial.Authority)}",
            server.Log,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public async Task A_port_that_is_taken_is_said_in_a_line()
    {
        using var server = await ServerProcess.StartAsync([], scratch.PathOf("state"));
        using var second = DaemonProgram.Start([
            .. DaemonProgram.Words(),
            "--state-folder",
            scratch.PathOf("other"),
            "--listen",
            server.AddressOf("http").GetLeftPart(UriPartial.Authority),
        ]);
        var output = second.StandardOutput.ReadToEndAsync(Cancellation);
        var error = await second.StandardError.ReadToEndAsync(Cancellation);
        await second.WaitForExitAsync(Cancellation);

        Assert.NotEqual(0, second.ExitCode);
        Assert.Contains("listen:", error, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", error + await output, StringComparison.Ordinal);
        Assert.Equal(0, await server.EndAsync());
    }

    [Fact]
    public async Task A_killed_server_starts_again_with_what_it_had()
    {
        string secret;
        using (var server = await ServerProcess.StartAsync([], scratch.PathOf("state")))
        {
            secret = server.Secret!;
            server.Kill();
        }

        using var again = await ServerProcess.StartAsync([], scratch.PathOf("state"));
        Assert.Null(again.Secret);
        using var client = again.Client(secret);
        Assert.Equal(HttpStatusCode.OK, (await client.GetAsync(ApiRoutes.Tokens, Cancellation)).StatusCode);
        Assert.Equal(0, await again.EndAsync());
    }

    [Fact]
    public async Task On_a_full_disk_it_refuses_goes_on_reading_and_recovers()
    {
        Directory.CreateDirectory(scratch.PathOf("state"));
        // The state lies on a file system of 8 MiB.
        using var server = await ServerProcess.StartAsync(
            ["bwrap", "--die-with-parent", "--dev-bind", "/", "/", "--size", "8388608", "--tmpfs", scratch.PathOf("state"), "--"],
            scratch.PathOf("state")
        );
        using var client = server.Client();
        using var content = new ByteArrayContent(new byte[20 << 20]);
        await Answered.RefusedAsync(
            await client.PostAsync(ApiRoutes.Kernels, content, Cancellation),
            HttpStatusCode.ServiceUnavailable,
            "ELP1016"
        );
        Assert.Equal(HttpStatusCode.OK, (await client.GetAsync(ApiRoutes.Builds, Cancellation)).StatusCode);
        // What was on its way is gone, so there is room again.
        using var ready = await client.GetAsync(ApiRoutes.Ready, Cancellation);
        Assert.Equal(HttpStatusCode.OK, ready.StatusCode);
        Assert.Equal(0, await server.EndAsync());
    }

    [Fact]
    public async Task It_tells_the_service_manager_when_it_is_ready()
    {
        var path = scratch.PathOf("notify");
        using var socket = new System.Net.Sockets.Socket(
            System.Net.Sockets.AddressFamily.Unix,
            System.Net.Sockets.SocketType.Dgram,
            System.Net.Sockets.ProtocolType.Unspecified
        );
        socket.Bind(new System.Net.Sockets.UnixDomainSocketEndPoint(path));
        using var server = await ServerProcess.StartAsync(["env", $"NOTIFY_SOCKET={path}"], scratch.PathOf("state"));
        var buffer = new byte[100];
        var count = await socket.ReceiveAsync(buffer, Cancellation).AsTask().WaitAsync(TimeSpan.FromSeconds(20), Cancellation);
        Assert.Equal("READY=1"u8.ToArray(), buffer[..count]);
    }

    [Fact]
    public async Task With_a_collector_traces_and_metrics_are_sent_and_the_last_when_the_server_ends()
    {
        var got = new ConcurrentBag<string>();
        var builder = WebApplication.CreateEmptyBuilder(new());
        builder.WebHost.UseKestrelCore().UseUrls("http://127.0.0.1:0");
        await using var collector = builder.Build();
        collector.Run(async context =>
        {
            using var body = new MemoryStream();
            await context.Request.Body.CopyToAsync(body, Cancellation);
            got.Add($"{context.Request.Path} {context.Request.ContentType} {body.Length > 0}");
            context.Response.StatusCode = StatusCodes.Status200OK;
        });
        await collector.StartAsync(Cancellation);
        using var server = await ServerProcess.StartAsync(
            ["env", $"ELIVEPATCHD_OTLP_ENDPOINT={collector.Urls.Single()}"],
            scratch.PathOf("state")
        );
        using var client = server.Client();
        Assert.Equal(HttpStatusCode.OK, (await client.GetAsync(ApiRoutes.Live, Cancellation)).StatusCode);
        Assert.Equal(0, await server.EndAsync());
        Assert.Contains("/v1/traces application/x-protobuf True", got);
        Assert.Contains("/v1/metrics application/x-protobuf True", got);
    }
}
