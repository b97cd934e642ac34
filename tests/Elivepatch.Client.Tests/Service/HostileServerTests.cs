using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Elivepatch.Protocol;
using Elivepatch.Protocol.Api;
using Elivepatch.Protocol.Manifests;
using Microsoft.AspNetCore.Http;

namespace Elivepatch.Client.Tests.Service;

/// <summary>Servers that lie, break off or never end: nothing is loaded, nothing hangs, and the reason is told.</summary>
public sealed class HostileServerTests
{
    public static TheoryData<string, string> Lies =>
        new()
        {
            { "ELP1103", "wrong key" },
            { "ELP1104", "changed byte" },
            { "ELP1105", "other build-id" },
            { "ELP1106", "other patches" },
            { "ELP1106", "does not replace" },
            { "ELP1106", "other name" },
            { "ELP1108", "expired" },
            { "ELP1109", "from the future" },
            { "ELP1102", "no manifest" },
        };

    [Theory]
    [MemberData(nameof(Lies))]
    public async Task A_livepatch_that_is_not_what_it_should_be_is_not_loaded(string code, string lie)
    {
        await using var bench = await PatchBench.StartAsync();
        Tell(bench.Server, lie);
        Assert.Equal(code, (await bench.FailAsync(4, "patch", bench.Patch("a.patch")))[0].Code);
        Assert.Empty(bench.Machine.Loaded);
        Assert.Empty(bench.Ledger().Livepatches);
    }

    [Fact]
    public async Task A_manifest_older_than_one_that_was_accepted_is_a_replay()
    {
        await using var bench = await PatchBench.StartAsync();
        await bench.MustAsync("patch", bench.Patch("a.patch"));
        bench.Server.Issued -= TimeSpan.FromSeconds(1);
        Assert.Equal("ELP1107", (await bench.FailAsync(4, "patch", bench.Patch("b.patch")))[0].Code);
        Assert.Single(bench.Machine.Loaded);
    }

    [Theory]
    [InlineData(-365, "ELP1109")]
    [InlineData(365, "ELP1108")]
    [InlineData(2_900_000, "ELP1108")]
    [InlineData(-700_000, "ELP1109")]
    public async Task By_a_clock_that_is_wrong_nothing_is_believed(int days, string code)
    {
        await using var bench = await PatchBench.StartAsync();
        var run = new TestSession { Machine = bench.Machine.Access with { Time = new ShiftedTime(TimeSpan.FromDays(days)) } };
        Assert.Equal(4, await run.RunAsync("patch", bench.Patch("a.patch")));
        Assert.Contains(code, run.Error, StringComparison.Ordinal);
        Assert.Empty(bench.Machine.Loaded);
    }

    [Fact]
    public async Task What_was_accepted_while_all_clocks_were_ahead_can_be_left_behind_by_name()
    {
        await using var bench = await PatchBench.StartAsync();
        bench.Server.Issued += TimeSpan.FromDays(365);
        var ahead = new TestSession { Machine = bench.Machine.Access with { Time = new ShiftedTime(TimeSpan.FromDays(365)) } };
        Assert.True(await ahead.RunAsync("patch", bench.Patch("a.patch")) == 0, ahead.Error);
        bench.Server.Issued -= TimeSpan.FromDays(365);
        var problem = (await bench.FailAsync(4, "patch", bench.Patch("b.patch")))[0];
        Assert.Equal("ELP1107", problem.Code);
        Assert.Contains("was ahead then", problem.Reason, StringComparison.Ordinal);
        Assert.Contains("--accept-older", problem.Remedy, StringComparison.Ordinal);
        await bench.MustAsync("patch", "--accept-older", bench.Patch("b.patch"));
        // From then on, age counts again.
        Assert.Equal(bench.Server.Issued, bench.Ledger().NewestAccepted);
        bench.Server.Issued -= TimeSpan.FromSeconds(1);
        Assert.Equal("ELP1107", (await bench.FailAsync(4, "patch", bench.Patch("c.patch")))[0].Code);
    }

