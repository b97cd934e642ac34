namespace Elivepatch.Server.Http;

/// <summary>
/// HEAD is answered as GET is, without the body, and OPTIONS with the methods that a path has (RFC 9110, 9.3.2 and 9.3.7): what
/// load balancers and download tools ask first.
/// </summary>
internal static class PlainMethods
{
    private const string NoSuchMethod = "405 HTTP Method Not Supported";

    /// <summary>Before routing: lets an endpoint for GET take HEAD; the server sends no body then.</summary>
    public static Task HeadAsGetAsync(HttpContext context, RequestDelegate next)
    {
        // A stream of events has no end that a head could tell of.
        if (
            HttpMethods.IsHead(context.Request.Method)
            && context.Request.Path.Value?.EndsWith("/events", StringComparison.Ordinal) != true
        )
        {
            context.Request.Method = HttpMethods.Get;
        }

        return next(context);
    }

    /// <summary>
    /// Behind routing and before authentication: which methods there are is no secret, the description has them.
    /// </summary>
    public static async Task OptionsAsync(HttpContext context, RequestDelegate next)
    {
        if (
            HttpMethods.IsOptions(context.Request.Method)
            && context.GetEndpoint() is { DisplayName: NoSuchMethod, RequestDelegate: { } whichAre }
        )
        {
            await whichAre(context);
            context.Response.StatusCode = StatusCodes.Status204NoContent;
            return;
        }

        await next(context);
    }
}
