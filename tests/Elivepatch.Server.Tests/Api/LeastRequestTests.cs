using System.Net;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Elivepatch.Builder.Sources;
using Elivepatch.Builder.Workers;
using Elivepatch.Protocol.Api;
using Elivepatch.Server.State;
using Elivepatch.Server.Tests.Builds;

namespace Elivepatch.Server.Tests.Api;

/// <summary>
/// Requests as somebody writes them who has the description and nothing of ours: each with what it requires, and no more. What is
/// left out means what the description gives as its default.
/// </summary>
public sealed class LeastRequestTests
{
    private static readonly string kernel = new('d', 64),
        worker = WorkerId.New();
    private static readonly JsonNode description = JsonNode.Parse(
        File.ReadAllText(Path.Combine(Repository.Root, "docs", "api", "v1.json"))
    )!;

    // What is looked up must be there, and what has a form must have it; all else is the least of its type.
    private static readonly Dictionary<string, JsonNode> values = new()
    {
        ["kernel"] = kernel,
        ["buildId"] = new string('a', 40),
        ["content"] = "YQ==",
        ["name"] = "least",
        ["scopes"] = new JsonArray("read"),
        ["worker"] = worker,
        ["capabilities"] = new JsonArray("x86_64.gcc-12.1f2e3d4c"),
        ["builders"] = 1,
        ["release"] = "6.1.0-test",
        ["version"] = "0.1.0",
    };

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public static TheoryData<string, string> Operations =>
        [
            .. from path in description["paths"]!.AsObject()
            from operation in path.Value!.AsObject()
            where operation.Value!["requestBody"]?["content"]?["application/json"] is not null
            select (operation.Key, path.Key),
        ];

    [Theory]
    [MemberData(nameof(Operations))]
    public async Task What_the_description_requires_is_enough(string method, string path)
    {
        await using var server = await StartAsync();
        using var client = await server.WithScopesAsync([.. TokenScopes.All]);
        using var answer = await SendAsync(client, method, path);
        var text = await answer.Content.ReadAsStringAsync(Cancellation);

        // A build that the worker does not hold is another matter than a request that cannot be read.
        Assert.True(
            answer.IsSuccessStatusCode
                || answer.StatusCode is HttpStatusCode.NotFound or HttpStatusCode.Conflict or HttpStatusCode.Gone,
            text
        );
        Assert.DoesNotContain("ELP1006", text, StringComparison.Ordinal);
    }

    [Fact]
    public void Of_each_kind_of_request_there_is_one() =>
        Assert.Superset(
            new HashSet<string> { ApiRoutes.Builds, ApiRoutes.Machines, ApiRoutes.Tokens },
            Operations.Select(o => o.Data.Item2).ToHashSet()
        );

    [Fact]
    public async Task What_a_build_leaves_out_means_what_is_described()
    {
        await using var server = await StartAsync();
        using var client = await server.WithScopesAsync([.. TokenScopes.All]);
        using var answer = await SendAsync(client, "post", ApiRoutes.Builds);
        var view = await Answered.ValueAsync<BuildView>(answer, HttpStatusCode.Accepted);
        var stored = (await server.Get<BuildTable>().FindAsync(view.Id, Cancellation))!;
        var kept = JsonSerializer.Deserialize(
            await server.Get<BlobStore>().ReadAsync(stored.Submission, Cancellation),
            ProtocolJson.Default.BuildSubmission
        )!;

        Assert.True(kept.Replace);
        Assert.Empty(kept.BasePatches);
        Assert.True(Default("BuildSubmission", "replace")!.GetValue<bool>());
        Assert.Empty(Default("BuildSubmission", "basePatches")!.AsArray());
    }

    [Fact]
    public async Task What_a_machine_leaves_out_means_what_is_described()
    {
        await using var server = await StartAsync();
        using var client = await server.WithScopesAsync([.. TokenScopes.All]);
        using var answer = await SendAsync(client, "post", ApiRoutes.Machines);
        var report = (await Answered.ValueAsync<MachineView>(answer)).Report;

        Assert.True(report.CanBeLivePatched);
        Assert.Equal("off", report.Boot);
        Assert.Empty(report.Livepatches);
        Assert.True(Default("MachineReport", "canBeLivePatched")!.GetValue<bool>());
        Assert.Equal("off", Default("MachineReport", "boot")!.GetValue<string>());
        Assert.Equal(
            ["off", "on", "suspended"],
            description["components"]!["schemas"]!["MachineReport"]!["properties"]!["boot"]!["enum"]!
                .AsArray()
                .Select(v => (string?)v)
        );
        Assert.Equal(
            LivepatchStates.All,
            description["components"]!["schemas"]!["ReportedLivepatch"]!["properties"]!["state"]!["enum"]!
                .AsArray()
                .Select(v => (string)v!)
        );
    }

    private static JsonNode? Default(string schema, string property) =>
        description["components"]!["schemas"]![schema]!["properties"]![property]!["default"];

    private static async Task<HttpResponseMessage> SendAsync(HttpClient client, string method, string path)
    {
        var operation = description["paths"]![path]![method]!;
        var query = (operation["parameters"]?.AsArray() ?? [])
            .Where(p => (string)p!["in"]! == "query" && p["required"] is not null)
            .Select(p =>
                $"{p!["name"]}={(p["schema"]!["type"] is JsonValue v && v.GetValueKind() == JsonValueKind.String && (string)v! == "string" ? "least" : "1")}"
            );
        var address =
            $"{path.Replace("{worker}", worker, StringComparison.Ordinal).Replace("{", "", StringComparison.Ordinal).Replace("}", "", StringComparison.Ordinal)}?{string.Join('&', query)}";
        using var request = new HttpRequestMessage(new(method.ToUpperInvariant()), new Uri(address, UriKind.Relative))
        {
            Content = new StringContent(
                Least(operation["requestBody"]!["content"]!["application/json"]!["schema"]!).ToJsonString(),
                Encoding.UTF8,
                "application/json"
            ),
        };
        return await client.SendAsync(request, Cancellation);
    }

    private static JsonNode Least(JsonNode schema, string name = "")
    {
        if (schema["$ref"] is { } reference)
        {
            return Least(description["components"]!["schemas"]![((string)reference!).Split('/')[^1]]!, name);
        }

        if (values.TryGetValue(name, out var known))
        {
            return known.DeepClone();
        }

        var type = schema["type"] is JsonArray several ? (string)several[^1]! : (string?)schema["type"];
        switch (type)
        {
            case "object":
                var least = new JsonObject();
                foreach (var required in schema["required"]?.AsArray() ?? [])
                {
                    least[(string)required!] = Least(schema["properties"]![(string)required!]!, (string)required!);
                }

                return least;
            case "array":
                return name == "patches" ? new JsonArray(Least(schema["items"]!)) : new JsonArray();
            case "integer" or "number":
                return 1;
            case "boolean":
                return false;
            default:
                return schema["enum"]?[0]?.DeepClone() ?? "least";
        }
    }

    private static async Task<RunningServer> StartAsync()
    {
        var server = await RunningServer.StartAsync(o => o with { Sources = [new(SourceOrigin.Tree, "*", "/")] });
        await Workbench.AddKernelAsync(server, kernel);
        return server;
    }
}
