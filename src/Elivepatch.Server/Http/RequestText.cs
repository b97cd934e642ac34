using Elivepatch.Model;
using Microsoft.Net.Http.Headers;

namespace Elivepatch.Server.Http;

/// <summary>
/// Text is UTF-8 (RFC 8259, 8.1). The framework would translate other character sets where it knows them, and break where it does
/// not.
/// </summary>
internal static class RequestText
{
    /// <summary>Refuses a request whose body is said to be text in another form; runs the rest of any other.</summary>
    public static Task RefuseOthersAsync(HttpContext context, RequestDelegate next) =>
        MediaTypeHeaderValue.TryParse(context.Request.ContentType, out var type)
        && type.Charset is { Length: > 0 } charset
        && !IsUtf8(charset.Value!)
            ? ProblemResponses.WriteAsync(
                context,
                new Problem(ServerProblems.RequestMalformed, "its text is not UTF-8"),
                StatusCodes.Status415UnsupportedMediaType
            )
            : next(context);

    private static bool IsUtf8(string charset) => charset.Trim('"').ToUpperInvariant() is "UTF-8" or "UTF8" or "US-ASCII";
}
