using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Elivepatch.Builder.Sources;
using Elivepatch.Model;
using Elivepatch.Model.Statements;
using Elivepatch.Protocol.Api;
using Elivepatch.Server.State;
using Elivepatch.Server.Tests.Builds;

namespace Elivepatch.Server.Tests.Api;

/// <summary>Submitting builds by the interface, for a kernel of which nothing is missing.</summary>
public sealed class SubmissionTests
{
    private static readonly string kernel = new('1', 64);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_hundred_equal_submissions_at_once_are_one_build()
    {
        await using var server = await StartAsync();
        using var client = await server.WithScopesAsync(TokenScopes.Submit, TokenScopes.Read);
        var answers = await Task.WhenAll(Enumerable.Range(0, 100).Select(_ => SubmitAsync(client, "same")));
        var views = await Task.WhenAll(answers.Select(a => Answered.ValueAsync<BuildView>(a, HttpStatusCode.Accepted)));
        var id = Assert.Single(views.Select(v => v.Id).Distinct());
        Assert.Equal(
            id,
            Assert.Single((await Answered.ValueAsync<BuildPage>(await client.GetAsync(ApiRoutes.Builds, Cancellation))).Builds).Id
        );
        Assert.All(answers, a => Assert.Equal(ApiRoutes.Build(id), a.Headers.Location?.OriginalString));
        Assert.Single(await server.Get<BuildEventTable>().ReadAsync(id, 0, 1000, Cancellation));
        // Each of them is noted, with the build that it came to.
        Assert.Equal(
            100,
            (await server.Get<AuditTable>().ListAsync(1000, Cancellation)).Count(e => e.Subject == id && e.Status == 202)
        );
    }

    [Fact]
    public async Task A_token_with_too_many_open_builds_is_told_to_wait()
    {
        await using var server = await StartAsync(open: 2);
        using var client = await server.WithScopesAsync(TokenScopes.Submit);
        var answers = await Task.WhenAll(Enumerable.Range(0, 8).Select(i => SubmitAsync(client, $"patch {i}")));
        Assert.Equal(2, answers.Count(a => a.StatusCode == HttpStatusCode.Accepted));
        foreach (var refused in answers.Where(a => a.StatusCode != HttpStatusCode.Accepted))
        {
            await Answered.RefusedAsync(refused, HttpStatusCode.TooManyRequests, "ELP1008");
            Assert.NotNull(refused.Headers.RetryAfter);
        }

        // Others are not concerned.
        using var other = await server.WithScopesAsync(TokenScopes.Submit, TokenScopes.Read);
        Assert.Equal(HttpStatusCode.Accepted, (await SubmitAsync(other, "another")).StatusCode);
    }

    [Fact]
    public async Task A_build_that_has_ended_is_answered_at_once()
    {
        await using var server = await StartAsync();
        using var client = await server.WithScopesAsync(TokenScopes.Submit);
        var first = await Answered.ValueAsync<BuildView>(await SubmitAsync(client, "patch"), HttpStatusCode.Accepted);
        await server.Get<BuildTable>().TakeAsync("worker", Cancellation);
        await server
            .Get<BuildTable>()
            .FinishAsync(new(first.Id, "worker", 1), new() { State = BuildState.Refused }, Cancellation);
        Assert.Equal(BuildState.Refused, (await Answered.ValueAsync<BuildView>(await SubmitAsync(client, "patch"))).State);
    }

    [Fact]
    public async Task Statements_are_kept_with_the_request_and_make_another_build()
    {
        await using var server = await StartAsync();
        using var client = await server.WithScopesAsync(TokenScopes.Submit);
        var plain = await Answered.ValueAsync<BuildView>(await SubmitAsync(client, "patch"), HttpStatusCode.Accepted);
        var statement = new AuthorStatement(
            StatementKind.LayoutIsSafe,
            "fs/eventfd.c",
            "struct eventfd_ctx",
            "it lies in padding"
        );
        using var content = new StringContent(
            $$"""
            {"kernel":"{{kernel}}","patches":[{"name":"fix.patch","content":"{{Convert.ToBase64String("patch"u8)}}"}],
             "basePatches":[],"replace":true,
             "statements":[{"kind":"layout-is-safe","unit":"fs/eventfd.c","name":"struct eventfd_ctx","reason":"it lies in padding"}]}
            """,
            Encoding.UTF8,
            "application/json"
        );

        var stated = await Answered.ValueAsync<BuildView>(
            await client.PostAsync(ApiRoutes.Builds, content, Cancellation),
            HttpStatusCode.Accepted
        );

        Assert.NotEqual(plain.Id, stated.Id);
        var blob = (await server.Get<BuildTable>().FindAsync(stated.Id, Cancellation))!.Submission;
        var kept = JsonSerializer.Deserialize(
            await server.Get<BlobStore>().ReadAsync(blob, Cancellation),
            ProtocolJson.Default.BuildSubmission
        );
        Assert.Equal([statement], kept!.Statements);
    }

    [Fact]
    public void What_was_written_before_there_were_statements_has_none()
    {
        var submission = JsonSerializer.Deserialize("""{"kernel":"k","patches":[]}""", ProtocolJson.Default.BuildSubmission)!;
        Assert.Empty(submission.Statements);
        var explanation = JsonSerializer.Deserialize(
            """{"name":"m","release":"r","buildId":"b","replace":true,"units":[],"functions":[],"data":[],"references":[]}""",
            ProtocolJson.Default.Explanation
        )!;
        Assert.Empty(explanation.Statements);
    }

    [Theory]
    [InlineData("../../etc/passwd")]
    [InlineData("a/b.patch")]
    [InlineData("")]
    [InlineData("..")]
    [InlineData("a\u0000b")]
    [InlineData("a b")]
    public async Task A_patch_with_a_hostile_name_is_refused(string name)
    {
        await using var server = await StartAsync();
        using var client = await server.WithScopesAsync(TokenScopes.Submit);
        var submission = new BuildSubmission { Kernel = kernel, Patches = [new(name, [1])] };
        using var answer = await client.PostAsJsonAsync(
            ApiRoutes.Builds,
            submission,
            ProtocolJson.Default.BuildSubmission,
            Cancellation
        );
        await Answered.RefusedAsync(answer, HttpStatusCode.BadRequest, "ELP1006");
    }

    private static Task<HttpResponseMessage> SubmitAsync(HttpClient client, string patch) =>
        client.PostAsJsonAsync(
            ApiRoutes.Builds,
            new BuildSubmission { Kernel = kernel, Patches = [new("fix.patch", Encoding.ASCII.GetBytes(patch))] },
            ProtocolJson.Default.BuildSubmission,
            Cancellation
        );

    private static async Task<RunningServer> StartAsync(int open = 20)
    {
        var server = await RunningServer.StartAsync(o =>
            o with
            {
                OpenBuildsPerToken = open,
                Sources = [new(SourceOrigin.Tree, "*", "/")],
            }
        );
        await Workbench.AddKernelAsync(server, kernel);
        return server;
    }
}
