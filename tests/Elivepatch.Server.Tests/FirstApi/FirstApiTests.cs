using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Elivepatch.Builder.Sources;
using Elivepatch.Protocol.Api;
using Elivepatch.Server.State;
using Elivepatch.Server.Tests.Builds;
using Elivepatch.Server.Tests.Kernels;

namespace Elivepatch.Server.Tests.FirstApi;

/// <summary>
/// What clients of the first elivepatch send, byte for byte as Python's requests writes it, and what they are answered.
/// </summary>
public sealed class FirstApiTests
{
    private const string Uuid = "57773c4c-65e2-4ed1-9daa-345737a9b05f";
    private const string Patch = "--- a/fs/x.c\n+++ b/fs/x.c\n@@ -1 +1 @@\n-a\n+b\n";
    private const string NotThese = """{"message":"These are not the patches you are looking for"}""";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task It_is_there_only_where_the_operator_wants_it()
    {
        await using var server = await RunningServer.StartAsync();
        Assert.StartsWith("HTTP/1.1 401", await GetAsync(server, "/elivepatch/api/"), StringComparison.Ordinal);
        Assert.StartsWith("HTTP/1.1 401", await SendAsync(server, GetFiles(Uuid, "6.1.0", "")), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/elivepatch/api/")]
    [InlineData("/elivepatch/api/v1.0/agent")]
    public async Task It_says_what_it_is(string path)
    {
        await using var server = await StartAsync();
        var answer = await GetAsync(server, path);
        Assert.StartsWith("HTTP/1.1 200", answer, StringComparison.Ordinal);
        using var body = JsonDocument.Parse(Body(answer));
        Assert.Equal("elivepatch", body.RootElement.GetProperty("agent")[0].GetProperty("module").GetString());
        var told = await SendAsync(server, Json("POST", path, """{"module": "m", "version": "0.1"}"""));
        Assert.StartsWith("HTTP/1.1 201", told, StringComparison.Ordinal);
        Assert.Equal("""{"agent":{"module":"m","version":"0.1"}}""", Body(told));
        Assert.StartsWith(
            "HTTP/1.1 400",
            await SendAsync(server, Json("POST", path, """{"module": 7}""")),
            StringComparison.Ordinal
        );
    }

    [Fact]
    public async Task A_request_is_answered_when_its_livepatch_is_built_and_the_livepatch_is_then_there()
    {
        await using var server = await StartAsync();
        var config = await AddKernelAsync(server);
        var asked = SendAsync(server, GetFiles(Uuid, "6.1.0", config, "one", "two"));
        var build = await TakeAsync(server);
        // Nothing that the client called its files is used.
        var submission = JsonSerializer.Deserialize(
            await server.Get<BlobStore>().ReadAsync(build.Submission, Cancellation),
            ProtocolJson.Default.BuildSubmission
        )!;
        Assert.Equal(["00000.patch", "00001.patch"], submission.BasePatches.Select(p => p.Name));
        Assert.Equal(["one", "two"], submission.BasePatches.Select(p => Encoding.UTF8.GetString(p.Content)));
        Assert.Equal(
            (Patch, "elivepatch_main"),
            (Encoding.UTF8.GetString(Assert.Single(submission.Patches).Content), submission.Name)
        );
        Assert.False(asked.IsCompleted);
        Assert.Contains(NotThese, await SendAsync(server, SendLivepatch(Uuid)), StringComparison.Ordinal);

        byte[] module = [0x7f, (byte)'E', (byte)'L', (byte)'F'];
        var artifact = (await server.Get<BlobStore>().PutAsync(module, Cancellation)).Value;
        await server
            .Get<BuildTable>()
            .FinishAsync(
                build.Lease,
                new()
                {
                    State = BuildState.Succeeded,
                    Module = "elivepatch_main",
                    Artifact = artifact,
                    ArtifactSize = 4,
                },
                Cancellation
            );
        var answer = await asked;
        Assert.StartsWith("HTTP/1.1 201", answer, StringComparison.Ordinal);
        Assert.Equal("{\"get_config\":{\"KernelVersion\":null,\"UUID\":\"" + Uuid + "\"}}", Body(answer));
        var sent = await SendAsync(server, SendLivepatch(Uuid));
        Assert.StartsWith("HTTP/1.1 200", sent, StringComparison.Ordinal);
        Assert.Contains("Content-Type: application/octet-stream", sent, StringComparison.Ordinal);
        Assert.Equal("\u007fELF", Body(sent));
        // Asking again for the same is answered at once, and for other files under the same name it is refused.
        Assert.StartsWith(
            "HTTP/1.1 201",
            await SendAsync(server, GetFiles(Uuid, "6.1.0", config, "one", "two")),
            StringComparison.Ordinal
        );
        var other = SendAsync(server, GetFiles(Uuid, "6.1.0", config, "other"));
        Assert.Contains("already present", await other, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_build_that_is_refused_says_why()
    {
        await using var server = await StartAsync();
        var config = await AddKernelAsync(server);
        var asked = SendAsync(server, GetFiles(Uuid, "6.1.0", config));
        var build = await TakeAsync(server);
        await server
            .Get<BuildTable>()
            .FinishAsync(
                build.Lease,
                new()
                {
                    State = BuildState.Refused,
                    Problems = [new("ELP0301", "the patch does not apply", "hunk 1 of fs/x.c", "Send one that does.")],
                },
                Cancellation
            );
        var answer = await asked;
        Assert.StartsWith("HTTP/1.1 403", answer, StringComparison.Ordinal);
        Assert.Contains(
            "ELP0301: the patch does not apply: hunk 1 of fs/x.c. Send one that does.",
            Body(answer),
            StringComparison.Ordinal
        );
        Assert.Contains(NotThese, await SendAsync(server, SendLivepatch(Uuid)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_kernel_that_cannot_be_told_is_refused_with_what_to_do()
    {
        await using var server = await StartAsync();
        var config = await AddKernelAsync(server);
        foreach (
            var (version, text) in new[]
            {
                ("6.2.0", config),
                ("6.1", config),
                ("6.1.0", config + "CONFIG_MORE=y\n"),
                ("6.1.0", ""),
            }
        )
        {
            var answer = await SendAsync(server, GetFiles(Uuid, version, text));
            Assert.StartsWith("HTTP/1.1 403", answer, StringComparison.Ordinal);
            Assert.Contains("ELP1080", Body(answer), StringComparison.Ordinal);
            Assert.Contains("elivepatch patch", Body(answer), StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("../../../../etc/passwd")]
    [InlineData("57773c4c-65e2-4ed1-9daa-345737a9b05f/..")]
    [InlineData("57773c4c-65e2-4ed1-9daa-345737a9b05g")]
    public async Task A_name_that_is_no_uuid_is_refused(string uuid)
    {
        await using var server = await StartAsync();
        var config = await AddKernelAsync(server);
        Assert.StartsWith("HTTP/1.1 400", await SendAsync(server, GetFiles(uuid, "6.1.0", config)), StringComparison.Ordinal);
        Assert.Contains(NotThese, await SendAsync(server, SendLivepatch(uuid)), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("[]")]
    [InlineData("{")]
    [InlineData("""{"UUID": ["57773c4c-65e2-4ed1-9daa-345737a9b05f"]}""")]
    [InlineData("""{"UUID": "a", "UUID": "57773c4c-65e2-4ed1-9daa-345737a9b05f"}""")]
    public async Task Nonsense_gets_the_answer_that_it_always_got(string body)
    {
        await using var server = await StartAsync();
        var answer = await SendAsync(server, Json("GET", "/elivepatch/api/v1.0/send_livepatch", body));
        Assert.StartsWith("HTTP/1.1 403", answer, StringComparison.Ordinal);
        Assert.Equal(NotThese, Body(answer));
        Assert.Equal(NotThese, Body(await SendAsync(server, Json("POST", "/elivepatch/api/v1.0/send_livepatch", "{}"))));
        Assert.Equal(NotThese, Body(await GetAsync(server, "/elivepatch/api/v1.0/get_files")));
    }

    [Fact]
    public async Task A_form_without_its_parts_or_with_too_many_is_refused()
    {
        await using var server = await StartAsync();
        var whole = GetFiles(Uuid, "6.1.0", "CONFIG_X=y\n");
        foreach (
            var broken in (string[])
                [
                    whole.Replace("main_patch", "other_patch", StringComparison.Ordinal),
                    whole.Replace("\"config\"", "\"konfig\"", StringComparison.Ordinal),
                    whole.Replace("--9e4c", "--8e4c", StringComparison.Ordinal),
                    whole.Replace("multipart/form-data; boundary", "text/plain; boundary", StringComparison.Ordinal),
                ]
        )
        {
            Assert.StartsWith("HTTP/1.1 400", await SendAsync(server, broken), StringComparison.Ordinal);
        }

        var many = GetFiles(Uuid, "6.1.0", "CONFIG_X=y\n", [.. Enumerable.Repeat("x", 2500)]);
        Assert.StartsWith("HTTP/1.1 400", await SendAsync(server, many), StringComparison.Ordinal);
    }

    private static Task<RunningServer> StartAsync() =>
        RunningServer.StartAsync(o => o with { FirstApi = true, Sources = [new(SourceOrigin.Tree, "*", "/")] });

    // A kernel that a present client told of; gives its configuration as such a client would send it.
    private static async Task<string> AddKernelAsync(RunningServer server)
    {
        using var bench = await Workbench.OpenAsync();
        var capture = await KernelRegistryTests.CaptureAsync(bench);
        using var client = await server.WithScopesAsync(TokenScopes.Submit);
        using var content = new ByteArrayContent(capture);
        var kernel = await Answered.ValueAsync<KernelView>(await client.PostAsync(ApiRoutes.Kernels, content, Cancellation));
        Assert.StartsWith("6.1.0", kernel.Release, StringComparison.Ordinal);
        using var read = new MemoryStream(capture);
        var config = Encoding.UTF8.GetString(Elivepatch.Protocol.Captures.CaptureFile.Read(read).Value.Config.Span);
        // The order and the comments are another tool's.
        return "# a comment\n" + string.Join('\n', config.Split('\n').Reverse());
    }

    private static async Task<StoredBuild> TakeAsync(RunningServer server)
    {
        for (var i = 0; i < 200; i++)
        {
            if (await server.Get<BuildTable>().TakeAsync("worker", Cancellation) is { } build)
            {
                return build;
            }

            await Task.Delay(50, Cancellation);
        }

        throw new TimeoutException();
    }

    // As requests 2.18 writes files: the boundary has 32 hexadecimal digits, and further headers of a part follow its type.
    private static string GetFiles(string uuid, string version, string config, params string[] basePatches)
    {
        const string boundary = "9e4c21a6b0b34e4f8a3a7d0c5e1f2b3d";
        var body = new StringBuilder();
        foreach (var (number, text) in basePatches.Index())
        {
            Part("patch", $"{number:00000}.patch", text);
        }

        Part("main_patch", "main.patch", Patch);
        Part("config", "config", config);
        body.Append("--").Append(boundary).Append("--\r\n");
        return Request(
            "POST",
            "/elivepatch/api/v1.0/get_files",
            $"multipart/form-data; boundary={boundary}",
            body.ToString(),
            $"KernelVersion: {version}\r\nUUID: {uuid}\r\n"
        );

        void Part(string name, string file, string text) =>
            body.Append("--")
                .Append(boundary)
                .Append("\r\n")
                .Append(
                    $"Content-Disposition: form-data; name=\"{name}\"; filename=\"{file}\"\r\nContent-Type: multipart/form-data\r\nExpires: 0\r\n\r\n"
                )
                .Append(text)
                .Append("\r\n");
    }

    private static string SendLivepatch(string uuid) =>
        Json("GET", "/elivepatch/api/v1.0/send_livepatch", $$"""{"KernelVersion": "6.1.0", "UUID": "{{uuid}}"}""");

    private static string Json(string method, string path, string body) => Request(method, path, "application/json", body, "");

    private static string Request(string method, string path, string type, string body, string headers) =>
        $"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:5000\r\nUser-Agent: python-requests/2.18.4\r\nAccept-Encoding: gzip, deflate\r\nAccept: */*\r\n"
        + $"Connection: close\r\n{headers}Content-Length: {Encoding.Latin1.GetByteCount(body)}\r\nContent-Type: {type}\r\n\r\n{body}";

    private static Task<string> GetAsync(RunningServer server, string path) =>
        SendAsync(
            server,
            $"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:5000\r\nUser-Agent: python-requests/2.18.4\r\nConnection: close\r\n\r\n"
        );

    private static async Task<string> SendAsync(RunningServer server, string request)
    {
        using var connection = new TcpClient();
        await connection.ConnectAsync(IPAddress.Loopback, server.Address.Port, Cancellation);
        await using var stream = connection.GetStream();
        await stream.WriteAsync(Encoding.Latin1.GetBytes(request), Cancellation);
        using var answer = new MemoryStream();
        await stream.CopyToAsync(answer, Cancellation);
        return Encoding.Latin1.GetString(answer.ToArray());
    }

    private static string Body(string answer)
    {
        var body = answer[(answer.IndexOf("\r\n\r\n", StringComparison.Ordinal) + 4)..];
        if (!answer.Contains("Transfer-Encoding: chunked", StringComparison.Ordinal))
        {
            return body;
        }

        var whole = new StringBuilder();
        while (
            body.IndexOf("\r\n", StringComparison.Ordinal) is var end and > 0
            && Convert.ToInt32(body[..end], 16) is var length and > 0
        )
        {
            whole.Append(body.AsSpan(end + 2, length));
            body = body[(end + 4 + length)..];
        }

        return whole.ToString();
    }
}
