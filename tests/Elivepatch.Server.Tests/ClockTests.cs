using System.Net;
using System.Text.Json;
using Elivepatch.Builder.Sources;
using Elivepatch.Kernel.Storage;
using Elivepatch.Protocol.Api;
using Elivepatch.Server.Security;
using Elivepatch.Server.State;

namespace Elivepatch.Server.Tests;

/// <summary>A clock that is set forward and back by a year while the server runs.</summary>
public sealed class ClockTests
{
    private static readonly TimeSpan year = TimeSpan.FromDays(365);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_build_that_was_asked_for_in_the_future_does_not_wait_until_then()
    {
        await using var server = await RunningServer.StartAsync();
        server.Clock.Now += year;
        await server.AddBuildAsync("z: of the future");
        await server.AddBuildAsync("a: of the future too", age: -1);
        server.Clock.Now -= year;
        await server.AddBuildAsync("of the present");
        var taken = new List<string>();
        while (await server.Get<BuildTable>().TakeAsync("worker", Cancellation) is { } build)
        {
            taken.Add(build.Id);
        }

        Assert.Equal(["z: of the future", "a: of the future too", "of the present"], taken);
    }

    [Fact]
    public async Task A_build_that_runs_ends_whatever_the_clock_says()
    {
        await using var server = await RunningServer.StartAsync();
        await server.AddBuildAsync("build");
        var builds = server.Get<BuildTable>();
        var taken = await builds.TakeAsync("worker", Cancellation);
        server.Clock.Now -= year;
        Assert.NotNull(await builds.RenewAsync(taken!.Lease, Cancellation));
        server.Clock.Now += 2 * year;
        Assert.NotNull(await builds.RenewAsync(taken.Lease, Cancellation));
        server.Clock.Now -= year;
        Assert.True(await builds.FinishAsync(taken.Lease, new() { State = BuildState.Succeeded }, Cancellation));
        using var client = await server.WithScopesAsync(TokenScopes.Read);
        var view = await Answered.ValueAsync<BuildView>(await client.GetAsync(ApiRoutes.Build("build"), Cancellation));
        Assert.Equal(BuildState.Succeeded, view.State);
    }

    [Fact]
    public async Task Events_keep_their_order_and_go_on()
    {
        await using var server = await RunningServer.StartAsync();
        await server.AddBuildAsync("build");
        var (builds, events) = (server.Get<BuildTable>(), server.Get<BuildEventTable>());
        var taken = await builds.TakeAsync("worker", Cancellation);
        using var client = await server.WithScopesAsync(TokenScopes.Read);
        using var reader = new StreamReader(await client.GetStreamAsync(ApiRoutes.Events("build"), Cancellation));
        foreach (var jump in (TimeSpan[])[year, -2 * year, year])
        {
            server.Clock.Now += jump;
            await events.AddAsync("build", new(0, default, BuildEventKind.Log, "", jump.ToString()), Cancellation);
        }

        await builds.FinishAsync(taken!.Lease, new() { State = BuildState.Succeeded }, Cancellation);
        var numbers = new List<long>();
        while (await reader.ReadLineAsync(Cancellation).AsTask().WaitAsync(TimeSpan.FromSeconds(20), Cancellation) is { } line)
        {
            if (line.StartsWith("data:", StringComparison.Ordinal))
            {
                numbers.Add(JsonSerializer.Deserialize(line[5..], ProtocolJson.Default.BuildEvent)!.Sequence);
            }
        }

        Assert.Equal([1, 2, 3, 4, 5, 6], numbers);
    }

    [Fact]
    public async Task A_token_counts_by_the_clock_as_it_is_and_a_revoked_one_never_comes_back()
    {
        await using var server = await RunningServer.StartAsync();
        var made = await TokenIssuer.IssueAsync(
            server.Get<TokenTable>(),
            new("short", [TokenScopes.Read], 30),
            server.Clock.Now,
            Cancellation
        );
        using var client = server.WithSecret(made.Value.Secret);
        Assert.Equal(HttpStatusCode.OK, await StatusAsync());
        server.Clock.Now += year;
        Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync());
        server.Clock.Now -= 2 * year;
        Assert.Equal(HttpStatusCode.OK, await StatusAsync());
        using var operating = server.WithSecret(server.Administrator!);
        Assert.True((await operating.DeleteAsync(ApiRoutes.Token(made.Value.Token.Id), Cancellation)).IsSuccessStatusCode);
        foreach (var jump in (TimeSpan[])[TimeSpan.Zero, year, -3 * year])
        {
            server.Clock.Now += jump;
            Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync());
        }

        async Task<HttpStatusCode> StatusAsync() => (await client.GetAsync(ApiRoutes.Builds, Cancellation)).StatusCode;
    }

    [Fact]
    public async Task Limits_of_requests_are_not_lifted_and_not_prolonged()
    {
        // One in ten seconds.
        await using var server = await RunningServer.StartAsync(o => o with { RequestsPerMinute = 6 });
        using var client = await server.WithScopesAsync(TokenScopes.Read);
        for (var i = 0; i < 6; i++)
        {
            Assert.Equal(HttpStatusCode.OK, (await client.GetAsync(ApiRoutes.Builds, Cancellation)).StatusCode);
        }

        foreach (var jump in (TimeSpan[])[year, -2 * year])
        {
            server.Clock.Now += jump;
            using var refused = await client.GetAsync(ApiRoutes.Builds, Cancellation);
            Assert.Equal(HttpStatusCode.TooManyRequests, refused.StatusCode);
            Assert.InRange(refused.Headers.RetryAfter!.Delta!.Value.TotalSeconds, 1, 60);
        }
    }

    [Fact]
    public async Task A_place_that_has_a_source_now_is_found_though_the_clock_went_back()
    {
        using var scratch = new Scratch();
        var clock = new SetClock();
        using var sources = new KernelSources(
            CacheRoot.Open(scratch.PathOf("cache")).Value,
            [new(SourceOrigin.Tree, "*", scratch.PathOf("linux"))],
            clock
        );
        var request = new SourceRequest("6.1.0", "00", null);
        Assert.False((await sources.GetCoverageAsync(request, Cancellation)).IsCovered);
        Directory.CreateDirectory(scratch.PathOf("linux"));
        Assert.False((await sources.GetCoverageAsync(request, Cancellation)).IsCovered);
        clock.Now -= year;
        clock.Passed = TimeSpan.FromMinutes(3);
        Assert.True((await sources.GetCoverageAsync(request, Cancellation)).IsCovered);
    }
}
