using System.Text;
using Elivepatch.Protocol.Api;
using Elivepatch.Server.State;

namespace Elivepatch.Page.Tests;

/// <summary>Names, logs and consoles by somebody who wants the page to do something.</summary>
public sealed class HostileTests(Chromium chromium)
{
    private const string Script =
        "</a></title><script>window.hacked=1;alert(1)</script><img src=x onerror='window.hacked=1'>\"' onmouseover=alert(1) x=\"";

    [Fact]
    public async Task What_comes_from_clients_stays_text()
    {
        await using var server = await RunningServer.StartAsync(SeededState.Options);
        var kernels = server.Get<KernelTable>();
        await kernels.AddAsync(
            new(
                SeededState.KernelId("evil"),
                "6.1.0-evil",
                "00ff",
                "x86_64",
                "gcc " + Script,
                new('a', 64),
                null,
                null,
                server.Clock.Now,
                Script
            ),
            TestContext.Current.CancellationToken
        );
        await SeededState.AddBuildAsync(server, "b1", "evil", [Script, "\u202eflip\u0007.patch"], Script);
        await server.Get<BuildTable>().TakeAsync("builder", TestContext.Current.CancellationToken);
        await SeededState.TellAsync(server, "b1", new(0, default, BuildEventKind.Stage, Script, Script, "running"));
        await SeededState.TellAsync(
            server,
            "b1",
            new(0, default, BuildEventKind.Log, "", Script + "\u001b]0;title\u0007\u001b[2J")
        );
        var console = await server
            .Get<BlobStore>()
            .PutAsync(
                Encoding.UTF8.GetBytes($"\u001b[2J\u001b[1;31m{Script}\u001b[0m\r\n\u001b]0;title\u0007\u0001end"),
                TestContext.Current.CancellationToken
            );
        await SeededState.AddMachineAsync(server, Script[..90], "6.1", server.Clock.Now, "on", []);

        await using var visit = await Visit.BeginAsync(chromium, server);
        await visit.SignInAsync();
        await visit.Page.GotoAsync("/builds/b1");
        await SeededState.TellAsync(server, "b1", new(0, default, BuildEventKind.Log, "", "live " + Script));
        await visit.Page.GetByText("live </a>").WaitForAsync();
        await server
            .Get<BuildTable>()
            .FinishAsync(
                new("b1", "builder", 1),
                new()
                {
                    State = BuildState.Refused,
                    Module = Script,
                    Console = console.Value,
                    Problems = [new(Script, Script, Script, Script)],
                },
                TestContext.Current.CancellationToken
            );
        foreach (
            var path in new[]
            {
                "/",
                "/builds/b1",
                "/kernels",
                "/kernels/" + SeededState.KernelId("evil"),
                "/machines",
                "/workers",
                "/?q=" + Uri.EscapeDataString(Script[..100]),
            }
        )
        {
            var answer = await visit.Page.GotoAsync(path);
            Assert.True(answer!.Status == 200, $"{path}: {await answer.TextAsync()}");
            Assert.True(await visit.Page.EvaluateAsync<bool>("() => window.hacked === undefined"));
            Assert.Equal(0, await visit.Page.Locator("main script, main img, [onerror], [onmouseover]").CountAsync());
        }

        // Of the release alone a capture lets nothing in that is not plain.
        await visit.Page.GotoAsync("/builds/b1");
        await visit.Page.GetByText("What the guest printed").ClickAsync();
        Assert.Equal(Script + "\n\\x01end", await visit.Page.Locator("#console").TextContentAsync());
        Assert.Contains("\\x202eflip\\x07.patch", await visit.MainTextAsync(), StringComparison.Ordinal);
        visit.MustBeClean();
    }
}
