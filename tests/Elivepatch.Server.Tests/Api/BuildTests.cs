using System.Globalization;
using System.Net;
using Elivepatch.Protocol;
using Elivepatch.Protocol.Api;
using Elivepatch.Server.State;

namespace Elivepatch.Server.Tests.Api;

/// <summary>Builds by the interface: lists, results, cancelling.</summary>
public sealed class BuildTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Pages_show_every_build_once_and_newest_first()
    {
        await using var server = await RunningServer.StartAsync();
        // Three of a time: the order among them has to hold across pages as well.
        for (var i = 0; i < 23; i++)
        {
            await server.AddBuildAsync(string.Create(CultureInfo.InvariantCulture, $"build{i:00}"), age: i / 3);
        }

        using var client = await server.WithScopesAsync(TokenScopes.Read);
        var seen = new List<string>();
        string? next = null;
        do
        {
            var page = await Answered.ValueAsync<BuildPage>(
                await client.GetAsync($"{ApiRoutes.Builds}?limit=5{(next is null ? "" : "&after=" + next)}", Cancellation)
            );
            Assert.True(page.Builds.Count == 5 || page.Next is null);
            seen.AddRange(page.Builds.Select(b => b.Id));
            next = page.Next;
        } while (next is not null);
        Assert.Equal(Enumerable.Range(0, 23).Select(i => string.Create(CultureInfo.InvariantCulture, $"build{i:00}")), seen);
    }

    [Fact]
    public async Task The_list_can_be_of_one_state()
    {
        await using var server = await RunningServer.StartAsync();
        await server.AddBuildAsync("old", age: 9);
        await server.Get<BuildTable>().TakeAsync("worker", Cancellation);
        await server.AddBuildAsync("new");
        using var client = await server.WithScopesAsync(TokenScopes.Read);
        async Task<IEnumerable<string>> ListAsync(string state) =>
            (
                await Answered.ValueAsync<BuildPage>(await client.GetAsync($"{ApiRoutes.Builds}?state={state}", Cancellation))
            ).Builds.Select(b => b.Id);
        Assert.Equal(["old"], await ListAsync("running"));
        Assert.Equal(["new"], await ListAsync("queued"));
        Assert.Empty(await ListAsync("succeeded"));
    }

    [Theory]
    [InlineData("limit=0")]
    [InlineData("limit=201")]
    [InlineData("limit=-1")]
    [InlineData("limit=many")]
    [InlineData("limit=99999999999999999999")]
    [InlineData("state=Queued")]
    [InlineData("state=0")]
    [InlineData("state=queued,running")]
    [InlineData("state=')%20OR%201=1")]
    [InlineData("after=nobody")]
    [InlineData("after=%00")]
    public async Task A_list_that_makes_no_sense_is_refused(string query)
    {
        await using var server = await RunningServer.StartAsync();
        using var client = await server.WithScopesAsync(TokenScopes.Read);
        await Answered.RefusedAsync(
            await client.GetAsync($"{ApiRoutes.Builds}?{query}", Cancellation),
            HttpStatusCode.BadRequest,
            "ELP1006"
        );
    }

    public static TheoryData<string> Hostile =>
        [
            "nobody",
            "..",
            "../../etc/passwd",
            "..\\..\\x",
            "%2e%2e%2f",
            "/etc/passwd",
            "' OR '1'='1",
            "\u202e\u0001",
            new string('a', 64),
            new string('x', 3000),
            "{build}",
            "con",
            "\ud83d\ude00",
        ];

    [Theory]
    [MemberData(nameof(Hostile))]
    public async Task A_name_of_no_build_is_unknown_on_every_route(string name)
    {
        await using var server = await RunningServer.StartAsync();
        await server.AddBuildAsync("real");
        using var client = server.WithSecret(server.Administrator!);
        foreach (
            var route in new Func<string, string>[]
            {
                ApiRoutes.Build,
                ApiRoutes.Events,
                ApiRoutes.Log,
                ApiRoutes.Artifact,
                ApiRoutes.Manifest,
                ApiRoutes.Explanation,
                ApiRoutes.Console,
            }
        )
        {
            using var answer = await client.GetAsync(route(name), Cancellation);
            // A URL may be brought into its normal form on the way, and then it names nothing at all.
            await Answered.RefusedAsync(
                answer,
                HttpStatusCode.NotFound,
                (await answer.Content.ReadAsStringAsync(Cancellation)).Contains("ELP1006", StringComparison.Ordinal)
                    ? "ELP1006"
                    : "ELP1009"
            );
        }

        using var cancelled = await client.PostAsync(ApiRoutes.Cancel(name), null, Cancellation);
        Assert.Contains(cancelled.StatusCode, new[] { HttpStatusCode.NotFound, HttpStatusCode.MethodNotAllowed });
    }

    [Fact]
    public async Task A_build_under_way_has_no_results()
    {
        await using var server = await RunningServer.StartAsync();
        await server.AddBuildAsync("build");
        using var client = await server.WithScopesAsync(TokenScopes.Read);
        foreach (
            var path in new[]
            {
                ApiRoutes.Artifact("build"),
                ApiRoutes.Manifest("build"),
                ApiRoutes.Explanation("build"),
                ApiRoutes.Console("build"),
            }
        )
        {
            await Answered.RefusedAsync(await client.GetAsync(path, Cancellation), HttpStatusCode.NotFound, "ELP1010");
        }
    }

    [Fact]
    public async Task Results_come_as_they_were_stored()
    {
        await using var server = await RunningServer.StartAsync();
        await server.AddBuildAsync("build");
        await server.Get<BuildTable>().TakeAsync("worker", Cancellation);
        var blobs = server.Get<BlobStore>();
        byte[] module = [0x7f, (byte)'E', (byte)'L', (byte)'F', 0, 255, 10, 13];
        var artifact = (await blobs.PutAsync(module, Cancellation)).Value;
        var console = (await blobs.PutAsync("<script>alert(1)</script>\n"u8.ToArray(), Cancellation)).Value;
        var explanation = (await blobs.PutAsync("""{"module":"x"}"""u8.ToArray(), Cancellation)).Value;
        await server
            .Get<BuildTable>()
            .FinishAsync(
                new("build", "worker", 1),
                new()
                {
                    State = BuildState.Succeeded,
                    Module = "livepatch-fix",
                    Artifact = artifact,
                    ArtifactSize = module.Length,
                    Console = console,
                    Explanation = explanation,
                    Tested = true,
                },
                Cancellation
            );
        using var client = await server.WithScopesAsync(TokenScopes.Read);

        using var got = await client.GetAsync(ApiRoutes.Artifact("build"), Cancellation);
        Assert.Equal(module, await got.Content.ReadAsByteArrayAsync(Cancellation));
        Assert.Equal("application/octet-stream", got.Content.Headers.ContentType?.MediaType);
        Assert.Equal("livepatch-fix.ko", got.Content.Headers.ContentDisposition?.FileName);
        Assert.Equal($"\"{artifact}\"", got.Headers.ETag?.Tag);

        using var text = await client.GetAsync(ApiRoutes.Console("build"), Cancellation);
        Assert.Equal("text/plain", text.Content.Headers.ContentType?.MediaType);
        Assert.Equal("nosniff", text.Headers.GetValues("X-Content-Type-Options").Single());
        Assert.Equal(
            "application/json",
            (await client.GetAsync(ApiRoutes.Explanation("build"), Cancellation)).Content.Headers.ContentType?.MediaType
        );

        var view = await Answered.ValueAsync<BuildView>(await client.GetAsync(ApiRoutes.Build("build"), Cancellation));
        Assert.Equal(new ArtifactReference(module.Length, artifact), view.Artifact);
        Assert.True(view.Tested);
        Assert.Equal("livepatch-fix", view.Module);
        Assert.True(view.IsFinal);
        Assert.Equal(1, view.Attempts);
    }

    [Fact]
    public async Task A_part_of_a_module_can_be_fetched_again()
    {
        await using var server = await RunningServer.StartAsync();
        await server.AddBuildAsync("build");
        await server.Get<BuildTable>().TakeAsync("worker", Cancellation);
        var artifact = (await server.Get<BlobStore>().PutAsync("0123456789"u8.ToArray(), Cancellation)).Value;
        await server
            .Get<BuildTable>()
            .FinishAsync(
                new("build", "worker", 1),
                new()
                {
                    State = BuildState.Succeeded,
                    Module = "m",
                    Artifact = artifact,
                    ArtifactSize = 10,
                },
                Cancellation
            );
        using var client = await server.WithScopesAsync(TokenScopes.Read);
        client.DefaultRequestHeaders.Range = new(4, null);
        using var rest = await client.GetAsync(ApiRoutes.Artifact("build"), Cancellation);
        Assert.Equal(HttpStatusCode.PartialContent, rest.StatusCode);
        Assert.Equal("456789", await rest.Content.ReadAsStringAsync(Cancellation));
    }

    [Fact]
    public async Task A_build_is_cancelled_by_whoever_asked_for_it_or_an_operator()
    {
        await using var server = await RunningServer.StartAsync();
        using var one = await server.WithScopesAsync(TokenScopes.Submit);
        var own = (await server.Get<TokenTable>().ListAsync(Cancellation)).Single(t => t.Name == "test submit").Id;
        await server.AddBuildAsync("own", token: own);
        await server.AddBuildAsync("other", token: "somebody else");
        await Answered.RefusedAsync(
            await one.PostAsync(ApiRoutes.Cancel("other"), null, Cancellation),
            HttpStatusCode.Forbidden,
            "ELP1005"
        );
        Assert.Equal(BuildState.Queued, (await server.Get<BuildTable>().FindAsync("other", Cancellation))!.State);
        Assert.Equal(
            BuildState.Cancelled,
            (await Answered.ValueAsync<BuildView>(await one.PostAsync(ApiRoutes.Cancel("own"), null, Cancellation))).State
        );
        using var administrator = server.WithSecret(server.Administrator!);
        Assert.Equal(
            BuildState.Cancelled,
            (
                await Answered.ValueAsync<BuildView>(await administrator.PostAsync(ApiRoutes.Cancel("other"), null, Cancellation))
            ).State
        );
    }

    [Fact]
    public async Task Problems_of_a_build_come_with_number_reason_and_remedy()
    {
        await using var server = await RunningServer.StartAsync();
        await server.AddBuildAsync("build");
        await server.Get<BuildTable>().TakeAsync("worker", Cancellation);
        var problem = new ProblemReport("ELP0403", "an initialiser changed", "weight_p +0x0", "set it from a callback");
        await server
            .Get<BuildTable>()
            .FinishAsync(new("build", "worker", 1), new() { State = BuildState.Refused, Problems = [problem] }, Cancellation);
        using var client = await server.WithScopesAsync(TokenScopes.Read);
        var view = await Answered.ValueAsync<BuildView>(await client.GetAsync(ApiRoutes.Build("build"), Cancellation));
        Assert.Equal(BuildState.Refused, view.State);
        Assert.Equal([problem], view.Problems);
        Assert.Null(view.Artifact);
    }

    [Fact]
    public async Task The_log_has_what_happened_line_by_line()
    {
        await using var server = await RunningServer.StartAsync();
        await server.AddBuildAsync("build");
        await server
            .Get<BuildEventTable>()
            .AddAsync("build", new(0, default, BuildEventKind.Stage, "compile", "fs/namei.c", "done"), Cancellation);
        await server.Get<BuildEventTable>().AddAsync("build", new(0, default, BuildEventKind.Log, "", "hello"), Cancellation);
        using var client = await server.WithScopesAsync(TokenScopes.Read);
        using var answer = await client.GetAsync(ApiRoutes.Log("build"), Cancellation);
        Assert.Equal("text/plain", answer.Content.Headers.ContentType?.MediaType);
        Assert.Equal(
            "2026-07-01T12:00:30.000Z == queued\n2026-07-01T12:00:30.000Z [compile] done fs/namei.c\n2026-07-01T12:00:30.000Z hello\n",
            await answer.Content.ReadAsStringAsync(Cancellation)
        );
    }

    [Fact]
    public async Task Answers_are_written_as_the_protocol_writes_them()
    {
        await using var server = await RunningServer.StartAsync();
        await server.AddBuildAsync("build");
        using var client = await server.WithScopesAsync(TokenScopes.Read);
        var text = await client.GetStringAsync(ApiRoutes.Build("build"), Cancellation);
        var view = System.Text.Json.JsonSerializer.Deserialize(text, ProtocolJson.Default.BuildView)!;
        Assert.Equal(System.Text.Json.JsonSerializer.Serialize(view, ProtocolJson.Default.BuildView), text);
        Assert.Contains("\"state\":\"queued\"", text, StringComparison.Ordinal);
    }
}
