using Elivepatch.Engine.SelfCheck;
using Elivepatch.Protocol.Api;
using Elivepatch.Server.State;

namespace Elivepatch.Page.Tests;

/// <summary>Livepatches that were published and have been withdrawn.</summary>
public sealed class WithdrawnTests(Chromium chromium)
{
    private const string Reason = "vmlinux/gone, 0: there is no such function <b>at all</b> (rule patch-old-functions)";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task They_are_shown_with_the_reason_and_the_machines_that_have_them_live()
    {
        await using var server = await RunningServer.StartAsync(SeededState.Options);
        await SeededState.AddKernelsAsync(server);
        await SeededState.AddBuildAsync(server, "b1", SeededState.Cloud, ["meminfo-caps.patch"], "web-01");
        await SeededState.EndAsync(server, BuildState.Succeeded, SeededState.Cloud, "meminfo-caps.patch", isRich: true);
        var builds = server.Get<BuildTable>();
        var build = (await builds.FindAsync("b1", Cancellation))!;
        var kernel = (await server.Get<KernelTable>().FindAsync(build.Kernel, KernelTable.Operator, Cancellation))!;
        Assert.True(
            await builds.WithdrawAsync(
                build,
                kernel.BuildId,
                ModuleRules.Version,
                [new("ELP0610", "no such function", Reason, "m")],
                Cancellation
            )
        );
        var live = new ReportedLivepatch
        {
            Name = "livepatch_meminfo_caps",
            State = LivepatchStates.Live,
            IsOurs = true,
            Sha256 = build.End!.Artifact,
            Patches = build.Patches,
        };
        await SeededState.AddMachineAsync(server, "web-01", SeededState.Cloud, server.Clock.Now, "on", [live]);
        await SeededState.AddMachineAsync(
            server,
            "web-02",
            SeededState.Cloud,
            server.Clock.Now,
            "on",
            [live with { Sha256 = null }]
        );
        await SeededState.AddMachineAsync(
            server,
            "web-03",
            SeededState.Cloud,
            server.Clock.Now,
            "on",
            [live with { Sha256 = new('9', 64) }]
        );

        await using var visit = await Visit.BeginAsync(chromium, server, new() { JavaScriptEnabled = false });
        await visit.SignInAsync();
        await visit.Page.GotoAsync("/?state=withdrawn");
        Assert.Contains("withdrawn", await visit.Page.Locator("tbody tr").InnerTextAsync(), StringComparison.Ordinal);

        await visit.Page.GotoAsync("/builds/b1");
        var text = await visit.MainTextAsync();
        Assert.Contains("Why it was withdrawn", text, StringComparison.Ordinal);
        Assert.Contains(Reason, text, StringComparison.Ordinal);
        Assert.Matches(@"web-01: livepatch_meminfo_caps ✕?\s*withdrawn", text);
        Assert.Matches(@"web-02: livepatch_meminfo_caps !?\s*perhaps withdrawn", text);
        Assert.DoesNotContain("web-03", text, StringComparison.Ordinal);
        Assert.Equal(0, await visit.Page.Locator("a[href$='/module'], a[href$='/manifest']").CountAsync());
        Assert.Equal(410, (await visit.Page.APIRequest.GetAsync("/builds/b1/module")).Status);
        Assert.Empty(await visit.Page.EvaluateAsync<string[]>(Accessibility.LowContrast));
        Assert.Empty(await visit.Page.EvaluateAsync<string[]>(Accessibility.WrongStructure));

        await visit.Page.GotoAsync("/machines");
        text = await visit.MainTextAsync();
        Assert.Contains("Machines with a withdrawn livepatch live", text, StringComparison.Ordinal);
        Assert.Equal(2, await visit.Page.Locator("ul.withdrawn li").CountAsync());
        Assert.Empty(await visit.Page.EvaluateAsync<string[]>(Accessibility.WrongStructure));
        await visit.Page.Locator("ul.withdrawn li").First.GetByRole(Microsoft.Playwright.AriaRole.Link).First.ClickAsync();
        Assert.Contains("its build says why", await visit.MainTextAsync(), StringComparison.Ordinal);
        Assert.Empty(await visit.Page.EvaluateAsync<string[]>(Accessibility.WrongStructure));
        visit.MustBeClean();
    }
}
