using System.Net.Http.Json;
using Elivepatch.Protocol.Api;
using Elivepatch.Server.State;

namespace Elivepatch.Server.Tests.Api;

/// <summary>Who asked for what is kept.</summary>
public sealed class AuditTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Changes_downloads_and_refusals_are_noted_and_plain_reading_is_not()
    {
        await using var server = await RunningServer.StartAsync();
        await server.AddBuildAsync("build");
        using var administrator = server.WithSecret(server.Administrator!);
        await administrator.GetAsync(ApiRoutes.Builds, Cancellation);
        await administrator.GetAsync(ApiRoutes.Build("build"), Cancellation);
        await server.Client.GetAsync(ApiRoutes.Live, Cancellation);
        Assert.Empty(await EntriesAsync(server, 0));

        var made = await Answered.ValueAsync<NewToken>(
            await administrator.PostAsJsonAsync(ApiRoutes.Tokens, new TokenRequest("m", ["read"]), Cancellation),
            System.Net.HttpStatusCode.Created
        );
        await administrator.PostAsync(ApiRoutes.Cancel("build"), null, Cancellation);
        await administrator.GetAsync(ApiRoutes.Artifact("build"), Cancellation);
        using var reader = server.WithSecret(made.Secret);
        await reader.GetAsync(ApiRoutes.Tokens, Cancellation);
        await server.Client.GetAsync(ApiRoutes.Builds, Cancellation);
        await administrator.DeleteAsync(ApiRoutes.Token("nobody"), Cancellation);

        var entries = await EntriesAsync(server, 6);
        Assert.Equal(
            [
                ("administrator", "POST /api/v1/tokens", made.Token.Id, 201),
                ("administrator", "POST /api/v1/builds/{build}/cancel", "build", 200),
                ("administrator", "GET /api/v1/builds/{build}/artifact", "build", 404),
                ("m", "GET /api/v1/tokens", "", 403),
                ("", "GET /api/v1/builds", "", 401),
                ("administrator", "DELETE /api/v1/tokens/{token}", "nobody", 404),
            ],
            entries.Select(e => (e.Name, e.Action, e.Subject, e.Status))
        );
        Assert.All(entries, e => Assert.Equal("127.0.0.1", e.Address));
        Assert.All(entries, e => Assert.Equal(server.Clock.Now, e.Time));
    }

    [Fact]
    public async Task What_a_stranger_writes_into_it_is_short_and_harmless()
    {
        await using var server = await RunningServer.StartAsync();
        await server.Client.GetAsync(
            "/api/v1/builds/" + Uri.EscapeDataString("\u001b[31m\r\n") + new string('x', 3000),
            Cancellation
        );
        var entry = Assert.Single(await EntriesAsync(server, 1));
        Assert.True(entry.Subject.Length <= 200 && entry.Action.Length <= 200);
        Assert.DoesNotContain(entry.Subject, char.IsControl);
    }

    [Fact]
    public async Task A_stranger_cannot_fill_it()
    {
        await using var server = await RunningServer.StartAsync(o => o with { RequestsPerMinute = 100_000 });
        for (var i = 0; i < 200; i++)
        {
            await server.Client.GetAsync(ApiRoutes.Builds, Cancellation);
        }

        Assert.Equal(120, (await server.Get<AuditTable>().ListAsync(1000, Cancellation)).Count);
    }

    [Fact]
    public async Task Old_entries_are_forgotten()
    {
        await using var server = await RunningServer.StartAsync();
        var audit = server.Get<AuditTable>();
        await audit.AddAsync(new("", default, "", "first", "", "", "", 0), Cancellation);
        server.Clock.Now = server.Clock.Now.AddDays(10);
        await audit.AddAsync(new("", default, "", "second", "", "", "", 0), Cancellation);
        Assert.Equal(1, await audit.RemoveOldAsync(server.Clock.Now.AddDays(-9), Cancellation));
        Assert.Equal("second", Assert.Single(await audit.ListAsync(10, Cancellation)).Name);
    }

    // An entry is written when its answer is on its way already.
    private static async Task<List<AuditEntry>> EntriesAsync(RunningServer server, int count)
    {
        for (var tries = 0; ; tries++)
        {
            var entries = await server.Get<AuditTable>().ListAsync(1000, Cancellation);
            if (entries.Count >= count && tries > 0)
            {
                return [.. entries.Reverse()];
            }

            Assert.True(tries < 100, $"{entries.Count} entries");
            await Task.Delay(50, Cancellation);
        }
    }
}
