using System.Globalization;
using System.IO.Compression;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;
using Elivepatch.Builder.Sources;
using Elivepatch.Builder.Workers;
using Elivepatch.Protocol.Api;
using Elivepatch.Server.Tests.Builds;

namespace Elivepatch.Server.Tests.Api;

/// <summary>
/// Every operation of the description, and every page, with every way to ask wrongly: over a socket, because a client library
/// sends little of it. Whatever is asked, the answer is one of the client's errors (or an answer), says so in the form of the
/// interface, and the server goes on.
/// </summary>
public sealed class RoughRequestTests : IAsyncLifetime
{
    private const string Deep = "{\"a\":";
    private static readonly string kernel = new('d', 64),
        worker = WorkerId.New();
    private static readonly JsonNode description = JsonNode.Parse(
        File.ReadAllText(Path.Combine(Repository.Root, "docs", "api", "v1.json"))
    )!;

    private static readonly string[] pages =
    [
        "/",
        "/builds/{build}",
        "/kernels",
        "/kernels/{kernel}",
        "/workers",
        "/machines",
        "/machines/{machine}",
        "/sign-in",
        "/assets/{asset}",
    ];

    private static readonly Dictionary<string, JsonNode> known = new()
    {
        ["kernel"] = kernel,
        ["buildId"] = new string('a', 40),
        ["content"] = "YQ==",
        ["scopes"] = new JsonArray("read"),
        ["worker"] = worker,
        ["release"] = "6.1.0-test",
    };

    // What stands in the place of a value in the JSON of a body.
    private static readonly string[] values =
    [
        "null",
        "true",
        "-1",
        "1e400",
        "-1e400",
        "99999999999999999999999999",
        "1.5",
        "9007199254740993",
        "\"\"",
        "\"\\u0000\"",
        "\"\\ud800\"",
        "\"\\ufffe\\u202e\"",
        "\"../../etc/passwd\"",
        "\"" + new string('x', 5000) + "\"",
        "[]",
        "{}",
        "[null]",
        "[[[[]]]]",
    ];

    private static readonly (string Name, byte[] Content)[] bodies =
    [
        ("nothing", []),
        ("blanks", "  \n"u8.ToArray()),
        ("null", "null"u8.ToArray()),
        ("a list", "[1,2]"u8.ToArray()),
        ("deep JSON", Encoding.ASCII.GetBytes(string.Concat(Enumerable.Repeat(Deep, 5000)) + "1" + new string('}', 5000))),
        ("endless JSON", Encoding.ASCII.GetBytes(string.Concat(Enumerable.Repeat(Deep, 5000)))),
        ("no UTF-8", [(byte)'{', (byte)'"', 0xff, 0xfe, 0xc0, 0x80, (byte)'"', (byte)':', (byte)'1', (byte)'}']),
        ("a byte order mark", [0xef, 0xbb, 0xbf, (byte)'{', (byte)'}']),
        ("UTF-16", Encoding.Unicode.GetBytes("{\"kernel\":\"k\",\"patches\":[]}")),
        ("NULs", new byte[600]),
        ("gzip of rubbish", Gzip("no archive at all"u8.ToArray())),
        ("gzip of nothing", Gzip([])),
        ("gzip of JSON", Gzip("{\"kernel\":\"k\",\"patches\":[]}"u8.ToArray())),
        ("gzip that ends early", Gzip(new byte[5000])[..12]),
        ("gzip that is damaged", Damaged(Gzip("no archive at all"u8.ToArray()))),
        ("gzip of zeros", Gzip(new byte[2 << 20])),
        ("a header of an archive", [.. "HdrS"u8, .. new byte[600]]),
    ];

    private static readonly string[] types =
    [
        "application/json; charset=no-such",
        "application/json; charset=utf-7",
        "application/json; charset=\"",
        "application/octet-stream",
        "text/html",
        ";;;",
        "",
        "multipart/form-data",
        "multipart/form-data; boundary=\"\"",
        "application/x-www-form-urlencoded; charset=utf-16",
    ];

