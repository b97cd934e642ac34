using System.Net;
using System.Net.Http.Json;
using Elivepatch.Protocol.Api;

namespace Elivepatch.Server.Tests.Api;

/// <summary>The life of a token by the interface.</summary>
public sealed class TokenTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_token_is_made_used_listed_and_revoked()
    {
        await using var server = await RunningServer.StartAsync();
        using var administrator = server.WithSecret(server.Administrator!);
        var made = await Answered.ValueAsync<NewToken>(
            await administrator.PostAsJsonAsync(
                ApiRoutes.Tokens,
                new TokenRequest("web-17", ["read", "submit"], 30),
                Cancellation
            ),
            HttpStatusCode.Created
        );
        Assert.Equal(["submit", "read"], made.Token.Scopes);
        Assert.Equal(server.Clock.Now.AddDays(30), made.Token.Expires);

        using var machine = server.WithSecret(made.Secret);
        Assert.Equal(HttpStatusCode.OK, (await machine.GetAsync(ApiRoutes.Builds, Cancellation)).StatusCode);
        var listing = await administrator.GetAsync(ApiRoutes.Tokens, Cancellation);
        Assert.DoesNotContain("elp_", await listing.Content.ReadAsStringAsync(Cancellation), StringComparison.Ordinal);
        var listed = (await Answered.ValueAsync<IReadOnlyList<TokenView>>(listing)).Single(t => t.Id == made.Token.Id);
        Assert.NotNull(listed.LastUsed);
        Assert.Null(listed.Revoked);

        Assert.Equal(
            HttpStatusCode.NoContent,
            (await administrator.DeleteAsync(ApiRoutes.Token(made.Token.Id), Cancellation)).StatusCode
        );
        await Answered.RefusedAsync(
            await machine.GetAsync(ApiRoutes.Builds, Cancellation),
            HttpStatusCode.Unauthorized,
            "ELP1004"
        );
        server.Clock.Now = server.Clock.Now.AddDays(1);
        // Again is harmless, and does not move the time.
        Assert.Equal(
            HttpStatusCode.NoContent,
            (await administrator.DeleteAsync(ApiRoutes.Token(made.Token.Id), Cancellation)).StatusCode
        );
        listed = (
            await Answered.ValueAsync<IReadOnlyList<TokenView>>(await administrator.GetAsync(ApiRoutes.Tokens, Cancellation))
        ).Single(t => t.Id == made.Token.Id);
        Assert.Equal(server.Clock.Now.AddDays(-1), listed.Revoked);
    }

    [Fact]
    public async Task A_token_that_is_not_there_cannot_be_revoked()
    {
        await using var server = await RunningServer.StartAsync();
        using var administrator = server.WithSecret(server.Administrator!);
        await Answered.RefusedAsync(
            await administrator.DeleteAsync(ApiRoutes.Token("0123"), Cancellation),
            HttpStatusCode.NotFound,
            "ELP1042"
        );
    }

    public static TheoryData<string> Nonsense =>
        [
            """{"scopes":["read"]}""",
            """{"name":null,"scopes":["read"]}""",
            """{"name":"","scopes":["read"]}""",
            """{"name":" x","scopes":["read"]}""",
            """{"name":"a\u001b[2Jb","scopes":["read"]}""",
            $$"""{"name":"{{new string('n', 101)}}","scopes":["read"]}""",
            """{"name":"x"}""",
            """{"name":"x","scopes":[]}""",
            """{"name":"x","scopes":[null]}""",
            """{"name":"x","scopes":["root"]}""",
            """{"name":"x","scopes":["READ"]}""",
            """{"name":"x","scopes":"read"}""",
            """{"name":"x","scopes":["read"],"expiresInDays":0}""",
            """{"name":"x","scopes":["read"],"expiresInDays":-1}""",
            """{"name":"x","scopes":["read"],"expiresInDays":2147483647}""",
            """{"name":"x","scopes":["read"],"expiresInDays":"30"}""",
            """{"name":"x","scopes":["read"],"expiresInDays":1e99}""",
        ];

    [Theory]
    [MemberData(nameof(Nonsense))]
    public async Task A_request_for_a_token_that_makes_no_sense_makes_none(string json)
    {
        await using var server = await RunningServer.StartAsync();
        using var administrator = server.WithSecret(server.Administrator!);
        using var body = new StringContent(json, new System.Net.Http.Headers.MediaTypeHeaderValue("application/json"));
        await Answered.RefusedAsync(
            await administrator.PostAsync(ApiRoutes.Tokens, body, Cancellation),
            HttpStatusCode.BadRequest,
            "ELP1006"
        );
        Assert.Single(
            await Answered.ValueAsync<IReadOnlyList<TokenView>>(await administrator.GetAsync(ApiRoutes.Tokens, Cancellation))
        );
    }
}
