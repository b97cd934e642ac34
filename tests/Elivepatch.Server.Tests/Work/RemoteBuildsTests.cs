using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Elivepatch.Builder.Jobs;
using Elivepatch.Builder.Workers;
using Elivepatch.Kernel.Storage;
using Elivepatch.Kernel.Tests.Toolchains;
using Elivepatch.Kernel.Toolchains;
using Elivepatch.Model;
using Elivepatch.Model.Explanations;
using Elivepatch.Protocol.Api;
using Elivepatch.Protocol.Manifests;
using Elivepatch.Server.Configuration;
using Elivepatch.Server.State;

namespace Elivepatch.Server.Tests.Work;

/// <summary>What a server lets workers say, over HTTP.</summary>
public sealed class RemoteBuildsTests
{
    private const string Build = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    private static readonly ProtocolJson whole = new(
        new JsonSerializerOptions(ProtocolJson.Default.Options)
        {
            DefaultIgnoreCondition = System.Text.Json.Serialization.JsonIgnoreCondition.Never,
        }
    );

    private readonly string worker = WorkerId.New();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_worker_takes_a_build_tells_of_it_and_ends_it_once()
    {
        await using var server = await StartAsync();
        using var client = await server.WithScopesAsync(TokenScopes.Work);
        var order = await BeginAsync(client);
        Assert.Equal((Build, 1), (order.Build, order.Attempt));
        await NoteAsync(
            client,
            1,
            0,
            HttpStatusCode.NoContent,
            new BuildEvent(0, default, BuildEventKind.Stage, "compile", "meminfo.c", "running")
        );
        using (var ended = await EndAsync(client, 1, Good()))
        {
            Assert.Equal(HttpStatusCode.NoContent, ended.StatusCode);
        }
        // The answer may have been lost on its way.
        using (var again = await EndAsync(client, 1, Good()))
        {
            Assert.Equal(HttpStatusCode.NoContent, again.StatusCode);
        }

        var build = (await server.Get<BuildTable>().FindAsync(Build, Cancellation))!;
        Assert.Equal(BuildState.Succeeded, build.State);
        Assert.Equal(Module, await server.Get<BlobStore>().ReadAsync(build.End!.Artifact!, Cancellation));
        var events = await server.Get<BuildEventTable>().ReadAsync(Build, 0, 100, Cancellation);
        Assert.Equal(["queued", "running", "meminfo.c", "succeeded"], events.Select(e => e.Detail));
        // Nothing more is taken of it.
        await NoteAsync(client, 1, 0, HttpStatusCode.Conflict, new BuildEvent(0, default, BuildEventKind.Log, "", "late"));
        await Answered.RefusedAsync(await PostBeginAsync(client), HttpStatusCode.Gone, "ELP1063");
    }

    [Fact]
    public async Task Events_that_are_told_again_are_not_doubled()
    {
        await using var server = await StartAsync();
        using var client = await server.WithScopesAsync(TokenScopes.Work);
        await BeginAsync(client);
        await NoteAsync(client, 1, 0, HttpStatusCode.NoContent, Line("a"), Line("b"));
        // The answer was lost, and with it what came since is told.
        await NoteAsync(client, 1, 0, HttpStatusCode.NoContent, Line("a"), Line("b"));
        await NoteAsync(client, 1, 0, HttpStatusCode.NoContent, Line("a"), Line("b"), Line("c"));
        await NoteAsync(client, 1, 3, HttpStatusCode.NoContent, Line("d"));
        await NoteAsync(client, 1, 2, HttpStatusCode.NoContent, Line("c"));
        // Some were given up by the worker.
        await NoteAsync(client, 1, 6, HttpStatusCode.NoContent, Line("g"));
        await NoteAsync(client, 1, -1, HttpStatusCode.BadRequest, Line("x"));
        Assert.Equal(["queued", "running", "a", "b", "c", "d", "g"], await DetailsAsync());
        // Another attempt begins to count anew.
        server.Clock.Now += TimeSpan.FromMinutes(1);
        await server.Get<BuildTable>().RequeueInterruptedAsync(TimeSpan.FromSeconds(30), Cancellation);
        Assert.Equal(2, (await BeginAsync(client)).Attempt);
        await NoteAsync(client, 2, 0, HttpStatusCode.NoContent, Line("a"));
        Assert.Equal(["queued", "running", "a"], (await DetailsAsync()).TakeLast(3));

        async Task<IEnumerable<string>> DetailsAsync() =>
            (await server.Get<BuildEventTable>().ReadAsync(Build, 0, 100, Cancellation)).Select(e => e.Detail);

        static BuildEvent Line(string text) => new(0, default, BuildEventKind.Log, "", text);
    }

