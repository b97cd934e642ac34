using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using Elivepatch.Builder.Sources;
using Elivepatch.Kernel;
using Elivepatch.Kernel.Storage;
using Elivepatch.Model;
using Microsoft.AspNetCore.Builder;

namespace Elivepatch.Builder.Tests.Sources;

/// <summary>A mirror that is a server, good and bad ones.</summary>
public sealed class HttpMirrorTests : IDisposable
{
    private const string Name = "linux-6.1.90.tar.xz";
    private static readonly byte[] archive = RandomNumberGenerator.GetBytes(300_000);
    private readonly Scratch scratch = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => scratch.Dispose();

    [Fact]
    public async Task The_archive_is_fetched_once_and_kept()
    {
        var asked = new List<string>();
        await using var mirror = await PlainServer.StartAsync(async context =>
        {
            lock (asked)
            {
                asked.Add(context.Request.Path);
            }

            await context.Response.Body.WriteAsync(archive, Cancellation);
        });
        for (var i = 0; i < 2; i++)
        {
            var provided = await FetchAsync(mirror);
            Assert.True(provided.Succeeded, string.Join('\n', provided.Problems));
            Assert.Equal(archive, await File.ReadAllBytesAsync(provided.Value.SourcePath, Cancellation));
        }

        Assert.Equal(["/v6.x/" + Name], asked);
    }

    [Fact]
    public async Task A_redirect_is_followed_and_the_digest_decides()
    {
        await using var mirror = await PlainServer.StartAsync(context =>
        {
            if (context.Request.Path.StartsWithSegments("/elsewhere"))
            {
                return context.Response.Body.WriteAsync(archive, Cancellation).AsTask();
            }

            context.Response.Redirect("/elsewhere/file");
            return Task.CompletedTask;
        });
        Assert.True((await FetchAsync(mirror)).Succeeded);
    }

    [Fact]
    public async Task Redirects_without_end_are_not_followed_for_ever()
    {
        await using var mirror = await PlainServer.StartAsync(context =>
        {
            context.Response.Redirect(context.Request.Path + "x");
            return Task.CompletedTask;
        });
        await RefusedAsync(mirror, "302");
    }

    [Fact]
    public async Task Another_content_is_refused_and_not_kept()
    {
        var isRight = false;
        await using var mirror = await PlainServer.StartAsync(context =>
            context.Response.Body.WriteAsync(isRight ? archive : [1, 2, 3], Cancellation).AsTask()
        );
        await RefusedAsync(mirror, "its SHA-256 is");
        isRight = true;
        Assert.True((await FetchAsync(mirror)).Succeeded);
    }

    [Fact]
    public async Task One_that_breaks_off_half_way_is_refused_and_not_kept()
    {
        var isWhole = false;
        await using var mirror = await PlainServer.StartAsync(async context =>
        {
            context.Response.ContentLength = archive.Length;
            await context.Response.Body.WriteAsync(
                archive.AsMemory(0, isWhole ? archive.Length : archive.Length / 2),
                Cancellation
            );
            await context.Response.Body.FlushAsync(Cancellation);
            if (!isWhole)
            {
                context.Abort();
            }
        });
        await RefusedAsync(mirror, "");
        isWhole = true;
        Assert.True((await FetchAsync(mirror)).Succeeded);
    }

    [Fact]
    public async Task More_than_an_archive_may_have_is_not_read()
    {
        // A socket counts what was taken from it, where a web server would count what it was told to send.
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var sending = SendWithoutEndAsync(listener);
        var provided = await FetchAsync($"http://{listener.LocalEndpoint}");
        Assert.Contains("more than 1 MiB", Assert.Single(provided.Problems).Reason, StringComparison.Ordinal);
        Assert.InRange(await sending.WaitAsync(TimeSpan.FromSeconds(60), Cancellation), 1 << 20, 64 << 20);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task One_that_says_nothing_is_not_waited_for(bool afterSome)
    {
        await using var mirror = await PlainServer.StartAsync(async context =>
        {
            if (afterSome)
            {
                await context.Response.Body.WriteAsync(archive.AsMemory(0, 1000), Cancellation);
                await context.Response.Body.FlushAsync(Cancellation);
            }

            await Task.Delay(Timeout.Infinite, context.RequestAborted);
        });
        var clock = Stopwatch.StartNew();
        await RefusedAsync(mirror, "nothing came for", silence: TimeSpan.FromSeconds(1));
        Assert.InRange(clock.Elapsed.TotalSeconds, 0.9, 20);
    }

    [Theory]
    [InlineData(404)]
    [InlineData(500)]
    public async Task One_that_does_not_have_it_is_told_of(int status)
    {
        await using var mirror = await PlainServer.StartAsync(context =>
        {
            context.Response.StatusCode = status;
            return Task.CompletedTask;
        });
        await RefusedAsync(mirror, status.ToString(System.Globalization.CultureInfo.InvariantCulture));
    }

    private static async Task<long> SendWithoutEndAsync(TcpListener listener)
    {
        using var socket = await listener.AcceptSocketAsync(Cancellation);
        await socket.ReceiveAsync(new byte[4096], Cancellation);
        await socket.SendAsync("HTTP/1.1 200 OK\r\n\r\n"u8.ToArray(), Cancellation);
        var sent = 0L;
        try
        {
            while (true)
            {
                sent += await socket.SendAsync(archive, Cancellation);
            }
        }
        catch (SocketException)
        {
            return sent;
        }
    }

    private async Task RefusedAsync(WebApplication mirror, string reason, TimeSpan? silence = null)
    {
        var provided = await FetchAsync(mirror, silence);
        var problem = Assert.Single(provided.Problems);
        Assert.Equal(RecordProblems.DownloadFailed, problem.Code);
        Assert.Contains(reason, problem.Reason, StringComparison.Ordinal);
        Assert.Contains(Name, problem.Reason, StringComparison.Ordinal);
    }

    private Task<Outcome<ProvidedSource>> FetchAsync(WebApplication mirror, TimeSpan? silence = null) =>
        FetchAsync(mirror.Urls.Single(), silence);

    private async Task<Outcome<ProvidedSource>> FetchAsync(string mirror, TimeSpan? silence = null)
    {
        var digests = new Dictionary<string, string> { [Name] = ContentDigest.Of(archive).Hex };
        using var source = new MirrorSource(
            CacheRoot.Open(scratch.PathOf("cache")).Value,
            new(SourceOrigin.Mirror, "*", mirror + "/v{major}.x", digests)
        )
        {
            Silence = silence ?? TimeSpan.FromSeconds(30),
            Largest = 1 << 20,
        };
        return await source.ProvideAsync(new("6.1.90-own", "00", null), null, Cancellation);
    }
}
