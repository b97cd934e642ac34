using System.ComponentModel;
using Elivepatch.Protocol;
using Elivepatch.Protocol.Api;
using Elivepatch.Server.Builds;
using Elivepatch.Server.Configuration;
using Elivepatch.Server.Http;
using Elivepatch.Server.Security;
using Elivepatch.Server.State;

namespace Elivepatch.Server.Api;

/// <summary>Builds: submit, look, list, cancel.</summary>
internal static class BuildEndpoints
{
    private const string Json = "application/json; charset=utf-8";
    private const int UsualPage = 50;
    private const int LargestPage = 200;

    // A build takes a minute or so.
    private const string RetryAfterSeconds = "15";

    /// <summary>Adds the endpoints.</summary>
    public static void Map(IEndpointRouteBuilder routes, ServerOptions options)
    {
        routes
            .MapPost(ApiRoutes.Builds, SubmitAsync)
            .Produces<BuildView>()
            .Produces<BuildView>(StatusCodes.Status202Accepted)
            .RequireScope(TokenScopes.Submit)
            .AllowUpload(options.MaxSubmissionBytes)
            .Describe(
                "builds",
                "submitBuild",
                "Submits a build. Equal requests share one build; the answer is 202 until it has ended, then 200."
            );
        routes
            .MapGet(ApiRoutes.Builds, ListAsync)
            .Produces<BuildPage>()
            .RequireScope(TokenScopes.Read)
            .Describe("builds", "listBuilds", "Lists the builds, newest first.");
        routes
            .MapGet(Routes.Build, FindAsync)
            .Produces<BuildView>()
            .RequireScope(TokenScopes.Read)
            .Describe("builds", "getBuild", "Returns one build.");
        routes
            .MapPost(Routes.Cancel, CancelAsync)
            .Produces<BuildView>()
            .RequireScope(TokenScopes.Submit)
            .Describe("builds", "cancelBuild", "Cancels a build of the token, or any build with the scope operate.");
    }

    private static async Task<IResult> SubmitAsync(
        HttpContext context,
        BuildSubmission submission,
        BuildIntake intake,
        CancellationToken cancellation
    )
    {
        var caller = Caller.Of(context.User)!;
        var submitted = await intake.SubmitAsync(submission, caller.Id, caller.Name, cancellation);
        if (!submitted.TryGet(out var build))
        {
            if (submitted.Problems[0].Code == ServiceProblems.TooManyRequests)
            {
                context.Response.Headers.RetryAfter = RetryAfterSeconds;
            }

            return ProblemResponses.Create(submitted.Problems);
        }

        AuditTrail.SetSubject(context, build.Id);
        var view = BuildViews.Of(build);
        return view.IsFinal ? TypedResults.Ok(view) : TypedResults.Accepted(ApiRoutes.Build(build.Id), view);
    }

    private static async Task<IResult> ListAsync(
        BuildTable builds,
        [Description("Only builds in this state: queued, running, succeeded, refused, failed, cancelled or withdrawn.")]
            string? state,
        [Description("Only builds after the one with this ID: the `next` of the previous page.")] string? after,
        [Description("Page size, 1 to 200. Default: 50.")] int? limit,
        CancellationToken cancellation
    )
    {
        var wanted = Enum.GetValues<BuildState>().Cast<BuildState?>().FirstOrDefault(s => BuildViews.Word(s!.Value) == state);
        if (state is not null && wanted is null)
        {
            return Malformed($"state is not one of {string.Join(", ", Enum.GetValues<BuildState>().Select(BuildViews.Word))}");
        }

        if (limit is < 1 or > LargestPage)
        {
            return Malformed($"limit is not 1 to {LargestPage}");
        }

        if (after is not null && await builds.FindAsync(after, cancellation) is null)
        {
            return Malformed("after names no build");
        }

        var count = limit ?? UsualPage;
        // One more than the page shows whether there is another.
        var found = await builds.ListAsync(wanted, after, count + 1, cancellation);
        return TypedResults.Ok(
            new BuildPage([.. found.Take(count).Select(BuildViews.Of)], found.Count > count ? found[count - 1].Id : null)
        );
    }

    private static async Task<IResult> FindAsync(
        [Description("The build's ID.")] string build,
        BuildCache builds,
        CancellationToken cancellation
    ) =>
        await builds.GetJsonAsync(build, cancellation) is { } json
            ? TypedResults.Bytes(json, Json)
            : ProblemResponses.Create([BuildViews.Unknown(build)]);

    private static async Task<IResult> CancelAsync(
        HttpContext context,
        [Description("The build's ID.")] string build,
        BuildTable builds,
        BuildIntake intake,
        CancellationToken cancellation
    )
    {
        var caller = Caller.Of(context.User)!;
        if (await builds.FindAsync(build, cancellation) is not { } found)
        {
            return ProblemResponses.Create([BuildViews.Unknown(build)]);
        }

        if (found.Token != caller.Id && !caller.IsOperator)
        {
            return ProblemResponses.Create(
                ServiceProblems.ScopeMissing,
                $"another token requested the build first; cancelling it needs the scope {TokenScopes.Operate}"
            );
        }

        return await intake.CancelAsync(build, cancellation) is { } cancelled
            ? TypedResults.Ok(BuildViews.Of(cancelled))
            : ProblemResponses.Create([BuildViews.Unknown(build)]);
    }

    private static IResult Malformed(string reason) => ProblemResponses.Create(ServerProblems.RequestMalformed, reason);
}
