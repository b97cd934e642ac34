using System.ComponentModel;
using System.Globalization;
using System.Text;
using Elivepatch.Model.Explanations;
using Elivepatch.Protocol.Api;
using Elivepatch.Protocol.Manifests;
using Elivepatch.Server.Checks;
using Elivepatch.Server.Http;
using Elivepatch.Server.Security;
using Elivepatch.Server.Signing;
using Elivepatch.Server.State;
using Microsoft.Net.Http.Headers;

namespace Elivepatch.Server.Api;

/// <summary>What builds made: log, module, manifest, explanation, console. The page gives them by the same methods.</summary>
internal static class BuildResultEndpoints
{
    private const string Text = "text/plain; charset=utf-8";
    private const string Bytes = "application/octet-stream";
    private const string Json = "application/json";
    private const int LogPage = 500;

    /// <summary>Adds the endpoints.</summary>
    public static void Map(IEndpointRouteBuilder routes)
    {
        routes
            .MapGet(Routes.Log, LogAsync)
            .Produces<string>(StatusCodes.Status200OK, "text/plain")
            .RequireScope(TokenScopes.Read)
            .Describe("builds", "getLog", "Returns the log of a build so far, as text.");
        routes
            .MapGet(Routes.Artifact, ArtifactAsync)
            .Produces<Stream>(StatusCodes.Status200OK, Bytes)
            .RequireScope(TokenScopes.Read)
            .Audited()
            .Describe("builds", "getArtifact", "Returns the module (.ko).");
        routes
            .MapGet(Routes.Manifest, ManifestAsync)
            .Produces<Envelope>()
            .RequireScope(TokenScopes.Read)
            .Audited()
            .Describe(
                "builds",
                "getManifest",
                "Returns the manifest, freshly dated and signed: an in-toto statement in a DSSE envelope."
            );
        routes
            .MapGet(Routes.Explanation, ExplanationAsync)
            .Produces<Explanation>()
            .RequireScope(TokenScopes.Read)
            .Describe("builds", "getExplanation", "Returns the explanation of what is in the livepatch and why.");
        routes
            .MapGet(Routes.Console, ConsoleAsync)
            .Produces<string>(StatusCodes.Status200OK, "text/plain")
            .RequireScope(TokenScopes.Read)
            .Describe("builds", "getConsole", "Returns the console output of the test's virtual machine.");
    }

    public static async Task<IResult> LogAsync(
        [Description("The build's ID.")] string build,
        BuildCache builds,
        BuildEventTable events,
        CancellationToken cancellation
    )
    {
        if (await builds.FindAsync(build, cancellation) is null)
        {
            return ProblemResponses.Create([BuildViews.Unknown(build)]);
        }

        return TypedResults.Stream(
            async stream =>
            {
                await using var writer = new StreamWriter(stream, new UTF8Encoding(false), leaveOpen: true) { NewLine = "\n" };
                var last = 0L;
                while (await events.ReadAsync(build, last, LogPage, cancellation) is { Count: > 0 } page)
                {
                    foreach (var happened in page)
                    {
                        await writer.WriteLineAsync(Line(happened).AsMemory(), cancellation);
                    }

                    last = page[^1].Sequence;
                }
            },
            Text
        );
    }

    public static Task<IResult> ArtifactAsync(
        [Description("The build's ID.")] string build,
        BuildCache builds,
        PublishedModules published,
        BlobStore blobs,
        CancellationToken cancellation
    ) =>
        ResultAsync(
            build,
            builds,
            end => end.Artifact,
            "module",
            async (found, digest) =>
            {
                if (await published.CheckAsync(found, cancellation) is { } refused)
                {
                    return ProblemResponses.Create([refused]);
                }

                var (name, tag) = ($"{found.End!.Module}.ko", new EntityTagHeaderValue($"\"{digest}\""));
                return found.End.ArtifactSize <= BuildCache.LargestContent
                    ? TypedResults.File(
                        await builds.GetContentAsync(digest, cancellation),
                        Bytes,
                        name,
                        enableRangeProcessing: true,
                        entityTag: tag
                    )
                    : TypedResults.PhysicalFile(
                        await blobs.PathAsync(digest, cancellation),
                        Bytes,
                        name,
                        entityTag: tag,
                        enableRangeProcessing: true
                    );
            },
            cancellation
        );

    public static Task<IResult> ExplanationAsync(
        [Description("The build's ID.")] string build,
        BuildCache builds,
        BlobStore blobs,
        CancellationToken cancellation
    ) =>
        ResultAsync(
            build,
            builds,
            end => end.Explanation,
            "explanation",
            async (_, digest) => TypedResults.PhysicalFile(await blobs.PathAsync(digest, cancellation), Json),
            cancellation
        );

    public static Task<IResult> ConsoleAsync(
        [Description("The build's ID.")] string build,
        BuildCache builds,
        BlobStore blobs,
        CancellationToken cancellation
    ) =>
        ResultAsync(
            build,
            builds,
            end => end.Console,
            "console",
            async (_, digest) => TypedResults.PhysicalFile(await blobs.PathAsync(digest, cancellation), Text),
            cancellation
        );

    public static async Task<IResult> ManifestAsync(
        [Description("The build's ID.")] string build,
        BuildCache builds,
        PublishedModules published,
        ManifestSigner signer,
        CancellationToken cancellation
    )
    {
        if (await builds.FindAsync(build, cancellation) is not { } found)
        {
            return ProblemResponses.Create([BuildViews.Unknown(build)]);
        }

        if (await published.CheckAsync(found, cancellation) is { } refused)
        {
            return ProblemResponses.Create([refused]);
        }

        if (found is not { State: BuildState.Succeeded, End.Statement: not null })
        {
            return Missing(found, "manifest");
        }

        if (!await builds.RecordUseAsync(found, cancellation))
        {
            return ProblemResponses.Create([BuildViews.Unknown(build)]);
        }

        var signed = await signer.SignAsync(found, cancellation);
        return signed.TryGet(out var envelope) ? TypedResults.Ok(envelope) : ProblemResponses.Create(signed.Problems);
    }

    private static async Task<IResult> ResultAsync(
        string build,
        BuildCache builds,
        Func<BuildEnd, string?> digestOf,
        string name,
        Func<StoredBuild, string, Task<IResult>> answer,
        CancellationToken cancellation
    )
    {
        if (await builds.FindAsync(build, cancellation) is not { } found)
        {
            return ProblemResponses.Create([BuildViews.Unknown(build)]);
        }

        if (found.End is not { } end || digestOf(end) is not { } digest)
        {
            return Missing(found, name);
        }

        if (!await builds.RecordUseAsync(found, cancellation))
        {
            return ProblemResponses.Create([BuildViews.Unknown(build)]);
        }

        return await answer(found, digest);
    }

    private static IResult Missing(StoredBuild build, string name) =>
        ProblemResponses.Create(ServerProblems.ResultMissing, $"it is {BuildViews.Word(build.State)} and has no {name}");

    private static string Line(BuildEvent happened)
    {
        var time = happened.Time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);
        return happened.Kind switch
        {
            BuildEventKind.Stage => $"{time} [{happened.Stage}] {happened.Status} {happened.Detail}".TrimEnd(),
            BuildEventKind.State => $"{time} == {happened.Detail}",
            _ => $"{time} {happened.Detail}",
        };
    }
}
