namespace Elivepatch.Server.Pages;

/// <summary>
/// The cookies of the page: whose session it is, and, before anybody has signed in, a secret that only the form of this server
/// knows. No script reads them, and no other site's request carries them.
/// </summary>
internal static class SessionCookie
{
    private const string Session = "elivepatch";
    private const string SignIn = "elivepatch-sign-in";

    /// <summary>The session's secret; null where there is none that could be one.</summary>
    public static string? Read(HttpRequest request) => Read(request, Session);

    /// <summary>The secret of the form to sign in; null where there is none.</summary>
    public static string? ReadSignIn(HttpRequest request) => Read(request, SignIn);

    /// <summary>Sets the session's secret.</summary>
    public static void Write(HttpContext context, string secret) => Write(context, Session, secret, SessionSecret.Life);

    /// <summary>Sets the secret of the form to sign in.</summary>
    public static void WriteSignIn(HttpContext context, string secret) => Write(context, SignIn, secret, TimeSpan.FromHours(1));

    /// <summary>Takes both away.</summary>
    public static void Clear(HttpContext context)
    {
        foreach (var name in (string[])[Session, SignIn])
        {
            context.Response.Cookies.Delete(NameFor(context.Request, name), Options(context.Request, TimeSpan.Zero));
        }
    }

    private static string? Read(HttpRequest request, string name) =>
        request.Cookies[NameFor(request, name)] is { } secret && SessionSecret.IsWellFormed(secret) ? secret : null;

    private static void Write(HttpContext context, string name, string secret, TimeSpan life) =>
        context.Response.Cookies.Append(NameFor(context.Request, name), secret, Options(context.Request, life));

    // A browser takes a cookie of this name over TLS only, from this host only.
    private static string NameFor(HttpRequest request, string name) => request.IsHttps ? $"__Host-{name}" : name;

    private static CookieOptions Options(HttpRequest request, TimeSpan life) =>
        new()
        {
            HttpOnly = true,
            IsEssential = true,
            MaxAge = life,
            Path = "/",
            SameSite = SameSiteMode.Strict,
            Secure = request.IsHttps,
        };
}
