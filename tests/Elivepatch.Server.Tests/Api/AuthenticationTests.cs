using System.Net;
using System.Text;
using Elivepatch.Protocol.Api;
using Elivepatch.Server.Security;
using Elivepatch.Server.State;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Routing;

namespace Elivepatch.Server.Tests.Api;

/// <summary>Who may ask for what.</summary>
public sealed class AuthenticationTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Without_a_token_nothing_but_keys_health_and_description_is_answered()
    {
        await using var server = await RunningServer.StartAsync();
        foreach (
            var path in new[]
            {
                ApiRoutes.Kernels,
                ApiRoutes.Builds,
                ApiRoutes.Tokens,
                ApiRoutes.Build("x"),
                ApiRoutes.Events("x"),
                ApiRoutes.Machines,
                "/api/v2",
                "/health",
                "/favicon.ico",
            }
        )
        {
            using var answer = await server.Client.GetAsync(path, Cancellation);
            await Answered.RefusedAsync(answer, HttpStatusCode.Unauthorized, "ELP1004");
            Assert.Equal("Bearer", answer.Headers.WwwAuthenticate.ToString());
        }

        foreach (var path in new[] { ApiRoutes.Keys, ApiRoutes.Live, ApiRoutes.Ready, "/api/v1/openapi.json" })
        {
            Assert.Equal(HttpStatusCode.OK, (await server.Client.GetAsync(path, Cancellation)).StatusCode);
        }
    }

    [Theory]
    [InlineData("Bearer")]
    [InlineData("Bearer ")]
    [InlineData("Bearer elp_")]
    [InlineData("Bearer elp_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")]
    [InlineData("Bearer xyz_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")]
    [InlineData("Bearer elp_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'")]
    [InlineData("Bearer ' OR 1=1 --")]
    [InlineData("Basic YWRtaW46YWRtaW4=")]
    [InlineData("Digest x")]
    public async Task A_header_that_is_no_token_is_refused(string header)
    {
        await using var server = await RunningServer.StartAsync();
        using var request = new HttpRequestMessage(HttpMethod.Get, ApiRoutes.Builds);
        request.Headers.TryAddWithoutValidation("Authorization", header);
        await Answered.RefusedAsync(await server.Client.SendAsync(request, Cancellation), HttpStatusCode.Unauthorized, "ELP1004");
    }

    [Fact]
    public async Task Two_headers_with_a_good_token_among_them_are_refused()
    {
        await using var server = await RunningServer.StartAsync();
        using var request = new HttpRequestMessage(HttpMethod.Get, ApiRoutes.Builds);
        request.Headers.TryAddWithoutValidation("Authorization", ["Bearer " + server.Administrator, "Bearer elp_x"]);
        await Answered.RefusedAsync(await server.Client.SendAsync(request, Cancellation), HttpStatusCode.Unauthorized, "ELP1004");
    }

    [Fact]
    public async Task A_token_in_the_address_counts_for_nothing()
    {
        await using var server = await RunningServer.StartAsync();
        await Answered.RefusedAsync(
            await server.Client.GetAsync(
                $"{ApiRoutes.Builds}?access_token={server.Administrator}&token={server.Administrator}",
                Cancellation
            ),
            HttpStatusCode.Unauthorized,
            "ELP1004"
        );
    }

    [Fact]
    public async Task A_token_that_is_revoked_elsewhere_is_refused_within_two_seconds()
    {
        await using var server = await RunningServer.StartAsync();
        using var client = await server.WithScopesAsync(TokenScopes.Read);
        Assert.Equal(HttpStatusCode.OK, (await client.GetAsync(ApiRoutes.Builds, Cancellation)).StatusCode);
        var token = (await server.Get<TokenTable>().ListAsync(Cancellation)).Single(t => t.Name == "test read");
        await server.Get<TokenTable>().RevokeAsync(token.Id, server.Clock.Now, Cancellation);
        await Task.Delay(2100, Cancellation);
        var details = await Answered.RefusedAsync(
            await client.GetAsync(ApiRoutes.Builds, Cancellation),
            HttpStatusCode.Unauthorized,
            "ELP1004"
        );
        Assert.Equal("the token has been revoked", details.Detail);
    }

    [Fact]
    public async Task A_token_is_good_until_the_moment_of_its_end()
    {
        await using var server = await RunningServer.StartAsync();
        var made = await TokenIssuer.IssueAsync(
            server.Get<TokenTable>(),
            new("machine", [TokenScopes.Read], 1),
            server.Clock.Now,
            Cancellation
        );
        using var client = server.WithSecret(made.Value.Secret);
        var end = server.Clock.Now.AddDays(1);
        server.Clock.Now = end.AddMilliseconds(-1);
        Assert.Equal(HttpStatusCode.OK, (await client.GetAsync(ApiRoutes.Builds, Cancellation)).StatusCode);
        server.Clock.Now = end;
        var details = await Answered.RefusedAsync(
            await client.GetAsync(ApiRoutes.Builds, Cancellation),
            HttpStatusCode.Unauthorized,
            "ELP1004"
        );
        Assert.Equal("the token has expired", details.Detail);
    }

    [Fact]
    public async Task Every_endpoint_asks_for_a_scope_or_is_one_of_the_few_open_ones()
    {
        await using var server = await RunningServer.StartAsync();
        var open = server
            .Get<EndpointDataSource>()
            .Endpoints.OfType<RouteEndpoint>()
            .Where(e => e.Metadata.GetMetadata<NeededScope>() is null)
            .Select(e => e.RoutePattern.RawText)
            .Order(StringComparer.Ordinal);
        Assert.Equal(
            [
                "/api/v1/keys",
                "/api/v1/openapi.json",
                "/assets/{name}",
                "/health/live",
                "/health/ready",
                "/sign-in",
                "/sign-in",
                "/sign-out",
            ],
            open
        );
        Assert.All(
            server.Get<EndpointDataSource>().Endpoints.Where(e => e.Metadata.GetMetadata<NeededScope>() is not null),
            e => Assert.Null(e.Metadata.GetMetadata<IAllowAnonymous>())
        );
    }

    public static TheoryData<string, string, string> Needs =>
        new()
        {
            { "GET", ApiRoutes.Kernels, "read" },
            { "POST", ApiRoutes.Kernels, "submit" },
            { "GET", ApiRoutes.Kernel("x"), "read" },
            { "DELETE", ApiRoutes.Kernel("x"), "operate" },
            { "PUT", ApiRoutes.KernelPart("x", "source"), "submit" },
            { "GET", ApiRoutes.Builds, "read" },
            { "POST", ApiRoutes.Builds, "submit" },
            { "GET", ApiRoutes.Build("x"), "read" },
            { "POST", ApiRoutes.Cancel("x"), "submit" },
            { "GET", ApiRoutes.Events("x"), "read" },
            { "GET", ApiRoutes.Log("x"), "read" },
            { "GET", ApiRoutes.Artifact("x"), "read" },
            { "GET", ApiRoutes.Manifest("x"), "read" },
            { "GET", ApiRoutes.Explanation("x"), "read" },
            { "GET", ApiRoutes.Console("x"), "read" },
            { "GET", ApiRoutes.Tokens, "operate" },
            { "POST", ApiRoutes.Tokens, "operate" },
            { "DELETE", ApiRoutes.Token("x"), "operate" },
        };

    [Theory]
    [MemberData(nameof(Needs))]
    public async Task A_token_with_every_other_scope_is_refused(string method, string path, string scope)
    {
        await using var server = await RunningServer.StartAsync();
        using var client = await server.WithScopesAsync([.. TokenScopes.All.Where(s => s != scope)]);
        using var request = new HttpRequestMessage(new(method), path);
        var details = await Answered.RefusedAsync(
            await client.SendAsync(request, Cancellation),
            HttpStatusCode.Forbidden,
            "ELP1005"
        );
        Assert.StartsWith($"it needs the scope {scope}, ", details.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_secret_of_a_token_is_nowhere_in_the_state()
    {
        using var scratch = new Scratch();
        string secret;
        await using (var server = await RunningServer.StartAsync(state: scratch.Folder))
        {
            secret = server.Administrator!;
            using var client = server.WithSecret(secret);
            Assert.Equal(HttpStatusCode.OK, (await client.GetAsync(ApiRoutes.Tokens, Cancellation)).StatusCode);
        }

        foreach (var file in Directory.EnumerateFiles(scratch.Folder, "*", SearchOption.AllDirectories))
        {
            Assert.DoesNotContain(
                secret,
                Encoding.Latin1.GetString(await File.ReadAllBytesAsync(file, Cancellation)),
                StringComparison.Ordinal
            );
        }
    }

    [Fact]
    public async Task Only_the_first_start_makes_an_administrator()
    {
        using var scratch = new Scratch();
        await using (var first = await RunningServer.StartAsync(state: scratch.Folder))
        {
            Assert.Matches("^elp_[A-Za-z0-9_-]{43}$", first.Administrator);
        }

        await using var second = await RunningServer.StartAsync(state: scratch.Folder);
        Assert.Null(second.Administrator);
    }

    [Fact]
    public async Task The_use_of_a_token_is_noted_to_the_minute()
    {
        await using var server = await RunningServer.StartAsync();
        using var client = server.WithSecret(server.Administrator!);
        await client.GetAsync(ApiRoutes.Builds, Cancellation);
        Assert.Equal(
            new DateTimeOffset(2026, 7, 1, 12, 0, 0, TimeSpan.Zero),
            (await server.Get<TokenTable>().ListAsync(Cancellation)).Single().LastUsed
        );
        server.Clock.Now = server.Clock.Now.AddMinutes(3);
        await client.GetAsync(ApiRoutes.Builds, Cancellation);
        Assert.Equal(
            new DateTimeOffset(2026, 7, 1, 12, 3, 0, TimeSpan.Zero),
            (await server.Get<TokenTable>().ListAsync(Cancellation)).Single().LastUsed
        );
    }
}