    [Fact]
    public async Task A_stream_of_events_that_breaks_off_goes_on_after_the_last_one()
    {
        await using var bench = await PatchBench.StartAsync();
        var asked = new List<string>();
        var finished = false;
        bench.Server.Events.Clear();
        bench.Server.Events.AddRange(Enumerable.Range(1, 6).Select(i => FakeServer.Stage(i, $"stage {i}", "done")));
        bench.Server.Instead["/events"] = async context =>
        {
            var last = context.Request.Headers["Last-Event-ID"].ToString();
            asked.Add(last);
            var from = last.Length == 0 ? 0 : int.Parse(last, System.Globalization.CultureInfo.InvariantCulture);
            // One that was heard comes again, then a new one, then half of another.
            await bench.Server.EventsAsync(context, bench.Server.Events.Skip(Math.Max(0, from - 1)).Take(3));
            await context.Response.WriteAsync("id: 99\ndata: {\"seq");
            finished = from >= 4;
            await context.Response.Body.FlushAsync();
            // What the other end has not read yet would be lost with the connection.
            await Task.Delay(200);
            context.Abort();
        };
        bench.Server.End = build => build with { State = finished ? BuildState.Succeeded : BuildState.Running };
        var run = await bench.MustAsync("patch", bench.Patch("a.patch"));
        Assert.Equal(["", "3", "5"], asked);
        Assert.Equal(6, run.Error.Split('\n').Count(l => l.StartsWith("stage ", StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData(429)]
    [InlineData(503)]
    public async Task A_server_that_asks_for_patience_is_asked_again_after_it(int status)
    {
        await using var bench = await PatchBench.StartAsync();
        var watch = new Stopwatch();
        var tries = 0;
        bench.Server.Instead["POST /api/v1/builds"] = async context =>
        {
            if (tries++ == 0)
            {
                watch.Start();
                context.Response.Headers.RetryAfter = "1";
                context.Response.StatusCode = status;
                return;
            }
            watch.Stop();
            await bench.Server.HonestAsync(context);
        };
        var run = await bench.MustAsync("patch", bench.Patch("a.patch"));
        Assert.True(watch.ElapsedMilliseconds >= 950, $"{watch.ElapsedMilliseconds} ms");
        Assert.Contains("the server asks to wait 1 s", run.Error, StringComparison.Ordinal);
        Assert.Equal(2, tries);
    }

    [Fact]
    public async Task What_a_server_says_does_not_reach_the_terminal_as_commands()
    {
        await using var bench = await PatchBench.StartAsync();
        bench.Server.Events[0] = FakeServer.Stage(1, "\u001b]0;title\u0007", "running");
        bench.Server.End = build =>
            build with
            {
                State = BuildState.Refused,
                Problems = [new("ELP9\u001b[2J", "tit\u001b[2Jle", "rea\u001b[2Json", "rem\u001b[2Jedy")],
            };
        var (status, run) = await bench.RunAsync("patch", bench.Patch("a.patch"));
        Assert.Equal(1, status);
        Assert.Contains("rem\\x1b[2Jedy", run.Error, StringComparison.Ordinal);
        Assert.DoesNotContain('\u001b', run.Error);
    }

    [Fact]
    public async Task A_server_that_is_always_busy_is_not_asked_for_ever()
    {
        await using var bench = await PatchBench.StartAsync();
        bench.Server.Instead["POST /api/v1/builds"] = context =>
            FakeServer.ProblemAsync(
                context,
                429,
                new ProblemReport("ELP1008", "too many requests", "3 builds", "wait") { Kind = "environment", Temporary = true }
            );
        Assert.Equal("ELP1008", (await bench.FailAsync(75, "patch", bench.Patch("a.patch")))[0].Code);
        Assert.Equal(5, bench.Server.Requests.Count(r => r == "POST /api/v1/builds"));
    }

    [Theory]
    [InlineData("/keys")]
    [InlineData("/kernels")]
    [InlineData("/builds")]
    [InlineData("/builds/0")]
    [InlineData("/artifact")]
    [InlineData("/manifest")]
    public async Task An_answer_without_end_is_cut_off(string route)
    {
        await using var bench = await PatchBench.StartAsync();
        var written = 0L;
        bench.Server.Instead[route] = async context =>
        {
            context.Response.ContentType = "application/json";
            var block = new byte[1 << 20];
            while (!context.RequestAborted.IsCancellationRequested && written < 1L << 30)
            {
                await context.Response.Body.WriteAsync(block);
                written += block.Length;
                // A web server swallows what is written to a connection that has just gone.
                await Task.Delay(1);
            }
        };
        Assert.Equal("ELP1003", (await bench.FailAsync(1, "patch", bench.Patch("a.patch")))[0].Code);
        Assert.True(written < 200 << 20, $"{written >> 20} MiB were taken");
        Assert.Empty(bench.Machine.Loaded);
    }

    [Theory]
    [InlineData("/keys", "text/html")]
    [InlineData("/kernels", "text/plain")]
    [InlineData("/builds", null)]
    public async Task An_answer_of_another_type_is_none(string route, string? type)
    {
        await using var bench = await PatchBench.StartAsync();
        bench.Server.Instead[route] = async context =>
        {
            context.Response.ContentType = type;
            await context.Response.WriteAsync("<html>{}</html>");
        };
        Assert.Equal("ELP1003", (await bench.FailAsync(1, "patch", bench.Patch("a.patch")))[0].Code);
    }

    [Theory]
    [InlineData("/keys", "[null]")]
    [InlineData("/keys", "[{\"id\":\"x\"}]")]
    [InlineData("/kernels", "{}")]
    [InlineData("/kernels", "{\"id\":\"k1\",\"release\":\"r\",\"buildId\":\"other\",\"missing\":[null]}")]
    [InlineData("/builds", "null")]
    [InlineData("/builds", "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[")]
    [InlineData(
        "/builds/0",
        "{\"id\":\"other\",\"state\":\"succeeded\",\"kernel\":\"k\",\"release\":\"r\",\"patches\":[],\"requester\":\"x\",\"submitted\":\"2026-01-01T00:00:00Z\"}"
    )]
    public async Task JSON_that_is_not_what_was_asked_for_is_refused(string route, string json)
    {
        await using var bench = await PatchBench.StartAsync();
        bench.Server.Instead[route] = async context =>
        {
            context.Response.ContentType = "application/json";
            await context.Response.WriteAsync(json);
        };
        Assert.Contains((await bench.FailAsync(1, "patch", bench.Patch("a.patch")))[0].Code, (string[])["ELP1003"]);
        Assert.Empty(bench.Machine.Loaded);
    }

    [Fact]
    public async Task A_promise_of_more_than_is_taken_is_not_waited_for()
    {
        await using var bench = await PatchBench.StartAsync();
        bench.Server.Instead["/artifact"] = async context =>
        {
            context.Response.ContentLength = 1L << 40;
            await context.Response.Body.FlushAsync();
            await Task.Delay(Timeout.Infinite, context.RequestAborted).ContinueWith(_ => { }, TaskScheduler.Default);
        };
        Assert.Contains(
            "more than",
            (await bench.FailAsync(1, "patch", bench.Patch("a.patch")))[0].Reason,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public async Task A_redirect_is_not_followed()
    {
        await using var bench = await PatchBench.StartAsync();
        await using var elsewhere = await FakeServer.StartAsync();
        bench.Server.Instead["POST /api/v1/builds"] = context =>
        {
            context.Response.Redirect(elsewhere.Url + "/api/v1/builds", permanent: true, preserveMethod: true);
            return Task.CompletedTask;
        };
        var run = bench.Machine.NewSession();
        run.Variables["ELIVEPATCH_TOKEN"] = "secret";
        Assert.Equal(1, await run.RunAsync("patch", bench.Patch("a.patch")));
        Assert.Contains("ELP1003", run.Error, StringComparison.Ordinal);
        Assert.Contains(elsewhere.Url, run.Error, StringComparison.Ordinal);
        Assert.Empty(elsewhere.Requests);
    }

    [Fact]
    public async Task Events_that_are_none_or_too_large_do_not_keep_the_build_from_its_end()
    {
        await using var bench = await PatchBench.StartAsync();
        var number = 0;
        bench.Server.Instead["/events"] = async context =>
        {
            context.Response.ContentType = number == 2 ? "text/html" : "text/event-stream";
            await context.Response.WriteAsync(
                number++ switch
                {
                    0 => "id: 1\ndata: null\n\n",
                    1 => "id: 1\ndata: " + new string('x', 3 << 20),
                    _ => "data: {}\n\n",
                }
            );
        };
        bench.Server.End = build => build with { State = number > 3 ? BuildState.Succeeded : BuildState.Running };
        await bench.MustAsync("patch", bench.Patch("a.patch"));
        Assert.Equal(4, number);
    }

    [Fact]
    public async Task A_build_that_never_ends_is_not_followed_for_ever()
    {
        await using var bench = await PatchBench.StartAsync();
        bench.Server.End = build => build;
        Assert.Equal("ELP1002", (await bench.FailAsync(75, "patch", bench.Patch("a.patch")))[0].Code);
        Assert.Empty(bench.Machine.Loaded);
    }

    [Fact]
    public async Task Nobody_at_the_address_is_told_at_once()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var port = ((IPEndPoint)listener.LocalEndpoint).Port;
        listener.Stop();
        await using var bench = await PatchBench.StartAsync(trusts: false);
        var pem = bench.Scratch.Write("server.pem", bench.Server.Key.Public.Pem);
        var watch = Stopwatch.StartNew();
        var problem = (
            await bench.FailAsync(75, "patch", "--server", $"http://127.0.0.1:{port}", "--key", pem, bench.Patch("a.patch"))
        )[0];
        Assert.Equal("ELP1002", problem.Code);
        Assert.Contains("refused", problem.Reason, StringComparison.OrdinalIgnoreCase);
        Assert.True(watch.Elapsed < TimeSpan.FromSeconds(10));
    }

    [Theory]
    [InlineData("http://192.0.2.1", "ELP1216")]
    [InlineData("ftp://192.0.2.1", "ELP0950")]
    [InlineData("https://me:secret@192.0.2.1", "ELP0950")]
    [InlineData("192.0.2.1", "ELP0950")]
    public async Task An_address_that_would_give_the_token_away_or_is_none_is_refused(string url, string code)
    {
        await using var bench = await PatchBench.StartAsync(trusts: false);
        var run = bench.Machine.NewSession();
        run.Variables["ELIVEPATCH_TOKEN"] = "secret";
        var pem = bench.Scratch.Write("server.pem", bench.Server.Key.Public.Pem);
        Assert.Equal(2, await run.RunAsync("patch", "--server", url, "--key", pem, bench.Patch("a.patch")));
        Assert.StartsWith(code, run.Error[run.Error.LastIndexOf("ELP", StringComparison.Ordinal)..], StringComparison.Ordinal);
    }

    private static void Tell(FakeServer server, string lie)
    {
        switch (lie)
        {
            case "wrong key":
                server.Key = SigningKey.Create();
                break;
            case "changed byte":
                server.Tamper = module => [.. module[..^1], (byte)(module[^1] ^ 1)];
                break;
            case "expired":
                server.Issued = DateTimeOffset.UtcNow - TimeSpan.FromDays(40);
                break;
            case "from the future":
                server.Issued = DateTimeOffset.UtcNow + TimeSpan.FromDays(1);
                break;
            case "no manifest":
                server.Instead["/manifest"] = context => context.Response.WriteAsync("{\"payloadType\":1}");
                break;
            default:
                server.Alter = statement =>
                    Alter(
                        statement,
                        asked =>
                            lie switch
                            {
                                "other build-id" => asked with { BuildId = "00112233445566778899" },
                                "other patches" => asked with { Patches = [.. asked.Patches, .. asked.Patches] },
                                "does not replace" => asked with { Replace = false },
                                _ => asked with { Module = "livepatch_other" },
                            }
                    );
                break;
        }
    }

    private static Statement Alter(Statement statement, Func<ExternalParameters, ExternalParameters> change)
    {
        var definition = statement.Predicate.BuildDefinition;
        return statement with
        {
            Predicate = statement.Predicate with
            {
                BuildDefinition = definition with { ExternalParameters = change(definition.ExternalParameters) },
            },
        };
    }
}
