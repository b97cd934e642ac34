using System.Net;
using System.Text.Json;
using Elivepatch.Server.Pages;
using Microsoft.Playwright;

namespace Elivepatch.Page.Tests;

/// <summary>What the pages show, with a script and without, on any screen.</summary>
public sealed class ReadingTests(Chromium chromium, SeededServer seeded)
{
    private RunningServer Server => seeded.Server;

    [Fact]
    public async Task Without_a_script_every_page_is_reached_by_links_and_nothing_is_missing()
    {
        await using var visit = await Visit.BeginAsync(chromium, Server, new() { JavaScriptEnabled = false });
        await visit.SignInAsync();
        var known = new HashSet<string> { "/" };
        var left = new Queue<string>(known);
        while (left.TryDequeue(out var path))
        {
            var answer = await visit.Page.GotoAsync(path);
            Assert.True(answer!.Status == 200, $"{path}: {answer.Status}");
            Assert.Equal(1, await visit.Page.Locator("h1").CountAsync());
            foreach (
                var link in await visit
                    .Page.Locator("a[href^='/']:not([download])")
                    .EvaluateAllAsync<string[]>("links => links.map(a => a.getAttribute('href'))")
            )
            {
                if (!link.EndsWith("/log", StringComparison.Ordinal) && known.Count < 60 && known.Add(link))
                {
                    left.Enqueue(link);
                }
            }
        }

        Assert.Empty(
            SeededServer.Paths.Where(p => p != "/builds/unknown" && !p.Contains('?', StringComparison.Ordinal)).Except(known)
        );
        await visit.Page.GotoAsync("/builds/" + SeededState.Id(1));
        var text = await visit.MainTextAsync();
        Assert.All(
            [
                "meminfo_proc_show",
                "the patch edits it",
                "byte by byte with the boot image",
                "compile patched",
                "passed in a virtual machine",
                SeededState.Cloud,
                "web-01",
                "12.9 s",
            ],
            expected => Assert.Contains(expected, text, StringComparison.Ordinal)
        );
        await visit.Page.GetByText("11 exports").ClickAsync();
        Assert.True(await visit.Page.GetByText("vm_memory_committed").IsVisibleAsync());
        visit.MustBeClean();
    }

    [Fact]
    public async Task What_the_author_states_is_shown_with_its_reason_and_what_could_be_stated_with_the_refusal()
    {
        await using var visit = await Visit.BeginAsync(chromium, Server, new() { JavaScriptEnabled = false });
        await visit.SignInAsync();
        await visit.Page.GotoAsync("/builds/" + SeededState.Id(1));
        var row = await visit.Page.Locator("section[aria-labelledby=statements] tbody tr").InnerTextAsync();
        Assert.Contains("leave-out-initialiser: meminfo_width", row, StringComparison.Ordinal);
        Assert.Contains("set by a <callback> & nobody else reads it", row, StringComparison.Ordinal);
        Assert.Contains(
            "leave-out-initialiser: meminfo_width in fs/proc/meminfo.c",
            await visit.Page.Locator("section[aria-labelledby=manifest]").InnerTextAsync(),
            StringComparison.Ordinal
        );

        await visit.Page.GotoAsync("/?state=refused");
        await visit.Page.Locator("main a[href^='/builds/']").First.ClickAsync();
        Assert.Equal(
            ["fs/eventpoll.c: eventpoll_init is gone once the kernel has booted", "fs/eventpoll.c: epi_cache is its own"],
            (await visit.Page.Locator(".problems .reason").First.InnerTextAsync()).Split('\n')
        );
        Assert.Equal(
            "- leave-out-init: eventpoll_init\n  unit: fs/eventpoll.c\n  reason:  # say why",
            await visit.Page.Locator("pre.statement").First.TextContentAsync()
        );
    }

    [Fact]
    public async Task Why_a_module_stays_in_memory_is_shown_where_it_does()
    {
        await using var visit = await Visit.BeginAsync(chromium, Server, new() { JavaScriptEnabled = false });
        await visit.SignInAsync();
        await visit.Page.GotoAsync("/builds/" + SeededState.Id(1));
        var kept = visit.Page.Locator("section[aria-labelledby=kept]");
        Assert.Contains("can not be unloaded", await kept.InnerTextAsync(), StringComparison.Ordinal);
        var row = await kept.Locator("tbody tr").InnerTextAsync();
        Assert.Contains("meminfo_proc_show", row, StringComparison.Ordinal);
        Assert.Contains("stores the address of the literal \"<b>kept\"", row, StringComparison.Ordinal);

        await visit.Page.GotoAsync("/builds/" + SeededState.Id(100));
        Assert.Equal(0, await kept.CountAsync());
    }

