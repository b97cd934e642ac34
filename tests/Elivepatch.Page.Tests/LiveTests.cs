using Elivepatch.Protocol.Api;
using Elivepatch.Server.State;
using Microsoft.Playwright;

namespace Elivepatch.Page.Tests;

/// <summary>What happens in a page that is open while builds run.</summary>
public sealed class LiveTests(Chromium chromium)
{
    [Fact]
    public async Task A_build_is_seen_as_it_runs_and_its_results_when_it_has_ended()
    {
        await using var server = await StartAsync();
        await SeededState.AddBuildAsync(server, "b1", SeededState.Cloud, ["meminfo-caps.patch"], "web-01");
        await using var visit = await Visit.BeginAsync(chromium, server);
        await visit.SignInAsync();
        await visit.Page.GotoAsync("/builds/b1");
        await visit.Page.EvaluateAsync("() => { window.mark = 1; }");
        Assert.Contains("It has not begun.", await visit.MainTextAsync(), StringComparison.Ordinal);

        var build = (await server.Get<BuildTable>().TakeAsync("builder", TestContext.Current.CancellationToken))!;
        await SeededState.TellAsync(
            server,
            "b1",
            new(0, default, BuildEventKind.Stage, "compile patched", "fs/proc/meminfo.c", "running", 1, 4)
        );
        await SeededState.TellAsync(
            server,
            "b1",
            new(0, default, BuildEventKind.Log, "", "fs/proc/meminfo.c:34: \u001b[31mwarning\u202e <b>x</b>")
        );
        await Expect(visit, "#log").ToContainTextAsync("fs/proc/meminfo.c:34: \\x1b[31mwarning\\x202e <b>x</b>");
        await Expect(visit, "[data-part=stages]").ToContainTextAsync("compile patched");
        await Expect(visit, "[data-part=stages]").ToContainTextAsync("25 %");
        await Expect(visit, "#announce").ToHaveTextAsync("The build is running.");

        await SeededState.FinishAsync(server, build, BuildState.Succeeded, SeededState.Cloud, "meminfo-caps.patch", isRich: true);
        await Expect(visit, "#announce").ToHaveTextAsync("The build is succeeded.");
        await Expect(visit, "[data-part=results]").ToContainTextAsync("meminfo_proc_show");
        Assert.Equal(
            "livepatch_meminfo_caps",
            await visit.Page.Locator("h1").EvaluateAsync<string>("h => h.firstChild.data.trim()")
        );
        Assert.Equal(1, await visit.Page.EvaluateAsync<int>("() => window.mark"));
        visit.MustBeClean();
    }

    [Fact]
    public async Task The_list_goes_on_and_the_focus_stays()
    {
        await using var server = await StartAsync();
        await SeededState.AddBuildAsync(server, "b1", SeededState.Cloud, ["meminfo-caps.patch"], "web-01");
        await using var visit = await Visit.BeginAsync(chromium, server);
        await visit.SignInAsync();
        await visit.Page.GotoAsync("/");
        await visit.Page.Locator("#b-b1").FocusAsync();
        await visit.Page.GetByLabel("Patch, kernel").EvaluateAsync("input => { input.value = 'half a wo'; }");
        server.Clock.Now = server.Clock.Now.AddSeconds(1);
        await SeededState.AddBuildAsync(server, "b2", SeededState.Cloud, ["nft-verdict-init.patch"], "web-02");
        await Expect(visit, "#b-b2").ToBeVisibleAsync();
        Assert.Equal("b-b1", await visit.Page.EvaluateAsync<string>("() => document.activeElement.id"));
        Assert.Equal("half a wo", await visit.Page.Locator("#q").InputValueAsync());
        visit.MustBeClean();
    }

    [Fact]
    public async Task Whoever_may_cancels_a_build_by_its_form()
    {
        await using var server = await StartAsync();
        await SeededState.AddBuildAsync(server, "b1", SeededState.Cloud, ["meminfo-caps.patch"], "web-01");
        await using var reader = await Visit.BeginAsync(chromium, server, new() { JavaScriptEnabled = false });
        await reader.SignInAsync();
        await reader.Page.GotoAsync("/builds/b1");
        Assert.Equal(0, await reader.Page.GetByRole(AriaRole.Button, new() { Name = "Cancel" }).CountAsync());

        await using var visit = await Visit.BeginAsync(chromium, server, new() { JavaScriptEnabled = false });
        await visit.SignInAsync(TokenScopes.Read, TokenScopes.Submit, TokenScopes.Operate);
        await visit.Page.GotoAsync("/builds/b1");
        await visit.Page.GetByRole(AriaRole.Button, new() { Name = "Cancel" }).ClickAsync();
        await Expect(visit, "h1").ToContainTextAsync("cancelled");
        Assert.Equal(
            BuildState.Cancelled,
            (await server.Get<BuildTable>().FindAsync("b1", TestContext.Current.CancellationToken))!.State
        );
    }

    [Fact]
    public async Task A_page_whose_session_is_over_asks_to_sign_in_and_comes_back()
    {
        await using var server = await StartAsync();
        await using var visit = await Visit.BeginAsync(chromium, server);
        await visit.SignInAsync();
        await visit.Page.GotoAsync("/machines?q=web");
        await visit.Page.EvaluateAsync("() => { document.getElementById('main').dataset.refresh; }");
        var tokens = server.Get<TokenTable>();
        foreach (var token in await tokens.ListAsync(TestContext.Current.CancellationToken))
        {
            await tokens.RevokeAsync(token.Id, server.Clock.Now, TestContext.Current.CancellationToken);
        }

        await visit.Page.WaitForURLAsync("**/sign-in?*", new() { Timeout = 20_000 });
        Assert.Contains("Your session is over.", await visit.MainTextAsync(), StringComparison.Ordinal);
        await visit.SignInFromHereAsync();
        await visit.Page.WaitForURLAsync("**/machines?q=web");
    }

    private static async Task<RunningServer> StartAsync()
    {
        var server = await RunningServer.StartAsync(SeededState.Options);
        await SeededState.AddKernelsAsync(server);
        return server;
    }

    private static ILocatorAssertions Expect(Visit visit, string selector) => Assertions.Expect(visit.Page.Locator(selector));
}
