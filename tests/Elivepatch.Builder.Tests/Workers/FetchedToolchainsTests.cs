using System.Collections.Concurrent;
using Elivepatch.Builder.Workers;
using Elivepatch.Kernel.Tests.Toolchains;
using Elivepatch.Kernel.Toolchains;
using Elivepatch.Model.Progress;
using Elivepatch.Protocol.Api;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Logging.Abstractions;

namespace Elivepatch.Builder.Tests.Workers;

/// <summary>Toolchain roots that servers have and a worker does not.</summary>
public sealed class FetchedToolchainsTests : IAsyncDisposable
{
    private const string Machine = "x86_64";
    private readonly Scratch scratch = new();
    private readonly List<WebApplication> servers = [];
    private readonly ConcurrentQueue<string> asked = [];
    private readonly Told told = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask DisposeAsync()
    {
        foreach (var server in servers)
        {
            await server.DisposeAsync();
        }

        scratch.Dispose();
    }

    [Fact]
    public async Task A_root_is_fetched_once_from_the_server_that_has_it_when_a_build_wants_it()
    {
        var (view, archive) = await RootAsync();
        using var client = Client(await ServeAsync(404, []), await ServeAsync(200, archive));
        var toolchains = Open(client);
        toolchains.Note([view]);
        // What another server offers does not take it away.
        toolchains.Note([]);
        Assert.Contains(SmallRoot.Compiler, toolchains.Compilers);
        Assert.Null(await toolchains.EnsureAsync(Machine, "gcc-99 (Elsewhere 99.1.0-1) 99.1.0", told, Cancellation));
        Assert.Empty(asked);
        Assert.Null(await toolchains.EnsureAsync(Machine, SmallRoot.Compiler, told, Cancellation));
        Assert.Equal(view.Digest, Assert.Single(new ToolchainRoots(scratch.Cache()).List()).Digest.Hex);
        Assert.All(asked, path => Assert.Equal(ApiRoutes.Toolchain(view.Digest), path));
        Assert.Equal(2, asked.Count);
        Assert.Equal([StageState.Running, StageState.Done], told.Events.Select(e => e.State));
        Assert.Null(await toolchains.EnsureAsync(Machine, SmallRoot.Compiler, told, Cancellation));
        Assert.Equal(2, asked.Count);
    }

    [Fact]
    public async Task Of_roots_that_are_alike_one_is_fetched()
    {
        var (view, archive) = await RootAsync();
        var (other, _) = await RootAsync(root => root.File("usr/bin/more", "more"));
        using var client = Client(await ServeAsync(200, archive));
        var toolchains = Open(client);
        toolchains.Note([other, view]);
        Assert.Null(await toolchains.EnsureAsync(Machine, SmallRoot.Compiler, told, Cancellation));
        Assert.Equal(ApiRoutes.Toolchain(view.Digest), Assert.Single(asked));
    }

    [Theory]
    [InlineData(200, "no archive")]
    [InlineData(404, "")]
    public async Task A_root_that_does_not_come_is_told_and_nothing_is_kept(int status, string body)
    {
        var (view, _) = await RootAsync();
        using var client = Client(await ServeAsync(status, System.Text.Encoding.UTF8.GetBytes(body)));
        var toolchains = Open(client);
        toolchains.Note([view]);
        Assert.NotNull(await toolchains.EnsureAsync(Machine, SmallRoot.Compiler, told, Cancellation));
        Assert.Empty(new ToolchainRoots(scratch.Cache()).List());
    }

    [Fact]
    public async Task What_is_sent_in_place_of_a_root_is_not_taken()
    {
        var (view, _) = await RootAsync();
        var (_, other) = await RootAsync(root => root.File("usr/bin/more", ""));
        using var client = Client(await ServeAsync(200, other));
        var toolchains = Open(client);
        toolchains.Note([view]);
        Assert.Equal(
            Kernel.ToolchainProblems.RootDamaged,
            (await toolchains.EnsureAsync(Machine, SmallRoot.Compiler, told, Cancellation))!.Code
        );
        Assert.Empty(new ToolchainRoots(scratch.Cache()).List());
    }

    [Fact]
    public void An_offer_that_makes_no_sense_is_left_out()
    {
        using var client = Client(new Uri("http://127.0.0.1:9"));
        var toolchains = Open(client);
        var sound = new ToolchainView(new('0', 64), "x", ["gcc"], 0, 0, "", 0);
        toolchains.Note([
            null!,
            sound with
            {
                Digest = "../x",
            },
            sound with
            {
                Name = null!,
            },
            sound with
            {
                Compilers = [null!],
            },
            sound with
            {
                RustCompiler = null!,
            },
        ]);
        toolchains.Note(null);
        Assert.Empty(toolchains.Compilers);
    }

    private FetchedToolchains Open(WorkClient client) => new(scratch.Cache(), client, NullLogger<FetchedToolchains>.Instance);

    private static WorkClient Client(params Uri[] servers) => new(servers, "token", WorkerId.New());

    // As a server has it.
    private static async Task<(ToolchainView View, byte[] Archive)> RootAsync(Func<SmallRoot, SmallRoot>? change = null)
    {
        using var home = new Scratch();
        var small = new SmallRoot();
        var imported = await new ImportedRoots(home.Cache()).RunAsync(
            await (change?.Invoke(small) ?? small).WriteAsync(home.PathOf("root.tar")),
            Cancellation
        );
        using var archive = new MemoryStream();
        await RootTransfer.WriteAsync(imported.Value, archive, Cancellation);
        var facts = imported.Value.Facts;
        return (
            new(
                imported.Value.Digest.Hex,
                "root.tar",
                [SmallRoot.Compiler],
                facts.Assembler,
                facts.Linker,
                facts.RustCompiler,
                facts.Size
            ),
            archive.ToArray()
        );
    }

    private async Task<Uri> ServeAsync(int status, byte[] body)
    {
        var server = await PlainServer.StartAsync(async context =>
        {
            asked.Enqueue(context.Request.Path);
            context.Response.StatusCode = status;
            await context.Response.Body.WriteAsync(body, Cancellation);
        });
        servers.Add(server);
        return new(server.Urls.Single());
    }

    private sealed class Told : IProgress<StageEvent>
    {
        public List<StageEvent> Events { get; } = [];

        public void Report(StageEvent value) => Events.Add(value);
    }
}