    public static TheoryData<string> Lies =>
        ["subject", "build-id", "patches", "statements", "invocation", "engine", "name", "nothing", "both"];

    [Theory]
    [MemberData(nameof(Lies))]
    public async Task A_result_that_is_about_something_else_ends_the_build_as_failed(string lie)
    {
        await using var server = await StartAsync();
        using var client = await server.WithScopesAsync(TokenScopes.Work);
        await BeginAsync(client);
        var good = Good();
        var result = lie switch
        {
            "subject" => good with { Artifact = [.. Module, 0] },
            "build-id" => good with { Statement = Statement(p => p with { BuildId = "11ff" }) },
            "patches" => good with { Statement = Statement(p => p with { Patches = [new("fix.patch", new('d', 64))] }) },
            "statements" => good with
            {
                Statement = Statement(p => p with { Statements = [new(StatementKind.LeaveOutInit, "a.c", "x", "it is so")] }),
            },
            "invocation" => good with { Statement = Statement(build: new('9', 64)) },
            "engine" => good with { Statement = Statement(engine: "0.0.0") },
            "name" => good with { Module = "livepatch-other" },
            "nothing" => new() { Problems = [] },
            _ => good with { Problems = [new("ELP0403", "t", "r", "r")] },
        };
        await Answered.RefusedAsync(await EndAsync(client, 1, result), HttpStatusCode.UnprocessableEntity, "ELP1065");
        var build = (await server.Get<BuildTable>().FindAsync(Build, Cancellation))!;
        Assert.Equal((BuildState.Failed, null), (build.State, build.End!.Artifact));
    }

    [Fact]
    public async Task A_worker_is_told_the_bounds_of_a_build_and_is_given_the_build_whose_turn_it_is()
    {
        await using var server = await StartAsync(o => o with { ScriptSeconds = 7, UnitsPerBuild = 9 });
        using var client = await server.WithScopesAsync(TokenScopes.Work);
        var builds = server.Get<BuildTable>();
        var mine = (await builds.FindAsync(Build, Cancellation))!;
        // Another one of the same token runs, and the message is of its third.
        await builds.SubmitAsync(mine with { Id = new('1', 64), Submitted = mine.Submitted.AddMinutes(-1) }, Cancellation);
        Assert.Equal(new('1', 64), (await builds.TakeAsync("worker", Cancellation))!.Id);
        await builds.SubmitAsync(
            mine with
            {
                Id = new('f', 64),
                Token = "another",
                Submitted = mine.Submitted.AddMinutes(1),
            },
            Cancellation
        );
        var order = await BeginAsync(client);
        Assert.Equal((new('f', 64), 7, 9), (order.Build, order.ScriptSeconds, order.MostUnits));
        Assert.Equal(Build, (await BeginAsync(client)).Build);
    }