    private static readonly string[] headers =
    [
        "Content-Encoding: gzip",
        "Content-Encoding: br, gzip, x",
        "Accept: ;;;q=9",
        "Accept-Encoding: *;q=NaN",
        "Range: bytes=9-1,-,x",
        "If-None-Match: \"\"\"",
        "If-Modified-Since: never",
        "Last-Event-ID: -1",
        "Last-Event-ID: 99999999999999999999",
        "Last-Event-ID: x",
        "Cookie: elivepatchd=%00; elivepatchd=\"; ;=",
        "Authorization: Bearer",
        "Authorization: Bearer \t",
        "Authorization: Basic Og==",
        "Authorization: Bearer " + new string('e', 9000),
        "X-Forwarded-For: <script>",
        "Forwarded: for=\"",
        "Origin: null",
        "Traceparent: 00-zz",
        "Content-Type: application/json, text/html",
        "Expect: 200-maybe",
        "Upgrade: websocket\r\nConnection: Upgrade",
        "Accept-Language: \u00e4",
        "X: " + new string('h', 12_000),
        ": no name",
        "No colon",
        "X\0: nul",
        "X: nul\0",
        " X: folded",
        "Transfer-Encoding: chunked, chunked",
    ];

    // What stands in the place of a name in a path, and of a value in a query.
    private static readonly string[] names =
    [
        "%00",
        "a%00b",
        "%ff",
        "%c0%80",
        "%ed%a0%80",
        "%2e%2e%2f%2e%2e%2fetc%2fpasswd",
        "%5c..%5c",
        "%0d%0aX:%20y",
        "%e2%80%ae",
        "'%20OR%201=1--",
        "%25",
        "%",
        "%zz",
        "-1",
        "99999999999999999999",
        "NaN",
        "1e9",
        "",
        "%20",
        "*",
        "%27%22%3E%3Cscript%3E",
        new('n', 4000),
        string.Concat(Enumerable.Repeat("%f0%9f%92%a3", 100)),
    ];

    private RunningServer server = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public static TheoryData<string, string> Operations =>
        [
            .. from path in description["paths"]!.AsObject()
            from operation in path.Value!.AsObject()
            select (operation.Key, path.Key),
            .. pages.Select(p => ("get", p)),
            ("post", "/sign-in"),
            ("post", "/sign-out"),
            ("post", "/builds/{build}"),
        ];

    public async ValueTask InitializeAsync()
    {
        server = await RunningServer.StartAsync(o =>
            o with
            {
                Sources = [new(SourceOrigin.Tree, "*", "/")],
                RequestsPerMinute = 1_000_000,
                FirstApi = true,
                OpenBuildsPerToken = 1_000_000,
            }
        );
        await Workbench.AddKernelAsync(server, kernel);
        await server.AddBuildAsync(new string('b', 64));
    }

    public ValueTask DisposeAsync() => server.DisposeAsync();

    [Theory]
    [MemberData(nameof(Operations))]
    public async Task No_request_is_an_error_of_the_server(string method, string path)
    {
        var secret = (
            await Security.TokenIssuer.IssueAsync(
                server.Get<Server.State.TokenTable>(),
                new("rough", [.. TokenScopes.All]),
                server.Clock.Now,
                Cancellation
            )
        )
            .Value
            .Secret;
        var wrong = new List<string>();
        foreach (var (what, request) in Requests(method.ToUpperInvariant(), path, secret))
        {
            if (await WhyWrongAsync(request) is { } why)
            {
                wrong.Add($"{what}: {why}");
            }
        }

        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
        Assert.Equal(HttpStatusCode.OK, (await server.Client.GetAsync(ApiRoutes.Live, Cancellation)).StatusCode);
    }

