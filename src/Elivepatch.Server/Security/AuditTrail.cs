// In: a request that has been answered. Out: an entry of the audit log where it changed something, fetched something signed, or
// was refused for want of a token or scope. Plain reading is not noted: whoever follows a build would bury the rest.

using System.Data.Common;
using System.Threading.RateLimiting;
using Elivepatch.Server.State;

namespace Elivepatch.Server.Security;

/// <summary>Says of an endpoint that its use is noted although it changes nothing.</summary>
internal sealed record AuditedUse;

/// <summary>
/// Says of an endpoint that what it changes is routine, as machines do it by the clock: only refusals are noted.
/// </summary>
internal sealed record AuditedRefusals;

/// <summary>Keeps the audit log.</summary>
internal sealed partial class AuditTrail(RequestDelegate next, AuditTable audit, ILogger<AuditTrail> log)
{
    private const int LongestText = 200;
    private static readonly object subjectKey = new();

    // Whoever has no token must not fill the disk with refusals.
    private readonly FixedWindowRateLimiter strangers = new(
        new()
        {
            PermitLimit = 120,
            Window = TimeSpan.FromMinutes(1),
            QueueLimit = 0,
        }
    );

    /// <summary>Says what a request turned out to be about.</summary>
    public static void SetSubject(HttpContext context, string subject) => context.Items[subjectKey] = subject;

    /// <summary>Runs the rest of a request and notes it.</summary>
    public async Task InvokeAsync(HttpContext context)
    {
        await next(context);
        if (!IsWorthNoting(context))
        {
            return;
        }

        var caller = Caller.Of(context.User);
        var entry = Entry(context, caller);
        if (caller is null && !strangers.AttemptAcquire().IsAcquired)
        {
            LogNotKept(log, entry.Address, entry.Action, entry.Status);
            return;
        }

        try
        {
            // Whoever goes away early is noted all the same.
            await audit.AddAsync(entry, CancellationToken.None);
        }
        catch (Exception e) when (e is DbException or IOException)
        {
            LogLost(log, e, entry.Token, entry.Address, entry.Action, entry.Subject, entry.Status);
        }
    }

    private static bool IsWorthNoting(HttpContext context)
    {
        var isRead = HttpMethods.IsGet(context.Request.Method) || HttpMethods.IsHead(context.Request.Method);
        return context.Response.StatusCode switch
        {
            StatusCodes.Status429TooManyRequests => false,
            StatusCodes.Status401Unauthorized or StatusCodes.Status403Forbidden => true,
            _ when context.GetEndpoint()?.Metadata.GetMetadata<AuditedRefusals>() is not null => false,
            _ => !isRead || context.GetEndpoint()?.Metadata.GetMetadata<AuditedUse>() is not null,
        };
    }

    private static AuditEntry Entry(HttpContext context, Caller? caller)
    {
        var route = (context.GetEndpoint() as RouteEndpoint)?.RoutePattern.RawText ?? context.Request.Path.Value ?? "";
        var subject =
            context.Items[subjectKey] as string
            ?? context
                .Request.RouteValues.Where(v => v.Key is "build" or "kernel" or "token")
                .Select(v => v.Value as string)
                .FirstOrDefault();
        return new(
            "",
            default,
            caller?.Id ?? "",
            caller?.Name ?? "",
            context.Connection.RemoteIpAddress?.ToString() ?? "",
            Plain($"{context.Request.Method} {route}"),
            Plain(subject ?? ""),
            context.Response.StatusCode
        );
    }

    // Anybody's words: short, and harmless for the terminal that shows them.
    private static string Plain(string text) =>
        new([.. text.Take(LongestText).Select(c => char.IsControl(c) || char.IsSurrogate(c) ? '?' : c)]);

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "too many requests without a token, not in the audit log: {address} {action} {status}"
    )]
    private static partial void LogNotKept(ILogger logger, string address, string action, int status);

    [LoggerMessage(
        Level = LogLevel.Critical,
        Message = "the audit log cannot be written: {token} {address} {action} {subject} {status}"
    )]
    private static partial void LogLost(
        ILogger logger,
        Exception e,
        string token,
        string address,
        string action,
        string subject,
        int status
    );
}
