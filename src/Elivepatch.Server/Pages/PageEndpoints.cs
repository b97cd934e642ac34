// In: requests of browsers. Out: pages. Each reads what it shows and hands it to its component; nobody without a session sees
// anything, and nobody sees what the interface for machines would not show.

using Elivepatch.Protocol.Api;
using Elivepatch.Server.Api;
using Elivepatch.Server.Builds;
using Elivepatch.Server.Security;
using Elivepatch.Server.State;
using Microsoft.AspNetCore.Authorization;

namespace Elivepatch.Server.Pages;

/// <summary>The page of the server.</summary>
internal static class PageEndpoints
{
    /// <summary>Adds the endpoints.</summary>
    public static void Map(IEndpointRouteBuilder routes)
    {
        var pages = routes.MapGroup("").ExcludeFromDescription().WithMetadata(new PageRoute());
        SignInEndpoints.Map(pages);
        pages.MapGet(PageRoutes.Assets + "{name}", PageAssets.Serve).AllowAnonymous();
        Reading(pages.MapGet(PageRoutes.Builds, BuildsModel.ShowAsync));
        Reading(pages.MapGet(PageRoutes.BuildPattern, BuildModel.ShowAsync));
        Reading(pages.MapPost(PageRoutes.BuildPattern + "/cancel", CancelAsync));
        Reading(pages.MapGet(PageRoutes.BuildPattern + "/events", FollowAsync)).AllowStream();
        Reading(pages.MapGet(PageRoutes.BuildPattern + "/log", BuildResultEndpoints.LogAsync));
        Reading(pages.MapGet(PageRoutes.BuildPattern + "/module", BuildResultEndpoints.ArtifactAsync)).Audited();
        Reading(pages.MapGet(PageRoutes.BuildPattern + "/manifest", BuildResultEndpoints.ManifestAsync)).Audited();
        Reading(pages.MapGet(PageRoutes.BuildPattern + "/explanation", BuildResultEndpoints.ExplanationAsync));
        Reading(pages.MapGet(PageRoutes.BuildPattern + "/console", BuildResultEndpoints.ConsoleAsync));
        Reading(pages.MapGet(PageRoutes.Kernels, KernelsModel.ShowAsync));
        Reading(pages.MapGet(PageRoutes.KernelPattern, KernelModel.ShowAsync));
        Reading(pages.MapGet(PageRoutes.Workers, WorkersModel.ShowAsync));
        Reading(pages.MapGet(PageRoutes.Machines, MachinesModel.ShowAsync));
        Reading(pages.MapGet(PageRoutes.MachinePattern, MachineModel.ShowAsync));
    }

    private static RouteHandlerBuilder Reading(RouteHandlerBuilder endpoint) =>
        endpoint
            .RequireAuthorization(
                new AuthorizationPolicyBuilder(SessionAuthentication.SchemeName)
                    .RequireClaim(Caller.ScopeClaim, TokenScopes.Read)
                    .Build()
            )
            .WithMetadata(new NeededScope(TokenScopes.Read));

    // An EventSource begins where the page ended, and comes back with the number of the last event that it heard.
    private static Task<IResult> FollowAsync(
        HttpContext context,
        string build,
        BuildTable builds,
        BuildEventTable events,
        IHostApplicationLifetime lifetime,
        TimeProvider clock
    )
    {
        var last = context.Request.Headers["Last-Event-ID"] is { Count: > 0 } heard
            ? heard.ToString()
            : context.Request.Query["after"].ToString();
        return BuildEventsEndpoint.FollowAsync(context, build, last, builds, events, lifetime, clock);
    }

    private static async Task<IResult> CancelAsync(
        HttpContext context,
        string build,
        BuildTable builds,
        BuildIntake intake,
        CancellationToken cancellation
    )
    {
        var read = await PageForm.ReadAsync(context, SessionCookie.Read(context.Request));
        if (!read.Succeeded)
        {
            return PageProblems.PageFor(read.Problems);
        }

        if (await builds.FindAsync(build, cancellation) is not { } found)
        {
            return PageProblems.PageFor(BuildViews.Unknown(build));
        }

        if (!PageView.Of(context).MayCancel(found.Token))
        {
            return PageProblems.PageFor(
                new Model.Problem(
                    Protocol.ServiceProblems.ScopeMissing,
                    $"to cancel one's own build needs the scope {TokenScopes.Submit}, another's {TokenScopes.Operate} as well"
                )
            );
        }

        await intake.CancelAsync(build, cancellation);
        context.Response.Headers.Location = PageRoutes.Build(build);
        return TypedResults.StatusCode(StatusCodes.Status303SeeOther);
    }
}