    [Fact]
    public async Task What_has_to_be_tested_and_was_not_is_not_given_out()
    {
        await using var server = await StartAsync(TrialPolicy.Required);
        using var client = await server.WithScopesAsync(TokenScopes.Work);
        Assert.Equal("required", (await BeginAsync(client)).Trial);
        await Answered.RefusedAsync(await EndAsync(client, 1, Good()), HttpStatusCode.UnprocessableEntity, "ELP1065");
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("""{"artifact":"AAAA","module":"x","explanation":null,"statement":{"_type":null}}""")]
    [InlineData("""{"artifact":"AAAA","module":"x","explanation":{},"statement":{"subject":[null]}}""")]
    [InlineData("[]")]
    [InlineData("null")]
    public async Task A_result_that_is_no_result_is_refused(string body)
    {
        await using var server = await StartAsync();
        using var client = await server.WithScopesAsync(TokenScopes.Work);
        await BeginAsync(client);
        using var content = new StringContent(body, Encoding.UTF8, "application/json");
        using var answer = await client.PostAsync(Path(ApiRoutes.WorkResult(Build), 1), content, Cancellation);
        Assert.InRange((int)answer.StatusCode, 400, 499);
    }

    [Fact]
    public async Task Only_the_inputs_of_its_build_are_given_to_a_worker_and_only_while_it_has_it()
    {
        await using var server = await StartAsync();
        using var client = await server.WithScopesAsync(TokenScopes.Work);
        var capture = (await server.Get<KernelTable>().FindAsync("kernel", KernelTable.Operator, Cancellation))!.Capture;
        await Answered.RefusedAsync(
            await client.GetAsync(Path(ApiRoutes.WorkInput(Build, capture), 1), Cancellation),
            HttpStatusCode.Conflict,
            "ELP1064"
        );
        await BeginAsync(client);
        await Answered.RefusedAsync(
            await client.GetAsync(Path(ApiRoutes.WorkInput(Build, capture), 2), Cancellation),
            HttpStatusCode.Conflict,
            "ELP1064"
        );
        foreach (
            var other in (string[])
                [
                    (await server.Get<BuildTable>().FindAsync(Build, Cancellation))!.Submission,
                    new('0', 64),
                    "../../keys",
                    "%2e%2e",
                ]
        )
        {
            await Answered.RefusedAsync(
                await client.GetAsync(Path(ApiRoutes.WorkInput(Build, other), 1), Cancellation),
                HttpStatusCode.NotFound,
                "ELP1010"
            );
        }
    }

    [Fact]
    public async Task Only_a_token_of_the_scope_work_works_and_it_does_nothing_else()
    {
        await using var server = await StartAsync();
        using var others = await server.WithScopesAsync(TokenScopes.Submit, TokenScopes.Read, TokenScopes.Operate);
        await Answered.RefusedAsync(await PostBeginAsync(others), HttpStatusCode.Forbidden, "ELP1005");
        await Answered.RefusedAsync(await ReportAsync(others, Report()), HttpStatusCode.Forbidden, "ELP1005");
        using var client = await server.WithScopesAsync(TokenScopes.Work);
        foreach (var path in (string[])[ApiRoutes.Builds, ApiRoutes.Tokens, ApiRoutes.Kernels, ApiRoutes.Artifact(Build)])
        {
            await Answered.RefusedAsync(await client.GetAsync(path, Cancellation), HttpStatusCode.Forbidden, "ELP1005");
        }
    }

    [Fact]
    public async Task A_worker_is_told_of_the_servers_toolchain_roots_and_gets_them_by_digest()
    {
        await using var server = await StartAsync();
        using var scratch = new Scratch();
        var imported = await new ImportedRoots(server.Get<CacheRoot>()).RunAsync(
            await new SmallRoot().WriteAsync(scratch.PathOf("root.tar")),
            Cancellation
        );
        using var client = await server.WithScopesAsync(TokenScopes.Work);
        var offered = Assert.Single((await Answered.ValueAsync<WorkerOrders>(await ReportAsync(client, Report()))).Toolchains);
        Assert.Equal((imported.Value.Digest.Hex, "root.tar"), (offered.Digest, offered.Name));
        Assert.Equal([SmallRoot.Compiler], offered.Compilers);
        await File.WriteAllBytesAsync(
            scratch.PathOf("received"),
            await client.GetByteArrayAsync(ApiRoutes.Toolchain(offered.Digest), Cancellation),
            Cancellation
        );
        var received = await RootTransfer.ReceiveAsync(
            scratch.Cache(),
            scratch.PathOf("received"),
            new(offered.Digest),
            offered.Name,
            Cancellation
        );
        Assert.Equal(imported.Value.Digest, received.Value.Digest);
        foreach (var other in (string[])[new('0', 64), offered.Digest[..12], "root.tar", "../keys"])
        {
            using var refused = await client.GetAsync(ApiRoutes.Toolchain(other), Cancellation);
            Assert.Equal(HttpStatusCode.NotFound, refused.StatusCode);
        }

        using var others = await server.WithScopesAsync(TokenScopes.Submit, TokenScopes.Read, TokenScopes.Operate);
        await Answered.RefusedAsync(
            await others.GetAsync(ApiRoutes.Toolchain(offered.Digest), Cancellation),
            HttpStatusCode.Forbidden,
            "ELP1005"
        );
    }

