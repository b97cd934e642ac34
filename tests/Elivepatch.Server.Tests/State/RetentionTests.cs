using System.Net;
using Elivepatch.Model;
using Elivepatch.Protocol.Api;
using Elivepatch.Server.State;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Elivepatch.Server.Tests.State;

/// <summary>
/// How long things are kept. A server that is started anew has stored nothing itself, so that what it finds may go.
/// </summary>
public sealed class RetentionTests : IDisposable
{
    private static readonly DateTimeOffset begin = new(2026, 7, 1, 12, 0, 0, TimeSpan.Zero);
    private readonly Scratch scratch = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        Microsoft.Data.Sqlite.SqliteConnection.ClearAllPools();
        scratch.Dispose();
    }

    [Fact]
    public async Task A_build_that_nobody_uses_is_removed_with_all_that_it_made()
    {
        string artifact;
        await using (var server = await StartAsync(day: 0))
        {
            artifact = (await EndedAsync(server, "old", "module")).End!.Artifact!;
        }

        await using (var server = await StartAsync(day: 89))
        {
            await RunAsync(server);
            Assert.NotNull(await server.Get<BuildTable>().FindAsync("old", Cancellation));
            Assert.True(HasBlob(artifact));
        }

        await using (var server = await StartAsync(day: 91))
        {
            await RunAsync(server);
            Assert.Null(await server.Get<BuildTable>().FindAsync("old", Cancellation));
            Assert.Empty(await server.Get<BuildEventTable>().ReadAsync("old", 0, 10, Cancellation));
            Assert.False(HasBlob(artifact));
            using var client = await server.WithScopesAsync(TokenScopes.Read);
            await Answered.RefusedAsync(
                await client.GetAsync(ApiRoutes.Artifact("old"), Cancellation),
                HttpStatusCode.NotFound,
                "ELP1009"
            );
            // It can simply be asked for again.
            Assert.Equal(BuildState.Queued, (await server.AddBuildAsync("old")).State);
        }
    }

    [Theory]
    [InlineData("artifact")]
    [InlineData("explanation")]
    public async Task Who_fetches_what_a_build_made_keeps_it(string what)
    {
        await using (var server = await StartAsync(day: 0))
        {
            await EndedAsync(server, "used", "module");
        }

        await using (var server = await StartAsync(day: 80))
        {
            using var client = await server.WithScopesAsync(TokenScopes.Read);
            using var answer = await client.GetAsync($"{ApiRoutes.Build("used")}/{what}", Cancellation);
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        }

        await using (var server = await StartAsync(day: 160))
        {
            await RunAsync(server);
            Assert.NotNull(await server.Get<BuildTable>().FindAsync("used", Cancellation));
            // It is known from memory as well.
            using var client = await server.WithScopesAsync(TokenScopes.Read);
            Assert.Equal(HttpStatusCode.OK, (await client.GetAsync(ApiRoutes.Build("used"), Cancellation)).StatusCode);
            server.Clock.Now = begin.AddDays(171);
            await RunAsync(server);
            await Answered.RefusedAsync(
                await client.GetAsync(ApiRoutes.Build("used"), Cancellation),
                HttpStatusCode.NotFound,
                "ELP1009"
            );
            await Answered.RefusedAsync(
                await client.GetAsync($"{ApiRoutes.Build("used")}/{what}", Cancellation),
                HttpStatusCode.NotFound,
                "ELP1009"
            );
        }
    }

    [Fact]
    public async Task What_waits_or_runs_is_never_removed_and_nothing_is_where_the_operator_says_so()
    {
        await using (var server = await StartAsync(day: 0))
        {
            await EndedAsync(server, "ended", "module");
            await server.AddBuildAsync("runs");
            await server.Get<BuildTable>().TakeAsync("worker", Cancellation);
            await server.AddBuildAsync("waits");
        }

        await using (var server = await StartAsync(day: 1000, buildDays: 0))
        {
            await RunAsync(server);
            Assert.Equal(3, (await server.Get<BuildTable>().ListAsync(null, null, 10, Cancellation)).Count);
        }

        await using (var server = await StartAsync(day: 1000))
        {
            await RunAsync(server);
            Assert.Equal(
                ["runs", "waits"],
                (await server.Get<BuildTable>().ListAsync(null, null, 10, Cancellation)).Select(b => b.Id).Order()
            );
        }
    }

    [Fact]
    public async Task A_content_that_two_builds_made_stays_with_the_other()
    {
        await using (var server = await StartAsync(day: 0))
        {
            await EndedAsync(server, "old", "same");
        }

        string artifact;
        await using (var server = await StartAsync(day: 50))
        {
            artifact = (await EndedAsync(server, "young", "same")).End!.Artifact!;
        }

        await using (var server = await StartAsync(day: 100))
        {
            await RunAsync(server);
            Assert.Equal("young", Assert.Single(await server.Get<BuildTable>().ListAsync(null, null, 10, Cancellation)).Id);
            Assert.True(HasBlob(artifact));
        }
    }

    [Fact]
    public async Task What_a_killed_server_had_stored_for_nobody_is_removed_and_what_was_stored_lately_is_not()
    {
        string orphan;
        await using (var server = await StartAsync(day: 0))
        {
            orphan = (await server.Get<BlobStore>().PutAsync("orphan"u8.ToArray(), Cancellation)).Value;
            // Somebody may be about to refer to it.
            await RunAsync(server);
            Assert.True(HasBlob(orphan));
            // As somebody would who counts by the clock on the wall.
            server.Clock.Now = begin.AddYears(1);
            await RunAsync(server);
            Assert.True(HasBlob(orphan));
        }

        await using (var server = await StartAsync(day: 0))
        {
            await RunAsync(server);
            Assert.False(HasBlob(orphan));
            await RunAsync(server);
        }
    }

    [Fact]
    public async Task What_is_stored_again_while_the_old_is_removed_is_there()
    {
        var contents = Enumerable.Range(0, 60).Select(i => BitConverter.GetBytes(i)).ToList();
        await using (var server = await StartAsync(day: 0))
        {
            foreach (var content in contents)
            {
                await server.Get<BlobStore>().PutAsync(content, Cancellation);
            }
        }

        await using (var server = await StartAsync(day: 0))
        {
            var (blobs, kernels) = (server.Get<BlobStore>(), server.Get<KernelTable>());
            var removing = Task.Run(() => RunAsync(server), Cancellation);
            await Parallel.ForEachAsync(
                contents,
                Cancellation,
                async (content, cancellation) =>
                {
                    var digest = (await blobs.PutAsync(content, cancellation)).Value;
                    await kernels.AddAsync(
                        new(digest, "6.1", "00", "x86_64", "gcc", digest, null, null, begin, "test"),
                        cancellation
                    );
                }
            );
            await removing;
            await RunAsync(server);
        }

        await using (var server = await StartAsync(day: 0))
        {
            await RunAsync(server);
        }

        Assert.All(contents, c => Assert.True(HasBlob(ContentDigest.Of(c).Hex)));
    }

    [Fact]
    public async Task A_part_goes_with_its_token_unless_a_build_is_made_of_it()
    {
        string used,
            unused;
        await using (var server = await StartAsync(day: 0))
        {
            var blobs = server.Get<BlobStore>();
            used = (await blobs.PutAsync("used"u8.ToArray(), Cancellation)).Value;
            unused = (await blobs.PutAsync("unused"u8.ToArray(), Cancellation)).Value;
            var build = await server.AddBuildAsync("first");
            await server.Get<BuildTable>().SubmitAsync(build with { Id = "build", Source = used }, Cancellation);
            var tokens = server.Get<TokenTable>();
            await tokens.AddAsync(new("token", "a", "1", [], begin), Cancellation);
            await tokens.RevokeAsync("token", begin, Cancellation);
            await server
                .Get<KernelTable>()
                .SetPartAsync(new("kernel", "token", KernelParts.Source, used, 4, begin), 100, Cancellation);
            await server
                .Get<KernelTable>()
                .SetPartAsync(new("kernel", "token", KernelParts.BootImage, unused, 6, begin), 100, Cancellation);
        }

        await using (var server = await StartAsync(day: 1))
        {
            await RunAsync(server);
            Assert.True(HasBlob(used));
            Assert.False(HasBlob(unused));
        }
    }

    [Fact]
    public async Task A_clock_that_jumps_makes_nothing_old()
    {
        var clock = new SetClock();
        var timer = new MonotonicTimer(clock);
        Assert.True(await timer.WaitAsync(TimeSpan.FromMilliseconds(20), Cancellation));
        foreach (var jump in (TimeSpan[])[TimeSpan.FromDays(365), TimeSpan.FromDays(-365)])
        {
            var waiting = timer.WaitAsync(TimeSpan.FromMilliseconds(100), Cancellation);
            clock.Now += jump;
            Assert.False(await waiting);
            Assert.True(await timer.WaitAsync(TimeSpan.FromMilliseconds(20), Cancellation));
        }

        // Time that has passed is no jump.
        var passing = timer.WaitAsync(TimeSpan.FromMilliseconds(100), Cancellation);
        (clock.Now, clock.Passed) = (clock.Now.AddDays(2), TimeSpan.FromDays(2));
        Assert.True(await passing);
    }

    private async Task<RunningServer> StartAsync(int day, int buildDays = 90)
    {
        var server = await RunningServer.StartAsync(o => o with { BuildDays = buildDays }, scratch.PathOf("state"));
        server.Clock.Now = begin.AddDays(day);
        return server;
    }

    private static Task RunAsync(RunningServer server) =>
        server.Services.GetServices<IHostedService>().OfType<Retention>().Single().RunOnceAsync(Cancellation);

    private static async Task<StoredBuild> EndedAsync(RunningServer server, string id, string module)
    {
        var (builds, blobs) = (server.Get<BuildTable>(), server.Get<BlobStore>());
        await server.AddBuildAsync(id);
        var taken = await builds.TakeAsync("worker", Cancellation);
        Assert.Equal(id, taken!.Id);
        var end = new BuildEnd
        {
            State = BuildState.Succeeded,
            Module = "m",
            Artifact = (await blobs.PutAsync(System.Text.Encoding.UTF8.GetBytes(module), Cancellation)).Value,
            Explanation = (await blobs.PutAsync("{}"u8.ToArray(), Cancellation)).Value,
        };
        Assert.True(await builds.FinishAsync(taken.Lease, end, Cancellation));
        return (await builds.FindAsync(id, Cancellation))!;
    }

    private bool HasBlob(string digest) => File.Exists(Path.Combine(scratch.PathOf("state"), "blobs", digest[..2], digest));
}