    private static IEnumerable<(string What, byte[] Request)> Requests(string method, string path, string secret)
    {
        var usual = Fill(path);
        if (method is "POST" or "PUT")
        {
            foreach (var (name, content) in bodies)
            {
                foreach (var type in (string[])["application/json", "application/gzip"])
                {
                    yield return ($"{name} as {type}", Request(method, usual, secret, [$"Content-Type: {type}"], content));
                }
            }

            foreach (var type in types)
            {
                yield return ($"JSON as {type}", Request(method, usual, secret, [$"Content-Type: {type}"], "{}"u8.ToArray()));
            }

            foreach (var (name, content) in MalformedJson(path, method))
            {
                yield return (name, Request(method, usual, secret, ["Content-Type: application/json"], content));
            }
        }

        foreach (var header in headers)
        {
            yield return (header[..Math.Min(60, header.Length)], Request(method, usual, secret, [header], "{}"u8.ToArray()));
        }

        foreach (var name in names)
        {
            if (path.Contains('{', StringComparison.Ordinal))
            {
                yield return ($"in the path: {name}", Request(method, Fill(path, name), secret, [], []));
            }

            foreach (
                var parameter in (string[])
                    ["limit", "after", "before", "state", "text", "told", "attempt", "worker", "hash", "return", "x%00", ""]
            )
            {
                yield return (
                    $"{parameter}={name}",
                    Request(method, $"{usual}?{parameter}={name}&{parameter}=2&attempt=1&worker={worker}", secret, [], [])
                );
            }
        }
    }

    // Each value of the least JSON that the operation takes, replaced by each of the others.
    private static IEnumerable<(string, byte[])> MalformedJson(string path, string method)
    {
        var operation = description["paths"]![path]?[method.ToLowerInvariant()];
        if (operation?["requestBody"]?["content"]?["application/json"]?["schema"] is not { } schema)
        {
            yield break;
        }

        var whole = Whole(schema);
        foreach (var place in Places(whole, "").Where(p => p.Length > 0))
        {
            foreach (var value in values)
            {
                yield return (
                    $"{place} is {value[..Math.Min(value.Length, 30)]}",
                    Encoding.UTF8.GetBytes(Write(whole, "", place, value))
                );
            }
        }
    }

    private static IEnumerable<string> Places(JsonNode? node, string at) =>
        node switch
        {
            JsonObject all => [at, .. all.SelectMany(m => Places(m.Value, $"{at}/{m.Key}"))],
            JsonArray all => [at, .. all.SelectMany((m, i) => Places(m, $"{at}/{i.ToString(CultureInfo.InvariantCulture)}"))],
            _ => [at],
        };