    [Fact]
    public async Task A_report_keeps_what_the_worker_runs_and_says_what_it_shall_end()
    {
        await using var server = await StartAsync();
        using var client = await server.WithScopesAsync(TokenScopes.Work);
        await BeginAsync(client);
        for (var i = 0; i < 4; i++)
        {
            server.Clock.Now += TimeSpan.FromSeconds(6);
            Assert.Empty(
                (
                    await Answered.ValueAsync<WorkerOrders>(
                        await ReportAsync(client, Report() with { Running = [new(Build, 1)] })
                    )
                ).Ended
            );
        }

        await server.Get<BuildTable>().CancelAsync(Build, Cancellation);
        Assert.Equal(
            [Build],
            (
                await Answered.ValueAsync<WorkerOrders>(await ReportAsync(client, Report() with { Running = [new(Build, 1)] }))
            ).Ended
        );
        using (var ended = await EndAsync(client, 1, Good()))
        {
            Assert.Equal(HttpStatusCode.NoContent, ended.StatusCode);
        }

        Assert.Equal(BuildState.Cancelled, (await server.Get<BuildTable>().FindAsync(Build, Cancellation))!.State);
        using var reader = await server.WithScopesAsync(TokenScopes.Read);
        var known = Assert.Single(
            await Answered.ValueAsync<IReadOnlyList<WorkerView>>(await reader.GetAsync(ApiRoutes.Workers, Cancellation))
        );
        Assert.Equal(("builder", 2, Build), (known.Name, known.Builders, Assert.Single(known.Running)));
    }

    [Fact]
    public async Task A_report_of_another_version_or_that_makes_no_sense_is_refused()
    {
        await using var server = await StartAsync();
        using var client = await server.WithScopesAsync(TokenScopes.Work);
        await Answered.RefusedAsync(
            await ReportAsync(client, Report() with { Version = "0.0.0\u001b[31m" }),
            HttpStatusCode.Conflict,
            "ELP1061"
        );
        foreach (
            var report in (WorkerReport[])
                [
                    Report() with
                    {
                        Name = "",
                    },
                    Report() with
                    {
                        Name = "a\nb",
                    },
                    Report() with
                    {
                        Builders = 0,
                    },
                    Report() with
                    {
                        Builders = 100_000,
                    },
                    Report() with
                    {
                        Capabilities = ["*"],
                    },
                    Report() with
                    {
                        Kernels = ["../x"],
                    },
                    Report() with
                    {
                        Running = [new("x", 1)],
                    },
                    Report() with
                    {
                        Capabilities = [.. Enumerable.Repeat("x86_64.gcc-12.00000000", 1001)],
                    },
                ]
        )
        {
            await Answered.RefusedAsync(await ReportAsync(client, report), HttpStatusCode.BadRequest, "ELP1006");
        }
    }

    [Fact]
    public async Task A_worker_cannot_say_how_a_build_stands()
    {
        await using var server = await StartAsync();
        using var client = await server.WithScopesAsync(TokenScopes.Work);
        await BeginAsync(client);
        await NoteAsync(
            client,
            1,
            0,
            HttpStatusCode.BadRequest,
            new BuildEvent(0, default, BuildEventKind.State, "", "succeeded")
        );
    }

    private static byte[] Module => [0x7f, (byte)'E', (byte)'L', (byte)'F'];

