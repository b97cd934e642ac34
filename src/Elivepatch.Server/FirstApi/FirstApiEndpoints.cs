// In: requests as the first elivepatch's client (2017 to 2019, API v1.0) makes them. Out: answers in that form. The builds are
// the same as all others. Where we differ on purpose is in docs/operating.md, "Clients of the first elivepatch".

using System.Text.Json;
using System.Text.Json.Nodes;
using Elivepatch.Model;
using Elivepatch.Protocol;
using Elivepatch.Protocol.Api;
using Elivepatch.Server.Api;
using Elivepatch.Server.Builds;
using Elivepatch.Server.Checks;
using Elivepatch.Server.Configuration;
using Elivepatch.Server.Security;
using Elivepatch.Server.State;

namespace Elivepatch.Server.FirstApi;

/// <summary>The interface of the first elivepatch.</summary>
internal static class FirstApiEndpoints
{
    /// <summary>Stands for the token that such clients do not have.</summary>
    public const string Token = "first-api";

    private const string Requester = "first elivepatch";
    private const string Root = "/elivepatch/api";
    private const string Version = Root + "/v1.0";
    private const string Module = "elivepatch_main";
    private const int LargestBody = 16 << 10;
    private const int LongestText = 200;

    // What the first server said to whoever asked for what it did not have.
    private const string NotThese = "These are not the patches you are looking for";

    /// <summary>Adds the endpoints, where the operator wants them.</summary>
    public static void Map(IEndpointRouteBuilder routes, ServerOptions options)
    {
        if (!options.FirstApi)
        {
            return;
        }

        var api = routes.MapGroup("").AllowAnonymous().ExcludeFromDescription();
        foreach (var path in (string[])[Root + "/", Version + "/agent"])
        {
            api.MapGet(path, () => Json(new() { ["agent"] = new JsonArray(Agent("elivepatch", HealthEndpoints.Version)) }));
            api.MapPost(path, AddAgentAsync);
        }

        api.MapGet(Version + "/get_files", () => Say(NotThese));
        api.MapPost(Version + "/get_files", BuildAsync).AllowUpload(options.MaxSubmissionBytes);
        api.MapGet(Version + "/send_livepatch", SendAsync);
        api.MapPost(Version + "/send_livepatch", () => Say(NotThese));
    }

    // The first server kept what it was told for as long as it ran, and did nothing with it.
    private static async Task<IResult> AddAgentAsync(HttpContext context, CancellationToken cancellation)
    {
        var body = await ReadAsync(context, cancellation);
        return Text(body, "module") is { } module && Text(body, "version") is { } version
            ? Json(new() { ["agent"] = Agent(module, version) }, StatusCodes.Status201Created)
            : Say("module and version are needed", StatusCodes.Status400BadRequest);
    }

    private static async Task<IResult> BuildAsync(
        HttpContext context,
        FirstKernels kernels,
        BuildIntake intake,
        BuildTable builds,
        BuildEventTable events,
        FirstRequestTable requests,
        ServerOptions options,
        CancellationToken cancellation
    )
    {
        var read = await FirstRequest.ReadAsync(context.Request, options.MaxSubmissionBytes, cancellation);
        if (!read.TryGet(out var request))
        {
            return Say(read.Problems, StatusCodes.Status400BadRequest);
        }

        var found = await kernels.FindAsync(request.KernelVersion, request.Config, cancellation);
        if (!found.TryGet(out var kernel))
        {
            return Say(found.Problems);
        }

        var submitted = await intake.SubmitAsync(
            new()
            {
                Kernel = kernel.Id,
                Patches = [request.Main],
                BasePatches = request.BasePatches,
                Name = Module,
            },
            Token,
            Requester,
            cancellation
        );
        if (!submitted.TryGet(out var build))
        {
            return Say(submitted.Problems);
        }

        AuditTrail.SetSubject(context, build.Id);
        if (!await requests.PutAsync(request.Uuid, build.Id, cancellation))
        {
            return Say($"the request with {request.Uuid} is already present, for other files");
        }

        // Such a client asks for the livepatch as soon as this is answered, and once.
        await foreach (var happened in events.FollowAsync(build.Id, 0, cancellation))
        {
            _ = happened;
        }

        var ended = await builds.FindAsync(build.Id, cancellation);
        return ended is { State: BuildState.Succeeded }
            ? Json(
                new()
                {
                    ["get_config"] = new JsonObject { ["KernelVersion"] = null, ["UUID"] = request.Uuid },
                },
                StatusCodes.Status201Created
            )
            : Say(ended?.End is { Problems: [var first, ..] } ? Text(first) : "the build was cancelled");
    }

    private static async Task<IResult> SendAsync(
        HttpContext context,
        FirstRequestTable requests,
        BuildTable builds,
        PublishedModules published,
        BlobStore blobs,
        CancellationToken cancellation
    )
    {
        var uuid = FirstRequest.ReadUuid(Text(await ReadAsync(context, cancellation), "UUID"));
        if (
            uuid is null
            || await requests.FindAsync(uuid, cancellation) is not { } id
            || await builds.FindAsync(id, cancellation) is not { End.Artifact: { } artifact } build
        )
        {
            return Say(NotThese);
        }

        if (await published.CheckAsync(build, cancellation) is { } refused)
        {
            return Say([refused]);
        }

        if (build.State != BuildState.Succeeded)
        {
            return Say(NotThese);
        }

        AuditTrail.SetSubject(context, id);
        return TypedResults.PhysicalFile(await blobs.PathAsync(artifact, cancellation), "application/octet-stream");
    }

    private static async Task<JsonObject?> ReadAsync(HttpContext context, CancellationToken cancellation)
    {
        // A GET with a body is unusual, and what that client sends.
        var body = new byte[LargestBody];
        var length = await context.Request.Body.ReadAtLeastAsync(body, body.Length, throwOnEndOfStream: false, cancellation);
        try
        {
            return length < body.Length ? JsonNode.Parse(body.AsSpan(0, length)) as JsonObject : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static string? Text(JsonObject? body, string name)
    {
        try
        {
            return body?[name] is JsonValue value && value.TryGetValue<string>(out var text) && text.Length <= LongestText
                ? text
                : null;
        }
        catch (ArgumentException)
        {
            // Of two members with one name, neither is meant.
            return null;
        }
    }

    private static JsonObject Agent(string module, string version) => new() { ["module"] = module, ["version"] = version };

    private static IResult Say(IReadOnlyList<Problem> problems, int status = StatusCodes.Status403Forbidden) =>
        Say(string.Join(' ', ProblemReport.Of(problems).Select(Text)), status);

    private static string Text(ProblemReport problem) => $"{problem.Code}: {problem.Title}: {problem.Reason}. {problem.Remedy}";

    private static IResult Say(string message, int status = StatusCodes.Status403Forbidden) =>
        Json(new() { ["message"] = message }, status);

    private static IResult Json(JsonObject body, int status = StatusCodes.Status200OK) =>
        TypedResults.Text(body.ToJsonString(), "application/json", statusCode: status);
}
