namespace Elivepatch.Server.Http;

/// <summary>
/// Headers of all answers. Much of what they carry comes from clients and guests: no browser may take it for a page.
/// </summary>
internal static class ResponseHeaders
{
    /// <summary>Adds them and runs the rest of the request.</summary>
    public static Task AddAsync(HttpContext context, RequestDelegate next)
    {
        var headers = context.Response.Headers;
        headers.XContentTypeOptions = "nosniff";
        headers.ContentSecurityPolicy = "default-src 'none'; frame-ancestors 'none'";
        headers.CacheControl = "no-store";
        return next(context);
    }
}