    private static Task<RunningServer> StartAsync(TrialPolicy trial) => StartAsync(o => o with { TestPolicy = trial });

    private static async Task<RunningServer> StartAsync(Func<ServerOptions, ServerOptions>? change = null)
    {
        var server = await RunningServer.StartAsync(change);
        await server.AddBuildAsync("other");
        var submission = new BuildSubmission { Kernel = "kernel", Patches = [new("fix.patch", "x"u8.ToArray())] };
        var blob = await server
            .Get<BlobStore>()
            .PutAsync(JsonSerializer.SerializeToUtf8Bytes(submission, ProtocolJson.Default.BuildSubmission), Cancellation);
        await server
            .Get<BuildTable>()
            .SubmitAsync(
                (await server.Get<BuildTable>().FindAsync("other", Cancellation))! with
                {
                    Id = Build,
                    Submission = blob.Value,
                },
                Cancellation
            );
        await server.Get<BuildTable>().CancelAsync("other", Cancellation);
        return server;
    }

    private string Path(string route, int attempt) => $"{route}?worker={worker}&attempt={attempt}";

    private Task<HttpResponseMessage> PostBeginAsync(HttpClient client) =>
        client.PostAsJsonAsync(ApiRoutes.WorkBegin(Build), new WorkBegin(worker), ProtocolJson.Default.WorkBegin, Cancellation);

    private async Task<WorkOrder> BeginAsync(HttpClient client) =>
        await Answered.ValueAsync<WorkOrder>(await PostBeginAsync(client));

    private async Task NoteAsync(HttpClient client, int attempt, int told, HttpStatusCode status, params BuildEvent[] events)
    {
        using var answer = await client.PostAsJsonAsync(
            $"{Path(ApiRoutes.WorkEvents(Build), attempt)}&told={told}",
            events,
            ProtocolJson.Default.IReadOnlyListBuildEvent,
            Cancellation
        );
        Assert.Equal(status, answer.StatusCode);
    }

    private Task<HttpResponseMessage> EndAsync(HttpClient client, int attempt, WorkResult result) =>
        client.PostAsJsonAsync(Path(ApiRoutes.WorkResult(Build), attempt), result, whole.WorkResult, Cancellation);

    private Task<HttpResponseMessage> ReportAsync(HttpClient client, WorkerReport report) =>
        client.PostAsJsonAsync(ApiRoutes.Worker(worker), report, ProtocolJson.Default.WorkerReport, Cancellation);

    private static WorkerReport Report() =>
        new()
        {
            Name = "builder",
            Version = EngineVersion.Current,
            Capabilities = ["x86_64.gcc-12.00000000"],
            Builders = 2,
            Kernels = [],
            Running = [],
        };

    private static WorkResult Good() =>
        new()
        {
            Problems = [],
            Module = "livepatch-fix",
            Artifact = Module,
            Explanation = Explanation(),
            Statement = Statement(),
        };

    private static Statement Statement(
        Func<ExternalParameters, ExternalParameters>? change = null,
        string build = Build,
        string? engine = null
    )
    {
        // What the build of RunningServer asks for.
        var asked = new ExternalParameters("6.12.0-test", "00ff", [new("fix.patch", new('c', 64))], [], "livepatch-fix", true);
        return new()
        {
            Type = Protocol.Manifests.Statement.StatementType,
            Subject = [new("livepatch-fix.ko", new(ContentDigest.Of(Module).Hex))],
            PredicateType = Protocol.Manifests.Statement.ProvenanceType,
            Predicate = new(
                new()
                {
                    BuildType = BuildDefinition.LivepatchType,
                    ExternalParameters = change?.Invoke(asked) ?? asked,
                    InternalParameters = new(engine ?? EngineVersion.Current, "gcc", [], null),
                },
                new(new("", new Dictionary<string, string>()), new(build, DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch)),
                new(DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch)
            ),
        };
    }

    private static Explanation Explanation() => new("livepatch-fix", "6.12.0-test", "00ff", true, [], [], [], []);
}