    [Fact]
    public async Task The_object_is_shown_wherever_a_function_is_and_what_was_not_tested_with_it()
    {
        await using var visit = await Visit.BeginAsync(chromium, Server, new() { JavaScriptEnabled = false });
        await visit.SignInAsync();
        await visit.Page.GotoAsync("/builds/" + SeededState.Id(1));
        var rows = visit.Page.Locator("section[aria-labelledby=objects] tbody tr");
        Assert.Equal("vmlinux\t3\t–\t–", await rows.First.InnerTextAsync());
        Assert.Equal("<i>loop\t1\t5e1f\tit cannot be unloaded", await rows.Last.InnerTextAsync());
        Assert.EndsWith(
            "\tvmlinux",
            await visit.Page.Locator("section[aria-labelledby=functions] tbody tr").First.InnerTextAsync(),
            StringComparison.Ordinal
        );
        Assert.Contains(
            "livepatch symbol of loop",
            await visit.Page.Locator("section[aria-labelledby=references]").TextContentAsync(),
            StringComparison.Ordinal
        );
        Assert.Contains(
            "<i>loop: it wants <hardware>",
            await visit.Page.Locator("section[aria-labelledby=test]").InnerTextAsync(),
            StringComparison.Ordinal
        );
    }

    [Theory]
    [InlineData(1, "tested, proven by bytes", "Module", "")]
    [InlineData(109, "not tested layout only", "Module (not tested, layout only)", "no kernel has loaded it yet")]
    [InlineData(110, "failed its test layout only", "Module (failed its test, layout only)", "lets pass")]
    [InlineData(111, "tested proof not known", "Module (proof not known)", "by an earlier version")]
    public async Task What_a_livepatch_rests_on_is_said_in_words_wherever_it_is_offered(
        int build,
        string badges,
        string button,
        string caution
    )
    {
        await using var visit = await Visit.BeginAsync(chromium, Server, new() { JavaScriptEnabled = false });
        await visit.SignInAsync();
        await visit.Page.GotoAsync("/");
        var row = visit.Page.Locator("tbody tr", new() { Has = visit.Page.Locator($"[id='b-{SeededState.Id(build)}']") });
        Assert.Equal(badges, await WordsAsync(row));
        // The mark that stands for all of it is another one as well.
        var isWhole = caution.Length == 0;
        Assert.Equal(isWhole ? "✓" : "!", await row.Locator(".state .mark").TextContentAsync());

        await visit.Page.GotoAsync("/builds/" + SeededState.Id(build));
        Assert.Equal(badges, await WordsAsync(visit.Page.Locator("h1")));
        Assert.Equal(button, await visit.Page.Locator("a[href$='/module']").InnerTextAsync());
        Assert.Equal(isWhole ? 0 : 1, await visit.Page.Locator(".caution").CountAsync());
        if (!isWhole)
        {
            Assert.Contains(caution, await visit.Page.Locator(".caution").InnerTextAsync(), StringComparison.Ordinal);
        }

        static async Task<string> WordsAsync(ILocator within) =>
            string.Join(' ', (await within.Locator(".badge").AllInnerTextsAsync()).Select(t => t.TrimStart('✓', '!', '✕', ' ')));
    }

