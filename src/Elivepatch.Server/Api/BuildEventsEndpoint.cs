// In: a build and the number of the last event that the client has. Out: its events as they happen (server-sent events, as HTML
// has them), until the build has ended. A client that lost its connection comes back with Last-Event-ID and misses nothing.

using System.ComponentModel;
using System.Globalization;
using System.Text.Json;
using Elivepatch.Protocol.Api;
using Elivepatch.Server.Http;
using Elivepatch.Server.Security;
using Elivepatch.Server.State;
using Microsoft.AspNetCore.Mvc;

namespace Elivepatch.Server.Api;

/// <summary>Follows a build.</summary>
internal static class BuildEventsEndpoint
{
    private const string MediaType = "text/event-stream";

    // Proxies end connections on which nothing happens, and a client that is gone is noticed when it is written to.
    private static readonly TimeSpan silence = TimeSpan.FromSeconds(15);

    /// <summary>Adds the endpoint.</summary>
    public static void Map(IEndpointRouteBuilder routes) =>
        routes
            .MapGet(Routes.Events, FollowAsync)
            .Produces<BuildEvent>(StatusCodes.Status200OK, MediaType)
            .RequireScope(TokenScopes.Read)
            .AllowStream()
            .Describe(
                "builds",
                "followBuild",
                "Streams the events of a build as they happen (server-sent events), until it has ended."
            );

    // The page follows a build by the same code, and finds out by another way whose request it is.
    public static async Task<IResult> FollowAsync(
        HttpContext context,
        [Description("The build's ID.")] string build,
        [FromHeader(Name = "Last-Event-ID"), Description("The number of the last event that the client has received.")]
            string? lastEvent,
        BuildTable builds,
        BuildEventTable events,
        IHostApplicationLifetime lifetime,
        TimeProvider clock
    )
    {
        var after = 0L;
        if (lastEvent is { Length: > 0 } && !long.TryParse(lastEvent, NumberStyles.None, CultureInfo.InvariantCulture, out after))
        {
            return ProblemResponses.Create(ServerProblems.RequestMalformed, "Last-Event-ID is not an event number");
        }

        using var ending = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, lifetime.ApplicationStopping);
        if (await builds.FindAsync(build, ending.Token) is null)
        {
            return ProblemResponses.Create([BuildViews.Unknown(build)]);
        }

        context.Response.ContentType = MediaType;
        context.Response.Headers.CacheControl = "no-store";
        // Asks nginx and its kind to pass events on at once.
        context.Response.Headers["X-Accel-Buffering"] = "no";
        try
        {
            await context.Response.Body.FlushAsync(ending.Token);
            await WriteAsync(context.Response.Body, events.FollowAsync(build, after, ending.Token), clock, ending);
        }
        catch (OperationCanceledException) when (ending.IsCancellationRequested)
        {
            // The client went, or the server stops: a client that wants the rest comes back.
        }

        return TypedResults.Empty;
    }

    private static async Task WriteAsync(
        Stream to,
        IAsyncEnumerable<BuildEvent> events,
        TimeProvider clock,
        CancellationTokenSource ending
    )
    {
        await using var enumerator = events.GetAsyncEnumerator(ending.Token);
        var next = Task.FromResult(true);
        try
        {
            while (true)
            {
                next = enumerator.MoveNextAsync().AsTask();
                while (!next.IsCompleted && await Task.WhenAny(next, Task.Delay(silence, clock, ending.Token)) != next)
                {
                    await SendAsync(to, ":\n\n"u8.ToArray(), ending.Token);
                }

                if (!await next)
                {
                    return;
                }

                await SendAsync(to, Encode(enumerator.Current), ending.Token);
            }
        }
        finally
        {
            // An enumerator must not be disposed of while it moves.
            await ending.CancelAsync();
            await ((Task)next).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private static async Task SendAsync(Stream to, byte[] bytes, CancellationToken cancellation)
    {
        await to.WriteAsync(bytes, cancellation);
        await to.FlushAsync(cancellation);
    }

    // JSON as it is written here has no line breaks, so that one data line holds it.
    private static byte[] Encode(BuildEvent happened) =>
        [
            .. System.Text.Encoding.ASCII.GetBytes(
                string.Create(CultureInfo.InvariantCulture, $"id: {happened.Sequence}\ndata: ")
            ),
            .. JsonSerializer.SerializeToUtf8Bytes(happened, ProtocolJson.Default.BuildEvent),
            .. "\n\n"u8,
        ];
}
