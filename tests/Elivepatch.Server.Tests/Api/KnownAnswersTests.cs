using System.Net;
using Elivepatch.Protocol.Api;
using Elivepatch.Server.State;

namespace Elivepatch.Server.Tests.Api;

/// <summary>What is answered from memory, and for how long.</summary>
public sealed class KnownAnswersTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_token_that_is_revoked_here_is_refused_at_once()
    {
        await using var server = await RunningServer.StartAsync();
        using var client = await server.WithScopesAsync(TokenScopes.Read);
        Assert.Equal(HttpStatusCode.OK, (await client.GetAsync(ApiRoutes.Builds, Cancellation)).StatusCode);
        using var administrator = server.WithSecret(server.Administrator!);
        var id = (await server.Get<TokenTable>().ListAsync(Cancellation)).Single(t => t.Name == "test read").Id;
        Assert.Equal(HttpStatusCode.NoContent, (await administrator.DeleteAsync(ApiRoutes.Token(id), Cancellation)).StatusCode);
        await Answered.RefusedAsync(
            await client.GetAsync(ApiRoutes.Builds, Cancellation),
            HttpStatusCode.Unauthorized,
            "ELP1004"
        );
    }

    [Fact]
    public async Task A_token_that_expires_is_refused_at_once()
    {
        await using var server = await RunningServer.StartAsync();
        var made = await Security.TokenIssuer.IssueAsync(
            server.Get<TokenTable>(),
            new("short", [TokenScopes.Read], 1),
            server.Clock.Now,
            Cancellation
        );
        using var client = server.WithSecret(made.Value.Secret);
        Assert.Equal(HttpStatusCode.OK, (await client.GetAsync(ApiRoutes.Builds, Cancellation)).StatusCode);
        server.Clock.Now += TimeSpan.FromDays(1);
        await Answered.RefusedAsync(
            await client.GetAsync(ApiRoutes.Builds, Cancellation),
            HttpStatusCode.Unauthorized,
            "ELP1004"
        );
    }

    [Fact]
    public async Task The_use_of_a_token_is_noted_each_minute_though_it_is_known()
    {
        await using var server = await RunningServer.StartAsync();
        using var client = await server.WithScopesAsync(TokenScopes.Read);
        for (var i = 0; i < 3; i++)
        {
            await client.GetAsync(ApiRoutes.Builds, Cancellation);
            var used = (await server.Get<TokenTable>().ListAsync(Cancellation))
                .Single(t => t.Name == "test read")
                .LastUsed!.Value;
            Assert.InRange(server.Clock.Now - used, TimeSpan.Zero, TimeSpan.FromSeconds(59));
            server.Clock.Now += TimeSpan.FromMinutes(1);
        }
    }

    [Theory]
    [InlineData(BuildState.Succeeded, true)]
    [InlineData(BuildState.Refused, true)]
    [InlineData(BuildState.Failed, false)]
    [InlineData(BuildState.Cancelled, false)]
    public async Task Only_a_build_that_cannot_change_is_answered_from_memory(BuildState state, bool isKept)
    {
        await using var server = await RunningServer.StartAsync();
        var build = await server.AddBuildAsync("build");
        using var client = await server.WithScopesAsync(TokenScopes.Read);
        Assert.Equal(BuildState.Queued, (await ViewAsync(client)).State);
        var taken = (await server.Get<BuildTable>().TakeAsync("worker", Cancellation))!;
        Assert.Equal(BuildState.Running, (await ViewAsync(client)).State);
        await server.Get<BuildTable>().FinishAsync(taken.Lease, new() { State = state }, Cancellation);
        var first = await ViewAsync(client);
        Assert.Equal((state, true), (first.State, first.IsFinal));
        // Not asked for again, but changed behind the server's back: that shows whether it looks.
        await server
            .Get<Database>()
            .ChangeAsync(
                t =>
                    Dapper.SqlMapper.ExecuteAsync(t.Connection!, "UPDATE builds SET requester = 'somebody else'", transaction: t),
                Cancellation
            );
        Assert.Equal(isKept ? "a machine" : "somebody else", (await ViewAsync(client)).Requester);
        await server.Get<BuildTable>().SubmitAsync(build, Cancellation);
        Assert.Equal(isKept ? state : BuildState.Queued, (await ViewAsync(client)).State);
    }

    [Fact]
    public async Task Every_fetch_of_a_module_is_in_the_audit_log_however_many_come_at_once()
    {
        await using var server = await RunningServer.StartAsync();
        await server.AddBuildAsync("build");
        var taken = (await server.Get<BuildTable>().TakeAsync("worker", Cancellation))!;
        var artifact = (await server.Get<BlobStore>().PutAsync("0123456789"u8.ToArray(), Cancellation)).Value;
        await server
            .Get<BuildTable>()
            .FinishAsync(
                taken.Lease,
                new()
                {
                    State = BuildState.Succeeded,
                    Module = "m",
                    Artifact = artifact,
                    ArtifactSize = 10,
                },
                Cancellation
            );
        using var client = await server.WithScopesAsync(TokenScopes.Read);
        await Task.WhenAll(
            Enumerable
                .Range(0, 300)
                .Select(async _ =>
                {
                    using var answer = await client.GetAsync(ApiRoutes.Artifact("build"), Cancellation);
                    Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
                })
        );
        var audit = server.Get<AuditTable>();
        for (var i = 0; (await audit.ListAsync(1000, Cancellation)).Count < 300 && i < 100; i++)
        {
            await Task.Delay(50, Cancellation);
        }

        var entries = await audit.ListAsync(1000, Cancellation);
        Assert.Equal(300, entries.Count);
        Assert.All(entries, e => Assert.Equal(("build", 200, "test read"), (e.Subject, e.Status, e.Name)));
        Assert.Equal(entries.Select(e => e.Id).OrderDescending(StringComparer.Ordinal), entries.Select(e => e.Id));
    }

    private static async Task<BuildView> ViewAsync(HttpClient client) =>
        await Answered.ValueAsync<BuildView>(await client.GetAsync(ApiRoutes.Build("build"), Cancellation));
}
