// In: what the framework and a broken machine throw. Out: an answer in the same form as every other, with no word about the
// server's inside; the log has those.

using System.Data.Common;
using Elivepatch.Builder;
using Elivepatch.Model;
using Elivepatch.Protocol;
using Elivepatch.Protocol.Api;
using Elivepatch.Server.State;

namespace Elivepatch.Server.Http;

/// <summary>Turns exceptions and answers without a body into problem details.</summary>
internal sealed partial class FailureResponses(RequestDelegate next, Database database, ILogger<FailureResponses> log)
{
    // How long a database takes to restart.
    private const string RetryAfterSeconds = "5";

    /// <summary>Runs the rest of a request.</summary>
    public async Task InvokeAsync(HttpContext context)
    {
        try
        {
            await next(context);
            await CompleteAsync(context);
        }
        catch (Exception) when (context.RequestAborted.IsCancellationRequested)
        {
            // Nobody is there any more to be answered; the status is for the logs.
            if (!context.Response.HasStarted)
            {
                context.Response.StatusCode = StatusCodes.Status499ClientClosedRequest;
            }
        }
        catch (BadHttpRequestException e) when (!context.Response.HasStarted)
        {
            await ProblemResponses.WriteAsync(context, Bad(e), e.StatusCode);
        }
        catch (DbException e) when (database.FailureOf(e) == DatabaseFailure.TextRefused && !context.Response.HasStarted)
        {
            await ProblemResponses.WriteAsync(
                context,
                new Problem(ServerProblems.RequestMalformed, "it has a character that no text can have (U+0000)")
            );
        }
        catch (DbException e) when (database.FailureOf(e) == DatabaseFailure.Unreachable && !context.Response.HasStarted)
        {
            LogStateFailed(log, e);
            context.Response.Headers.RetryAfter = RetryAfterSeconds;
            await ProblemResponses.WriteAsync(
                context,
                new Problem(
                    DatabaseProblems.DatabaseUnreachable,
                    "it does not answer, or not in time; the server's log says more"
                )
            );
        }
        catch (Exception e) when (e is DbException or IOException or UnauthorizedAccessException && !context.Response.HasStarted)
        {
            LogStateFailed(log, e);
            await ProblemResponses.WriteAsync(
                context,
                new Problem(BuilderProblems.StateUnusable, "the disk or the database failed; the server's log says more")
            );
        }
        catch (Exception e) when (!context.Response.HasStarted)
        {
            LogUnexpected(log, e);
            await ProblemResponses.WriteAsync(
                context,
                new ProblemDetails
                {
                    Type = "about:blank",
                    Title = "unexpected failure",
                    Status = StatusCodes.Status500InternalServerError,
                    Detail = $"please report it; the server's log has it as {context.TraceIdentifier}",
                }
            );
        }
    }

    private static Problem Bad(BadHttpRequestException e) =>
        e.StatusCode == StatusCodes.Status400BadRequest
            ? new(ServerProblems.RequestMalformed, BindingFailure.Describe(e))
            : OfStatus(e.StatusCode);

    private static Problem OfStatus(int status) =>
        status switch
        {
            StatusCodes.Status404NotFound => new(ServerProblems.RequestMalformed, "there is nothing at this path"),
            StatusCodes.Status405MethodNotAllowed => new(ServerProblems.RequestMalformed, "this path has no such method"),
            StatusCodes.Status408RequestTimeout => new(ServerProblems.RequestTooSlow, "its body arrived too slowly"),
            StatusCodes.Status413PayloadTooLarge => new(
                ServiceProblems.RequestTooLarge,
                "its body is larger than this route takes"
            ),
            StatusCodes.Status415UnsupportedMediaType => new(
                ServerProblems.RequestMalformed,
                "its body has another media type than this route takes"
            ),
            _ => new(ServerProblems.RequestMalformed, $"it was answered with status {status}"),
        };

    // What routing refuses has a status and nothing else.
    private static Task CompleteAsync(HttpContext context)
    {
        var response = context.Response;
        if (response is not { HasStarted: false, StatusCode: >= 400, ContentType: null, ContentLength: null })
        {
            return Task.CompletedTask;
        }

        return ProblemResponses.WriteAsync(context, OfStatus(response.StatusCode), response.StatusCode);
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "the disk or the database failed")]
    private static partial void LogStateFailed(ILogger logger, Exception e);

    [LoggerMessage(Level = LogLevel.Error, Message = "a request failed unexpectedly")]
    private static partial void LogUnexpected(ILogger logger, Exception e);
}
