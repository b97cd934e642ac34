using System.Data.Common;
using Dapper;
using Elivepatch.Protocol.Api;
using Elivepatch.Server.Signing;
using Elivepatch.Server.State;
using Elivepatch.Server.Work;

namespace Elivepatch.Server.Api;

/// <summary>Whether the process lives, and whether it can serve.</summary>
internal static class HealthEndpoints
{
    /// <summary>The server's version.</summary>
    public static string Version { get; } = typeof(HealthEndpoints).Assembly.GetName().Version!.ToString(3);

    /// <summary>Adds the endpoints.</summary>
    public static void Map(IEndpointRouteBuilder routes)
    {
        routes
            .MapGet(ApiRoutes.Live, () => new HealthView("ok", Version, []))
            .AllowAnonymous()
            .Describe("health", "live", "Answers as long as the process runs.");
        routes
            .MapGet(ApiRoutes.Ready, ReadyAsync)
            .Produces<HealthView>()
            .Produces<HealthView>(StatusCodes.Status503ServiceUnavailable)
            .AllowAnonymous()
            .Describe(
                "health",
                "ready",
                "Answers 200 if requests can be served: the database answers and the state can be written."
            );
    }

    // Anybody may ask: what is wrong is said, and not where.
    private static async Task<IResult> ReadyAsync(
        HttpContext context,
        Database database,
        StateFolder folder,
        KeyAgreement keys,
        CancellationToken cancellation
    )
    {
        var problems = new List<string>();
        try
        {
            await database.ReadAsync(c => c.ExecuteScalarAsync<long>("SELECT COUNT(*) FROM schema_version"), cancellation);
        }
        catch (Exception e) when (e is DbException or IOException)
        {
            problems.Add("the database does not answer");
        }

        if (folder.FindWriteProblem() is not null)
        {
            problems.Add("the state cannot be written");
        }

        if (keys.Difference is not null)
        {
            problems.Add("the keys are not those of the other servers");
        }

        if (problems.Count > 0)
        {
            return TypedResults.Json(
                new HealthView("unavailable", Version, problems),
                statusCode: StatusCodes.Status503ServiceUnavailable
            );
        }
        // Without a broker all that reads goes on, and builds are taken in: a reason to look, and none to send requests
        // elsewhere.
        if (context.RequestServices.GetService<DeadLetterBuilds>()?.UnavailableReason is not null)
        {
            problems.Add("the broker cannot be used, so builds wait");
        }

        return TypedResults.Ok(new HealthView("ok", Version, problems));
    }
}
