using System.Net;
using System.Net.Http.Headers;
using System.Text;
using Elivepatch.Protocol.Api;
using Elivepatch.Server.State;

namespace Elivepatch.Server.Tests.Api;

/// <summary>Bodies that are none.</summary>
public sealed class MalformedRequestTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public static TheoryData<string> Bodies =>
        [
            "",
            "null",
            "[]",
            "\"text\"",
            "{",
            "{}",
            "{\"kernel\":\"k\"}",
            "{\"kernel\":\"k\",\"patches\":null}",
            "{\"kernel\":null,\"patches\":[]}",
            "{\"kernel\":7,\"patches\":[]}",
            "{\"kernel\":\"k\",\"kernel\":\"l\",\"patches\":[]}",
            "{\"kernel\":\"k\",\"patches\":[{}]}",
            "{\"kernel\":\"k\",\"patches\":[{\"name\":\"a\"}]}",
            "{\"kernel\":\"k\",\"patches\":[{\"name\":null,\"content\":\"\"}]}",
            "{\"kernel\":\"k\",\"patches\":[{\"name\":\"a\",\"content\":\"!!!\"}]}",
            "{\"kernel\":\"k\",\"patches\":[{\"name\":\"a\",\"content\":null}]}",
            "{\"kernel\":\"k\",\"patches\":[],\"replace\":\"yes\"}",
            "{\"kernel\":\"k\",\"patches\":[{\"name\":\"a\",\"content\":\"YQ==\"}],\"basePatch\":[]}",
            "{\"kernel\":\"k\",\"patches\":[{\"name\":\"a\",\"content\":\"YQ==\"}],\"statements\":7}",
            "{\"kernel\":\"k\",\"patches\":[{\"name\":\"a\",\"content\":\"YQ==\"}],\"statements\":[null]}",
            "{\"kernel\":\"k\",\"patches\":[{\"name\":\"a\",\"content\":\"YQ==\"}],\"statements\":[{}]}",
            "{\"kernel\":\"k\",\"patches\":[{\"name\":\"a\",\"content\":\"YQ==\"}],\"statements\":[{\"kind\":\"layout-is-safe\",\"unit\":\"a.c\",\"name\":\"struct s\"}]}",
            "{\"kernel\":\"k\",\"patches\":[{\"name\":\"a\",\"content\":\"YQ==\"}],\"statements\":[{\"kind\":\"layout-is-safe\",\"unit\":\"a.c\",\"name\":\"struct s\",\"reason\":\"\"}]}",
            "{\"kernel\":\"k\",\"patches\":[{\"name\":\"a\",\"content\":\"YQ==\"}],\"statements\":[{\"kind\":\"layout-is-safe\",\"unit\":\"a.c\",\"name\":\"struct s\",\"reason\":null}]}",
            "{\"kernel\":\"k\",\"patches\":[{\"name\":\"a\",\"content\":\"YQ==\"}],\"statements\":[{\"kind\":\"layout-is-safe\",\"unit\":\"a.c\",\"name\":\"struct s\",\"reason\":\"a\\u001bb\"}]}",
            "{\"kernel\":\"k\",\"patches\":[{\"name\":\"a\",\"content\":\"YQ==\"}],\"statements\":[{\"kind\":\"force\",\"unit\":\"a.c\",\"name\":\"s\",\"reason\":\"so\"}]}",
            "{\"kernel\":\"k\",\"patches\":[{\"name\":\"a\",\"content\":\"YQ==\"}],\"statements\":[{\"kind\":99,\"unit\":\"a.c\",\"name\":\"s\",\"reason\":\"so\"}]}",
            "{\"kernel\":\"k\",\"patches\":[{\"name\":\"a\",\"content\":\"YQ==\"}],\"statements\":[{\"kind\":\"layout-is-safe\",\"unit\":\"../a.c\",\"name\":\"s\",\"reason\":\"so\"}]}",
            "{\"kernel\":\"k\",\"patches\":[{\"name\":\"a\",\"content\":\"YQ==\"}],\"statements\":[{\"kind\":\"layout-is-safe\",\"unit\":\"a.c\",\"name\":\"struct s\",\"reason\":\"so\"},{\"kind\":\"layout-is-safe\",\"unit\":\"a.c\",\"name\":\"struct s\",\"reason\":\"else\"}]}",
            "{\"kernel\":\"k\",\"patches\":[],}",
            "{\"kernel\":\"k\" /* */,\"patches\":[]}",
            "\ufeff{\"kernel\":",
            "<?xml version=\"1.0\"?><kernel/>",
            new string('[', 100_000),
            "{\"kernel\":" + new string('{', 50_000),
            "{\"x\":" + string.Concat(Enumerable.Repeat("{\"x\":", 30)) + "1" + new string('}', 31),
        ];

    [Theory]
    [MemberData(nameof(Bodies))]
    public async Task A_submission_that_makes_no_sense_is_refused_and_leaves_no_build(string body)
    {
        await using var server = await RunningServer.StartAsync();
        using var client = server.WithSecret(server.Administrator!);
        using var content = new StringContent(body, Encoding.UTF8, "application/json");
        await Answered.RefusedAsync(
            await client.PostAsync(ApiRoutes.Builds, content, Cancellation),
            HttpStatusCode.BadRequest,
            "ELP1006"
        );
        Assert.Empty((await Answered.ValueAsync<BuildPage>(await client.GetAsync(ApiRoutes.Builds, Cancellation))).Builds);
    }

    [Theory]
    [InlineData("{\"kernel\":\"k\"}", "its body lacks patches")]
    [InlineData("{}", "its body lacks kernel, patches")]
    [InlineData("{\"kernel\":\"k\",\"patches\":[{\"name\":\"a\"}]}", "its body at $.patches[0] lacks content")]
    [InlineData("{\"kernel\":\"k\",\"patches\":[],\"basePatch\":[]}", "its body at $.basePatch: there is no such member")]
    [InlineData("{\"kernel\":\"k\",\"kernel\":\"l\",\"patches\":[]}", "its body at $.kernel: a member stands there twice")]
    [InlineData("{\"kernel\":7,\"patches\":[]}", "its body at $.kernel is not what belongs there")]
    [InlineData("{\"kernel\":null,\"patches\":[]}", "its body at $.kernel is not what belongs there")]
    [InlineData("{\"kernel\":\n  no}", "its body is not JSON from line 2, byte 4")]
    [InlineData("", "its body is missing")]
    [InlineData("null", "its body is missing")]
    public async Task The_reason_says_where_in_words_of_the_interface(string body, string reason)
    {
        await using var server = await RunningServer.StartAsync();
        using var client = server.WithSecret(server.Administrator!);
        using var content = new StringContent(body, Encoding.UTF8, "application/json");
        using var answer = await client.PostAsync(ApiRoutes.Builds, content, Cancellation);
        var problem = await Answered.RefusedAsync(answer, HttpStatusCode.BadRequest, "ELP1006");
        Assert.EndsWith(reason, problem.Problems.Single().Reason, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/api/v1/builds?limit=many", "limit is not what belongs there")]
    [InlineData("/api/v1/withdrawals?before=now", "before is not what belongs there")]
    public async Task A_parameter_that_makes_no_sense_is_named(string path, string reason)
    {
        await using var server = await RunningServer.StartAsync();
        using var client = server.WithSecret(server.Administrator!);
        using var answer = await client.GetAsync(path, Cancellation);
        var problem = await Answered.RefusedAsync(answer, HttpStatusCode.BadRequest, "ELP1006");
        Assert.EndsWith(reason, problem.Problems.Single().Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Bytes_that_are_no_text_are_refused()
    {
        await using var server = await RunningServer.StartAsync();
        using var client = server.WithSecret(server.Administrator!);
        using var content = new ByteArrayContent([.. "{\"kernel\":\""u8, 0xff, 0xfe, 0xc0, 0x80, .. "\",\"patches\":[]}"u8]);
        content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        using var answer = await client.PostAsync(ApiRoutes.Builds, content, Cancellation);
        Assert.InRange((int)answer.StatusCode, 400, 422);
    }

    [Theory]
    [InlineData("text/plain")]
    [InlineData("application/x-www-form-urlencoded")]
    [InlineData("multipart/form-data; boundary=x")]
    public async Task A_submission_of_another_media_type_is_refused(string type)
    {
        await using var server = await RunningServer.StartAsync();
        using var client = server.WithSecret(server.Administrator!);
        using var content = new StringContent("{\"kernel\":\"k\",\"patches\":[]}");
        content.Headers.ContentType = MediaTypeHeaderValue.Parse(type);
        await Answered.RefusedAsync(
            await client.PostAsync(ApiRoutes.Builds, content, Cancellation),
            HttpStatusCode.UnsupportedMediaType,
            "ELP1006"
        );
    }

    [Theory]
    [InlineData("PATCH", ApiRoutes.Builds, HttpStatusCode.MethodNotAllowed)]
    [InlineData("TRACE", ApiRoutes.Builds, HttpStatusCode.MethodNotAllowed)]
    [InlineData("DELETE", ApiRoutes.Builds, HttpStatusCode.MethodNotAllowed)]
    [InlineData("GET", "/api/v1", HttpStatusCode.NotFound)]
    [InlineData("GET", "/api/v1/builds/a/b", HttpStatusCode.NotFound)]
    [InlineData("GET", "/api/v1//builds", HttpStatusCode.NotFound)]
    public async Task What_is_not_there_is_answered_like_every_other_problem(string method, string path, HttpStatusCode status)
    {
        await using var server = await RunningServer.StartAsync();
        using var client = server.WithSecret(server.Administrator!);
        using var request = new HttpRequestMessage(new(method), path);
        await Answered.RefusedAsync(await client.SendAsync(request, Cancellation), status, "ELP1006");
    }

    [Theory]
    [InlineData("../source")]
    [InlineData("modules")]
    [InlineData("SOURCE")]
    [InlineData("source\u0001")]
    public async Task A_part_of_another_name_is_refused_before_it_is_received(string part)
    {
        await using var server = await RunningServer.StartAsync();
        using var client = server.WithSecret(server.Administrator!);
        using var content = new ByteArrayContent(new byte[1000]);
        using var answer = await client.PutAsync(ApiRoutes.KernelPart("kernel", part), content, Cancellation);
        Assert.InRange((int)answer.StatusCode, 400, 404);
        Assert.Equal("application/problem+json", answer.Content.Headers.ContentType?.MediaType);
    }

    [Fact]
    public async Task Source_is_not_taken_where_the_operator_says_so()
    {
        await using var server = await RunningServer.StartAsync(o => o with { AllowUploadedSource = false });
        using var client = server.WithSecret(server.Administrator!);
        using var content = new ByteArrayContent(new byte[1000]);
        await Answered.RefusedAsync(
            await client.PutAsync(ApiRoutes.KernelPart("kernel", "source"), content, Cancellation),
            HttpStatusCode.Forbidden,
            "ELP1013"
        );
    }

    [Theory]
    [InlineData(null)]
    [InlineData("application/octet-stream")]
    [InlineData("application/gzip")]
    public async Task A_capture_that_is_none_is_refused_and_leaves_nothing(string? type)
    {
        await using var server = await RunningServer.StartAsync();
        using var client = server.WithSecret(server.Administrator!);
        using var content = new ByteArrayContent(Encoding.ASCII.GetBytes("no capture"));
        content.Headers.ContentType = type is null ? null : new MediaTypeHeaderValue(type);
        using var answer = await client.PostAsync(ApiRoutes.Kernels, content, Cancellation);
        await Answered.RefusedAsync(answer, HttpStatusCode.UnprocessableEntity, "ELP0706");
        // Whoever may send must not be able to fill the disk with nonsense.
        Assert.Empty(Directory.EnumerateFiles(server.Get<StateFolder>().Blobs, "*", SearchOption.AllDirectories));
    }
}