    // By hand, because no writer of JSON writes all of the values.
    private static string Write(JsonNode? node, string at, string place, string value) =>
        at == place
            ? value
            : node switch
            {
                JsonObject all =>
                    $"{{{string.Join(',', all.Select(m => $"\"{m.Key}\":{Write(m.Value, $"{at}/{m.Key}", place, value)}"))}}}",
                JsonArray all =>
                    $"[{string.Join(',', all.Select((m, i) => Write(m, $"{at}/{i.ToString(CultureInfo.InvariantCulture)}", place, value)))}]",
                null => "null",
                _ => node.ToJsonString(),
            };

    private static JsonNode? Whole(JsonNode schema, string name = "", int depth = 0)
    {
        if (depth > 12)
        {
            return null;
        }

        if (schema["$ref"] is { } reference)
        {
            return Whole(description["components"]!["schemas"]![((string)reference!).Split('/')[^1]]!, name, depth);
        }

        if (schema["oneOf"] is JsonArray alternatives)
        {
            return Whole(alternatives[^1]!, name, depth);
        }

        if (known.TryGetValue(name, out var value))
        {
            return value.DeepClone();
        }

        var type = schema["type"] is JsonArray several ? (string)several[^1]! : (string?)schema["type"];
        switch (type)
        {
            case "object":
                var all = new JsonObject();
                foreach (var (key, property) in schema["properties"]?.AsObject() ?? [])
                {
                    all[key] = Whole(property!, key, depth + 1);
                }

                return all;
            case "array":
                return new JsonArray(Whole(schema["items"]!, name, depth + 1));
            case "integer" or "number":
                return 1;
            case "boolean":
                return false;
            default:
                return schema["enum"]?[0]?.DeepClone() ?? "text";
        }
    }

    private static string Fill(string path, string? name = null)
    {
        foreach (
            var (parameter, usual) in (ReadOnlySpan<(string, string)>)
                [
                    ("{kernel}", kernel),
                    ("{part}", "source"),
                    ("{build}", new string('b', 64)),
                    ("{worker}", worker),
                    ("{token}", "00ff"),
                    ("{digest}", kernel),
                    ("{module}", kernel),
                    ("{machine}", kernel),
                    ("{asset}", "page.css"),
                ]
        )
        {
            path = path.Replace(parameter, name ?? usual, StringComparison.Ordinal);
        }

        return path;
    }

    private static byte[] Request(string method, string path, string secret, string[] more, byte[] body)
    {
        var hasOwn = more.Any(m => m.StartsWith("Authorization", StringComparison.Ordinal));
        var head = string.Concat(
            $"{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {body.Length.ToString(CultureInfo.InvariantCulture)}\r\n",
            hasOwn ? "" : $"Authorization: Bearer {secret}\r\n",
            string.Concat(more.Select(m => m + "\r\n")),
            "\r\n"
        );
        return [.. Encoding.Latin1.GetBytes(head), .. body];
    }

    private async Task<string?> WhyWrongAsync(byte[] request)
    {
        var (status, type, body) = await AskAsync(request);
        // An address without end, or a header that is none, is refused before it is anybody's request: without a body.
        if (status is < 200 or >= 500)
        {
            return $"{status.ToString(CultureInfo.InvariantCulture)} {body}";
        }

        if (body.Contains("Exception", StringComparison.Ordinal) || body.Contains("   at ", StringComparison.Ordinal))
        {
            return $"it tells of the server's inside: {body}";
        }

        if (status < 400 || body.Length == 0 || type.StartsWith("text/html", StringComparison.Ordinal))
        {
            return null;
        }

        if (type != "application/problem+json")
        {
            return $"{status.ToString(CultureInfo.InvariantCulture)} as {type}: {body}";
        }

        var problem = JsonNode.Parse(body)!["problems"]?[0];
        return problem?["code"] is null || ((string?)problem["remedy"]) is not { Length: > 0 } ? $"no problem: {body}" : null;
    }

    private async Task<(int Status, string Type, string Body)> AskAsync(byte[] request)
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(IPAddress.Loopback, server.Address.Port, Cancellation);
        var answer = new MemoryStream();
        var buffer = new byte[16 << 10];
        using var stream = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        try
        {
            await socket.SendAsync(request, Cancellation);
            // A stream of events goes on: its head and its first bytes are enough.
            while (await socket.ReceiveAsync(buffer, stream.Token) is var count and > 0)
            {
                answer.Write(buffer, 0, count);
                if (Encoding.UTF8.GetString(answer.ToArray()).Contains("text/event-stream", StringComparison.Ordinal))
                {
                    break;
                }
            }
        }
        catch (SocketException e)
            when (e.SocketErrorCode is SocketError.ConnectionReset or SocketError.Shutdown && answer.Length > 0)
        {
            // Refused before all of it was read.
        }

        var text = Encoding.UTF8.GetString(answer.ToArray());
        var end = text.IndexOf("\r\n\r\n", StringComparison.Ordinal);
        if (end < 0 || !text.StartsWith("HTTP/1.1 ", StringComparison.Ordinal))
        {
            return (0, "", text);
        }

        var head = text[..end].Split("\r\n");
        var type = head.FirstOrDefault(h => h.StartsWith("Content-Type: ", StringComparison.OrdinalIgnoreCase))?[14..] ?? "";
        var body = text[(end + 4)..];
        if (head.Contains("Transfer-Encoding: chunked", StringComparer.OrdinalIgnoreCase))
        {
            body = Unchunk(body);
        }

        return (int.Parse(head[0].AsSpan(9, 3), CultureInfo.InvariantCulture), type, body);
    }

    private static string Unchunk(string body)
    {
        var whole = new StringBuilder();
        while (
            body.IndexOf("\r\n", StringComparison.Ordinal) is var line and > 0
            && int.TryParse(body.AsSpan(0, line), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var length)
            && length > 0
        )
        {
            var chunk = body[(line + 2)..];
            whole.Append(chunk.AsSpan(0, Math.Min(length, chunk.Length)));
            body = chunk[Math.Min(length + 2, chunk.Length)..];
        }

        return whole.ToString();
    }

    private static byte[] Gzip(byte[] content)
    {
        using var stream = new MemoryStream();
        using (var compressed = new GZipStream(stream, CompressionLevel.Fastest, leaveOpen: true))
        {
            compressed.Write(content);
        }

        return stream.ToArray();
    }

    private static byte[] Damaged(byte[] content)
    {
        content[content.Length / 2] ^= 0x55;
        return content;
    }
}
