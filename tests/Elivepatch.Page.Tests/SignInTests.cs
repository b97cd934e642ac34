using System.Net;
using System.Text.RegularExpressions;
using Elivepatch.Protocol.Api;
using Elivepatch.Server.Pages;
using Elivepatch.Server.Security;
using Elivepatch.Server.State;
using Microsoft.Playwright;

namespace Elivepatch.Page.Tests;

/// <summary>Who gets in, and how long.</summary>
public sealed partial class SignInTests(Chromium chromium)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Whoever_signs_in_and_out_is_in_and_out()
    {
        await using var server = await RunningServer.StartAsync();
        await using var visit = await Visit.BeginAsync(chromium, server, new() { JavaScriptEnabled = false });
        await visit.Page.GotoAsync("/machines");
        Assert.EndsWith("/sign-in?return=%2Fmachines", visit.Page.Url, StringComparison.Ordinal);
        await visit.SignInFromHereAsync();
        Assert.EndsWith("/machines", visit.Page.Url, StringComparison.Ordinal);
        var cookie = (await visit.Page.Context.CookiesAsync()).Single(c => c.Name == "elivepatch");
        Assert.True(cookie.HttpOnly);
        Assert.Equal(SameSiteAttribute.Strict, cookie.SameSite);
        Assert.InRange(
            cookie.Expires,
            DateTimeOffset.UtcNow.AddHours(11).ToUnixTimeSeconds(),
            DateTimeOffset.UtcNow.AddHours(13).ToUnixTimeSeconds()
        );

        await visit.Page.GetByRole(AriaRole.Button, new() { Name = "Sign out" }).ClickAsync();
        Assert.EndsWith("/sign-in", visit.Page.Url, StringComparison.Ordinal);
        // The cookie that somebody may have kept is worth nothing.
        using var client = Client(server, $"elivepatch={cookie.Value}");
        Assert.Equal(HttpStatusCode.SeeOther, (await client.GetAsync("/", Cancellation)).StatusCode);
        visit.MustBeClean();
    }

    [Fact]
    public async Task A_wrong_token_is_told_and_noted()
    {
        await using var server = await RunningServer.StartAsync();
        await using var visit = await Visit.BeginAsync(chromium, server);
        visit.ExpectsErrors = true;
        foreach (
            var (token, reason) in new[]
            {
                ("hunter2", "it is not a token of this service"),
                (TokenSecret.Create(), "the token is unknown"),
            }
        )
        {
            await visit.SignInWithAsync(token);
            await Assertions.Expect(visit.Page.GetByRole(AriaRole.Alert)).ToContainTextAsync($"ELP1004: {reason}");
            Assert.Equal("", await visit.Page.GetByLabel("Token").InputValueAsync());
        }

        var entries = (await server.Get<AuditTable>().ListAsync(10, Cancellation))
            .Where(e => e.Action == "POST /sign-in")
            .ToList();
        Assert.Equal([401, 401], entries.Select(e => e.Status));
        Assert.All(entries, e => Assert.Equal("", e.Token));
    }

    [Fact]
    public async Task A_token_that_may_not_read_gets_no_session()
    {
        await using var server = await RunningServer.StartAsync();
        await using var visit = await Visit.BeginAsync(chromium, server);
        await visit.SignInAsync(TokenScopes.Submit);
        await Assertions.Expect(visit.Page.GetByRole(AriaRole.Alert)).ToContainTextAsync("ELP1005: the token has no scope read");
        Assert.DoesNotContain(await visit.Page.Context.CookiesAsync(), c => c.Name == "elivepatch");
    }

    [Fact]
    public async Task A_session_ends_with_its_token_and_with_its_time()
    {
        await using var server = await RunningServer.StartAsync();
        using var client = await SignedInAsync(server);
        Assert.Equal(HttpStatusCode.OK, (await client.GetAsync("/", Cancellation)).StatusCode);
        var token = (await server.Get<TokenTable>().ListAsync(Cancellation)).Single(t => t.Name == "ops");
        await server.Get<TokenTable>().RevokeAsync(token.Id, server.Clock.Now, Cancellation);
        using var gone = await client.GetAsync("/builds/x/events", Cancellation);
        Assert.Equal(HttpStatusCode.SeeOther, gone.StatusCode);
        Assert.Equal("/sign-in?return=%2Fbuilds%2Fx%2Fevents&over=1", gone.Headers.Location!.ToString());

        using var other = await SignedInAsync(server);
        server.Clock.Now += SessionSecret.Life - TimeSpan.FromSeconds(1);
        Assert.Equal(HttpStatusCode.OK, (await other.GetAsync("/", Cancellation)).StatusCode);
        server.Clock.Now += TimeSpan.FromSeconds(1);
        Assert.Equal(HttpStatusCode.SeeOther, (await other.GetAsync("/", Cancellation)).StatusCode);
    }

    [Fact]
    public async Task The_cookie_is_for_pages_and_the_header_for_the_interface()
    {
        await using var server = await RunningServer.StartAsync();
        using var client = await SignedInAsync(server);
        Assert.Equal(HttpStatusCode.Unauthorized, (await client.GetAsync(ApiRoutes.Builds, Cancellation)).StatusCode);
        using var machine = await server.WithScopesAsync(TokenScopes.All.ToArray());
        machine.DefaultRequestHeaders.Add("Accept", "text/html");
        using var answer = await machine.GetAsync("/kernels", Cancellation);
        Assert.EndsWith("/sign-in?return=%2Fkernels", answer.RequestMessage!.RequestUri!.AbsoluteUri, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/sign-out", null, "same-origin")]
    [InlineData("/sign-out", "wrong", "same-origin")]
    [InlineData("/sign-out", "right", "cross-site")]
    [InlineData("/sign-out", "right", "same-site")]
    [InlineData("/builds/b1/cancel", null, "same-origin")]
    [InlineData("/builds/b1/cancel", "wrong", "same-origin")]
    [InlineData("/builds/b1/cancel", "right", "cross-site")]
    public async Task A_form_that_this_page_did_not_send_does_nothing(string path, string? word, string site)
    {
        await using var server = await RunningServer.StartAsync();
        await server.AddBuildAsync("b1");
        using var client = await SignedInAsync(server, TokenScopes.Read, TokenScopes.Submit, TokenScopes.Operate);
        var right = FormWord().Match(await client.GetStringAsync("/", Cancellation)).Groups[1].Value;
        Assert.NotEmpty(right);
        var refused = await PostAsync(
            client,
            path,
            word == "right" ? right
                : word is null ? null
                : new('0', 64),
            site
        );
        Assert.Equal(HttpStatusCode.Forbidden, refused.StatusCode);
        Assert.Contains("ELP1072", await refused.Content.ReadAsStringAsync(Cancellation), StringComparison.Ordinal);
        Assert.Equal(BuildState.Queued, (await server.Get<BuildTable>().FindAsync("b1", Cancellation))!.State);
        Assert.Equal(HttpStatusCode.OK, (await client.GetAsync("/", Cancellation)).StatusCode);
        Assert.Equal(HttpStatusCode.SeeOther, (await PostAsync(client, path, right, "same-origin")).StatusCode);
    }

    [Fact]
    public async Task Nobody_is_signed_in_by_another_site()
    {
        await using var server = await RunningServer.StartAsync();
        using var client = Client(server, null);
        using var form = new FormUrlEncodedContent([new("token", server.Administrator!), new("form", new('0', 64))]);
        using var answer = await client.PostAsync("/sign-in", form, Cancellation);
        Assert.Equal(HttpStatusCode.Forbidden, answer.StatusCode);
        Assert.DoesNotContain(answer.Headers.GetValues("Set-Cookie"), c => c.StartsWith("elivepatch=", StringComparison.Ordinal));
        using var noForm = await client.PostAsync("/sign-in", new StringContent("{}"), Cancellation);
        Assert.Equal(HttpStatusCode.Forbidden, noForm.StatusCode);
    }

    [Theory]
    [InlineData("//evil.example/")]
    [InlineData("/\\evil.example/")]
    [InlineData("https://evil.example/")]
    [InlineData("/x\ny")]
    [InlineData("")]
    public async Task Signing_in_leads_nowhere_else(string back)
    {
        await using var server = await RunningServer.StartAsync();
        using var client = await SignedInAsync(server);
        using var answer = await client.GetAsync("/sign-in?return=" + Uri.EscapeDataString(back), Cancellation);
        Assert.Equal("/", answer.Headers.Location!.ToString());
    }

    [Fact]
    public async Task The_events_of_a_page_resume()
    {
        await using var server = await RunningServer.StartAsync();
        await server.AddBuildAsync("b1");
        for (var i = 0; i < 5; i++)
        {
            await SeededState.TellAsync(server, "b1", new(0, default, BuildEventKind.Log, "", $"line {i}"));
        }

        await server.Get<BuildTable>().CancelAsync("b1", Cancellation);
        using var client = await SignedInAsync(server);
        Assert.Equal(["3", "4", "5", "6", "7"], Numbers(await client.GetStringAsync("/builds/b1/events?after=2", Cancellation)));
        using var request = new HttpRequestMessage(HttpMethod.Get, "/builds/b1/events?after=2");
        request.Headers.Add("Last-Event-ID", "5");
        Assert.Equal(
            ["6", "7"],
            Numbers(await (await client.SendAsync(request, Cancellation)).Content.ReadAsStringAsync(Cancellation))
        );

        static IEnumerable<string> Numbers(string stream) =>
            stream.Split('\n').Where(l => l.StartsWith("id: ", StringComparison.Ordinal)).Select(l => l[4..]);
    }

    [Fact]
    public async Task Another_sign_in_ends_the_oldest_session_of_many()
    {
        await using var server = await RunningServer.StartAsync();
        var token = (await server.Get<TokenTable>().ListAsync(Cancellation))[0].Id;
        var sessions = server.Get<SessionTable>();
        for (var i = 0; i <= SessionTable.MostOfToken; i++)
        {
            await sessions.BeginAsync($"h{i}", token, server.Clock.Now.AddSeconds(i), server.Clock.Now.AddHours(1), Cancellation);
        }

        Assert.Null(await sessions.FindTokenAsync("h0", server.Clock.Now, Cancellation));
        Assert.Equal(token, await sessions.FindTokenAsync("h1", server.Clock.Now, Cancellation));
    }

    private static async Task<HttpResponseMessage> PostAsync(HttpClient client, string path, string? word, string site)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path);
        request.Content = new FormUrlEncodedContent(word is null ? [] : [new("form", word)]);
        request.Headers.Add("Sec-Fetch-Site", site);
        return await client.SendAsync(request, Cancellation);
    }

    private static async Task<HttpClient> SignedInAsync(RunningServer server, params string[] scopes)
    {
        var made = await TokenIssuer.IssueAsync(
            server.Get<TokenTable>(),
            new("ops", scopes.Length > 0 ? scopes : [TokenScopes.Read]),
            server.Clock.Now,
            Cancellation
        );
        var secret = SessionSecret.Create();
        await server
            .Get<SessionTable>()
            .BeginAsync(
                SessionSecret.Hash(secret),
                made.Value.Token.Id,
                server.Clock.Now,
                server.Clock.Now + SessionSecret.Life,
                Cancellation
            );
        return Client(server, $"elivepatch={secret}");
    }

    private static HttpClient Client(RunningServer server, string? cookie)
    {
        var client = new HttpClient(new HttpClientHandler { AllowAutoRedirect = false, UseCookies = false })
        {
            BaseAddress = server.Address,
        };
        if (cookie is not null)
        {
            client.DefaultRequestHeaders.Add("Cookie", cookie);
        }

        return client;
    }

    [GeneratedRegex("name=\"form\" value=\"([0-9a-f]{64})\"")]
    private static partial Regex FormWord();
}
