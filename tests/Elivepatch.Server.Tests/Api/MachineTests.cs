using System.Net;
using System.Net.Http.Json;
using System.Text;
using Elivepatch.Protocol.Api;
using Elivepatch.Server.State;

namespace Elivepatch.Server.Tests.Api;

/// <summary>What machines say of themselves.</summary>
public sealed class MachineTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_machine_is_what_it_said_last()
    {
        await using var server = await RunningServer.StartAsync();
        using var machine = await server.WithScopesAsync(TokenScopes.Report);
        var first = await Answered.ValueAsync<MachineView>(await ReportAsync(machine, Report("web-01")));
        server.Clock.Now = server.Clock.Now.AddMinutes(5);
        var second = await Answered.ValueAsync<MachineView>(
            await ReportAsync(machine, Report("web-01") with { Release = "6.12.6", Boot = "on" })
        );
        Assert.Equal((first.Id, first.FirstSeen, server.Clock.Now), (second.Id, second.FirstSeen, second.LastSeen));
        await ReportAsync(machine, Report("db-02"));

        using var reader = await server.WithScopesAsync(TokenScopes.Read);
        var page = await Answered.ValueAsync<MachinePage>(await reader.GetAsync(ApiRoutes.Machines + "?limit=1", Cancellation));
        Assert.Equal(["db-02"], page.Machines.Select(m => m.Report.Name));
        page = await Answered.ValueAsync<MachinePage>(
            await reader.GetAsync($"{ApiRoutes.Machines}?after={page.Next}", Cancellation)
        );
        var seen = Assert.Single(page.Machines);
        Assert.Null(page.Next);
        Assert.Equal(
            ("web-01", "6.12.6", "on", "test report"),
            (seen.Report.Name, seen.Report.Release, seen.Report.Boot, seen.ReportedBy)
        );
        Assert.Equal(
            ("going live", 2, "kworker/0:1 (9)"),
            (seen.Report.Livepatches[0].State, seen.Report.Livepatches[0].BlockingCount, seen.Report.Livepatches[0].Blocking[1])
        );
    }

    [Fact]
    public async Task No_token_speaks_of_the_machine_of_another()
    {
        await using var server = await RunningServer.StartAsync();
        using var one = await server.WithScopesAsync(TokenScopes.Report);
        using var other = await server.WithScopesAsync(TokenScopes.Report, TokenScopes.Read);
        await ReportAsync(one, Report("web-01"));
        await ReportAsync(other, Report("web-01") with { Release = "forged" });
        var page = await Answered.ValueAsync<MachinePage>(await other.GetAsync(ApiRoutes.Machines, Cancellation));
        Assert.Equal(["6.12.5", "forged"], page.Machines.Select(m => m.Report.Release).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Reports_need_their_scope_and_are_noted_only_where_they_are_refused()
    {
        await using var server = await RunningServer.StartAsync();
        using var reader = await server.WithScopesAsync(TokenScopes.Read, TokenScopes.Submit);
        await Answered.RefusedAsync(await ReportAsync(reader, Report("web-01")), HttpStatusCode.Forbidden, "ELP1005");
        using var machine = await server.WithScopesAsync(TokenScopes.Report);
        await Answered.RefusedAsync(
            await machine.GetAsync(ApiRoutes.Machines, Cancellation),
            HttpStatusCode.Forbidden,
            "ELP1005"
        );
        Assert.Equal(HttpStatusCode.OK, (await ReportAsync(machine, Report("web-01"))).StatusCode);
        var notes = (await server.Get<AuditTable>().ListAsync(10, Cancellation)).Select(e => (e.Action, e.Status)).ToList();
        Assert.Equal([("GET /api/v1/machines", 403), ("POST /api/v1/machines", 403)], notes.Order());
    }

    [Fact]
    public async Task Machines_are_found_by_what_they_run_and_how_it_stands()
    {
        await using var server = await RunningServer.StartAsync();
        using var client = await server.WithScopesAsync(TokenScopes.Report, TokenScopes.Read);
        var stuck = Report("db-one");
        var moving = stuck with
        {
            Name = "web-01",
            Livepatches = [stuck.Livepatches[0] with { State = LivepatchStates.GoingAway, BlockingCount = 0, Blocking = [] }],
        };
        var live = stuck with
        {
            Name = "web-02",
            Livepatches =
            [
                stuck.Livepatches[0] with
                {
                    State = LivepatchStates.Live,
                    BlockingCount = 0,
                    Blocking = [],
                    Patches = [new("100%_sure!.patch", new('d', 64))],
                },
            ],
        };
        foreach (var report in (MachineReport[])[stuck, moving, live])
        {
            await ReportAsync(client, report);
        }

        await FindsAsync("fix.patch", "db-one", "web-01");
        await FindsAsync("FIX.patch", "db-one", "web-01");
        await FindsAsync("in transition", "db-one", "web-01");
        await FindsAsync("stuck", "db-one");
        await FindsAsync("going away", "web-01");
        await FindsAsync("meminfo_proc_show", "db-one", "web-01", "web-02");
        await FindsAsync("100%_sure!", "web-02");
        await FindsAsync(" web ", "web-01", "web-02");
        await FindsAsync("", "db-one", "web-01", "web-02");
        // What has a meaning to a database or a pattern is text like any other.
        foreach (var text in (string[])["%", "_", "!"])
        {
            await FindsAsync(text, text == "_" ? ["db-one", "web-01", "web-02"] : ["web-02"]);
        }

        foreach (
            var text in (string[])
                ["'", "' OR 1=1 --", "\"", "\\", "%'", "*", "web-0_", "\ud83d", "\u202e", "{\"", new('%', 200), new('x', 200)]
        )
        {
            await FindsAsync(text);
        }

        foreach (var text in (string[])[new('x', 201), "%00", "web%00"])
        {
            await Answered.RefusedAsync(
                await client.GetAsync($"{ApiRoutes.Machines}?text={text}", Cancellation),
                HttpStatusCode.BadRequest,
                "ELP1006"
            );
        }

        async Task FindsAsync(string text, params string[] names)
        {
            using var answer = await client.GetAsync($"{ApiRoutes.Machines}?text={Uri.EscapeDataString(text)}", Cancellation);
            var page = await Answered.ValueAsync<MachinePage>(answer);
            Assert.True(
                names.SequenceEqual(page.Machines.Select(m => m.Report.Name)),
                $"{text}: {string.Join(' ', page.Machines.Select(m => m.Report.Name))}"
            );
        }
    }

    public static TheoryData<string> Hostile =>
        new()
        {
            "{}",
            """{"name":"","release":"6","buildId":"00","version":"1"}""",
            """{"name":null,"release":"6","buildId":"00","version":"1"}""",
            """{"name":" x","release":"6","buildId":"00","version":"1"}""",
            """{"name":"a\u001bb","release":"6","buildId":"00","version":"1"}""",
            """{"name":"a\u202eb","release":"6","buildId":"00","version":"1"}""",
            """{"name":"a\ud800b","release":"6","buildId":"00","version":"1"}""",
            """{"name":"x","release":"6\n","buildId":"00","version":"1"}""",
            """{"name":"x","release":"6","buildId":"../x","version":"1"}""",
            """{"name":"x","release":"6","buildId":"00","version":"1","boot":"maybe"}""",
            """{"name":"x","release":"6","buildId":"00","version":"1","livepatches":[null]}""",
            """{"name":"x","release":"6","buildId":"00","version":"1","livepatches":null}""",
            """{"name":"x","release":"6","buildId":"00","version":"1","livepatches":[{"name":"l","state":"dead"}]}""",
            """{"name":"x","release":"6","buildId":"00","version":"1","livepatches":[{"name":"l","state":"live","functions":[null],"functionCount":1}]}""",
            """{"name":"x","release":"6","buildId":"00","version":"1","livepatches":[{"name":"l","state":"live","functionCount":-1}]}""",
            """{"name":"x","release":"6","buildId":"00","version":"1","livepatches":[{"name":"l","state":"live","blockingCount":2147483647}]}""",
            """{"name":"x","release":"6","buildId":"00","version":"1","livepatches":[{"name":"l","state":"live","patches":[{"name":"p","sha256":"zz"}]}]}""",
            $$"""{"name":"{{new string('x', 101)}}","release":"6","buildId":"00","version":"1"}""",
            $$"""{"name":"x","release":"6","buildId":"00","version":"1","livepatches":[{{string.Join(',', Enumerable.Repeat("""{"name":"l","state":"live"}""", 65))}}]}""",
            $$"""{"name":"x","release":"6","buildId":"00","version":"1","livepatches":[{"name":"l","state":"live","blockingCount":21,"blocking":[{{string.Join(',', Enumerable.Repeat("\"t\"", 21))}}]}]}""",
        };

    [Fact]
    public async Task What_is_no_report_is_refused()
    {
        await using var server = await RunningServer.StartAsync();
        using var machine = await server.WithScopesAsync(TokenScopes.Report, TokenScopes.Read);
        foreach (var row in Hostile)
        {
            using var body = new StringContent(row.Data, Encoding.UTF8, "application/json");
            await Answered.RefusedAsync(
                await machine.PostAsync(ApiRoutes.Machines, body, Cancellation),
                HttpStatusCode.BadRequest,
                "ELP1006"
            );
        }

        using var large = new StringContent($$"""{"name":"{{new string('x', 70_000)}}"}""", Encoding.UTF8, "application/json");
        await Answered.RefusedAsync(
            await machine.PostAsync(ApiRoutes.Machines, large, Cancellation),
            HttpStatusCode.RequestEntityTooLarge,
            "ELP1007"
        );
        Assert.Empty((await Answered.ValueAsync<MachinePage>(await machine.GetAsync(ApiRoutes.Machines, Cancellation))).Machines);
        await Answered.RefusedAsync(
            await machine.GetAsync(ApiRoutes.Machines + "?after=x", Cancellation),
            HttpStatusCode.BadRequest,
            "ELP1006"
        );
        await Answered.RefusedAsync(
            await machine.GetAsync(ApiRoutes.Machines + "?limit=501", Cancellation),
            HttpStatusCode.BadRequest,
            "ELP1006"
        );
    }

    private static MachineReport Report(string name) =>
        new()
        {
            Name = name,
            Release = "6.12.5",
            BuildId = "4b1b",
            Version = "0.1.0",
            Livepatches =
            [
                new()
                {
                    Name = "livepatch_fix",
                    State = LivepatchStates.GoingLive,
                    IsOurs = true,
                    Functions = ["vmlinux/meminfo_proc_show"],
                    FunctionCount = 1,
                    BlockingCount = 2,
                    Blocking = ["reader (412)", "kworker/0:1 (9)"],
                    Patches = [new("fix.patch", new('c', 64))],
                },
            ],
        };

    private static Task<HttpResponseMessage> ReportAsync(HttpClient client, MachineReport report) =>
        client.PostAsJsonAsync(ApiRoutes.Machines, report, ProtocolJson.Default.MachineReport, Cancellation);
}