    [Fact]
    public async Task Workers_are_shown_with_what_they_build_and_whether_they_are_heard_of()
    {
        await using var visit = await Visit.BeginAsync(chromium, Server, new() { JavaScriptEnabled = false });
        await visit.SignInAsync();
        await visit.Page.GotoAsync("/workers");
        var rows = await visit.Page.Locator("tbody tr").AllInnerTextsAsync();
        Assert.Equal(3, rows.Count);
        Assert.Contains("x86_64.gcc-12, x86_64.gcc-11", rows[0], StringComparison.Ordinal);
        Assert.Contains("nf-hook-slow-count.patch", rows[0], StringComparison.Ordinal);
        Assert.Contains("nothing", rows[1], StringComparison.Ordinal);
        Assert.DoesNotContain("silent", rows[1], StringComparison.Ordinal);
        Assert.Contains("silent, 3 h ago", rows[2].Replace("\n", "", StringComparison.Ordinal), StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_a_build_made_can_be_downloaded()
    {
        await using var visit = await Visit.BeginAsync(chromium, Server);
        await visit.SignInAsync();
        var build = "/builds/" + SeededState.Id(1);
        foreach (
            var (name, type) in new[]
            {
                ("module", "application/octet-stream"),
                ("manifest", "application/json"),
                ("explanation", "application/json"),
                ("log", "text/plain"),
                ("console", "text/plain"),
            }
        )
        {
            var answer = await visit.Page.APIRequest.GetAsync($"{build}/{name}");
            Assert.Equal(200, answer.Status);
            Assert.StartsWith(type, answer.Headers["content-type"], StringComparison.Ordinal);
            Assert.Equal("nosniff", answer.Headers["x-content-type-options"]);
        }

        var manifest = JsonDocument.Parse(await (await visit.Page.APIRequest.GetAsync(build + "/manifest")).BodyAsync());
        Assert.NotEmpty(manifest.RootElement.GetProperty("signatures").EnumerateArray());
        var log = await (await visit.Page.APIRequest.GetAsync($"/builds/{SeededState.Id(101)}/console")).TextAsync();
        Assert.Contains("ELP1010", log, StringComparison.Ordinal);
        Assert.Contains("<h1>", log, StringComparison.Ordinal);
    }

    [Fact]
    public async Task No_page_breaks_its_policy_or_asks_anybody_else()
    {
        await using var visit = await Visit.BeginAsync(chromium, Server);
        await visit.SignInAsync();
        foreach (var path in SeededServer.Paths.Where(p => p is not ("/builds/unknown" or "/?state=nonsense")))
        {
            var answer = await visit.Page.GotoAsync(path, new() { WaitUntil = WaitUntilState.Load });
            Assert.Equal(PageHeaders.Policy, answer!.Headers["content-security-policy"]);
            Assert.Equal("same-origin", answer.Headers["referrer-policy"]);
            Assert.Equal("nosniff", answer.Headers["x-content-type-options"]);
            Assert.Equal("no-store", answer.Headers["cache-control"]);
            Assert.Empty(await visit.Page.Locator("[style], style, script:not([src])").AllAsync());
        }

        visit.MustBeClean();
    }

    [Fact]
    public async Task The_policy_stops_what_it_is_to_stop()
    {
        await using var visit = await Visit.BeginAsync(chromium, Server);
        await visit.SignInAsync();
        await visit.Page.EvaluateAsync(
            "() => { const script = document.createElement('script'); script.textContent = 'window.hacked = 1'; document.body.append(script); }"
        );
        Assert.True(await visit.Page.EvaluateAsync<bool>("() => window.hacked === undefined"));
        Assert.Contains(visit.Wrong, w => w.Contains("Content Security Policy", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Assets_are_kept_for_good_under_names_of_their_content()
    {
        using var client = new HttpClient { BaseAddress = Server.Address };
        foreach (var file in new[] { "page.css", "page.js", "icon.svg" })
        {
            var path = PageAssets.PathOf(file);
            Assert.Matches("^/assets/[a-z]+-[0-9a-f]{16}\\.[a-z]+$", path);
            using var answer = await client.GetAsync(path, TestContext.Current.CancellationToken);
            Assert.Equal("public, max-age=31536000, immutable", string.Join(", ", answer.Headers.NonValidated["Cache-Control"]));
        }

        Assert.Equal(
            HttpStatusCode.NotFound,
            (await client.GetAsync("/assets/page.css", TestContext.Current.CancellationToken)).StatusCode
        );
        Assert.Equal(
            HttpStatusCode.NotFound,
            (await client.GetAsync("/assets/..%2Fpage.css", TestContext.Current.CancellationToken)).StatusCode
        );
    }

    [Theory]
    [InlineData(360)]
    [InlineData(1280)]
    public async Task Nothing_is_wider_than_the_screen(int width)
    {
        await using var visit = await Visit.BeginAsync(
            chromium,
            Server,
            new()
            {
                ViewportSize = new() { Width = width, Height = 740 },
            }
        );
        await visit.SignInAsync();
        foreach (var path in SeededServer.Paths)
        {
            await visit.Page.GotoAsync(path);
            Assert.True(
                await visit.Page.EvaluateAsync<bool>(
                    "() => document.documentElement.scrollWidth <= document.documentElement.clientWidth"
                ),
                $"{path} is wider than {width}"
            );
        }
    }

    [Theory]
    [InlineData(ColorScheme.Light)]
    [InlineData(ColorScheme.Dark)]
    public async Task All_text_has_contrast(ColorScheme scheme)
    {
        await using var visit = await Visit.BeginAsync(
            chromium,
            Server,
            new() { ColorScheme = scheme, ReducedMotion = ReducedMotion.Reduce }
        );
        await visit.Page.GotoAsync("/sign-in");
        Assert.Empty(await visit.Page.EvaluateAsync<string[]>(Accessibility.LowContrast));
        await visit.SignInAsync();
        foreach (var path in SeededServer.Paths)
        {
            await visit.Page.GotoAsync(path);
            Assert.Empty(await visit.Page.EvaluateAsync<string[]>(Accessibility.LowContrast));
        }

        // The check sees what it is to see.
        await visit.Page.EvaluateAsync(
            "() => { const sheet = new CSSStyleSheet(); sheet.replaceSync('h1 { color: #888; background: #999 }'); document.adoptedStyleSheets = [sheet]; }"
        );
        Assert.NotEmpty(await visit.Page.EvaluateAsync<string[]>(Accessibility.LowContrast));
        Assert.Equal(
            scheme == ColorScheme.Dark,
            await visit.Page.EvaluateAsync<bool>(
                "() => getComputedStyle(document.body).backgroundColor.match(/\\d+/g).every(c => c < 64)"
            )
        );
    }

    [Fact]
    public async Task Pages_have_the_structure_that_readers_of_all_kinds_go_by()
    {
        await using var visit = await Visit.BeginAsync(chromium, Server);
        await visit.SignInAsync();
        foreach (var path in SeededServer.Paths)
        {
            await visit.Page.GotoAsync(path);
            Assert.Empty((await visit.Page.EvaluateAsync<string[]>(Accessibility.WrongStructure)).Select(w => $"{path}: {w}"));
        }
    }

    [Fact]
    public async Task Everything_is_reached_by_the_keyboard()
    {
        await using var visit = await Visit.BeginAsync(chromium, Server, new() { JavaScriptEnabled = false });
        await visit.SignInAsync();
        await visit.Page.GotoAsync("/");
        await visit.Page.Keyboard.PressAsync("Tab");
        Assert.Equal("Skip to content", await FocusedAsync(visit));
        await visit.Page.Keyboard.PressAsync("Enter");
        var seen = new List<string>();
        for (var i = 0; i < 40 && !seen.Contains("meminfo-caps.patch"); i++)
        {
            await visit.Page.Keyboard.PressAsync("Tab");
            seen.Add(await FocusedAsync(visit));
            Assert.True(
                await visit.Page.EvaluateAsync<bool>(
                    "() => getComputedStyle(document.activeElement).outlineStyle !== 'none' && parseFloat(getComputedStyle(document.activeElement).outlineWidth) >= 1"
                ),
                $"the focus on '{seen[^1]}' is not seen"
            );
        }

        Assert.DoesNotContain("Kernels", seen);
        Assert.Contains("Search", seen);
        await visit.Page.Keyboard.PressAsync("Enter");
        await visit.Page.WaitForURLAsync("**/builds/*");
    }

    [Fact]
    public async Task Builds_are_found_by_state_and_text()
    {
        await using var visit = await Visit.BeginAsync(chromium, Server, new() { JavaScriptEnabled = false });
        await visit.SignInAsync();
        await visit.Page.GetByLabel("Patch, kernel, token or id").FillAsync("MEMINFO-caps");
        await visit.Page.GetByRole(AriaRole.Button, new() { Name = "Search" }).ClickAsync();
        Assert.Equal(3, await visit.Page.Locator("tbody tr").CountAsync());
        await visit.Page.GetByRole(AriaRole.Link, new() { Name = "running 1" }).ClickAsync();
        Assert.Equal(1, await visit.Page.Locator("tbody tr").CountAsync());
        await visit.Page.GotoAsync("/?q=%25");
        Assert.Contains("No matching builds.", await visit.MainTextAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Machines_are_found_by_patch_and_state()
    {
        await using var visit = await Visit.BeginAsync(chromium, Server, new() { JavaScriptEnabled = false });
        await visit.SignInAsync();
        foreach (
            var (text, names) in ((string, string[])[])
                [("meminfo-caps.patch", ["web-01", "web-02"]), ("Stuck", ["db-02"]), ("in transition", ["db-02"]), ("'%", [])]
        )
        {
            await visit.Page.GotoAsync("/machines");
            await visit.Page.GetByLabel("Name, kernel, patch, livepatch or its state").FillAsync(text);
            await visit.Page.GetByRole(AriaRole.Button, new() { Name = "Search" }).ClickAsync();
            Assert.Equal(names, await visit.Page.Locator("tbody th a").AllInnerTextsAsync());
        }
    }

    private static Task<string> FocusedAsync(Visit visit) =>
        visit.Page.EvaluateAsync<string>(
            "() => (document.activeElement.textContent || document.activeElement.getAttribute('aria-label') || '').trim()"
        );
}
