// In: a token that somebody types. Out: a session, in a cookie that no script can read. A wrong token is answered, counted and
// noted like one in a header.

using Elivepatch.Protocol;
using Elivepatch.Protocol.Api;
using Elivepatch.Server.Security;
using Elivepatch.Server.State;

namespace Elivepatch.Server.Pages;

/// <summary>Signing in and out.</summary>
internal static class SignInEndpoints
{
    private const string Return = "return";

    /// <summary>Adds the endpoints.</summary>
    public static void Map(IEndpointRouteBuilder pages)
    {
        pages.MapGet(PageRoutes.SignIn, Show).AllowAnonymous();
        pages.MapPost(PageRoutes.SignIn, SignInAsync).AllowAnonymous();
        pages.MapPost(PageRoutes.SignOut, SignOutAsync).AllowAnonymous();
    }

    private static IResult Show(HttpContext context)
    {
        var back = PageRoutes.LocalPath(context.Request.Query[Return]);
        if (Caller.Of(context.User) is not null)
        {
            return SeeOther(context, back);
        }

        return Form(
            context,
            back,
            context.Request.Query.ContainsKey("over") ? "Your session is over." : null,
            StatusCodes.Status200OK
        );
    }

    private static async Task<IResult> SignInAsync(
        HttpContext context,
        TokenCheck check,
        SessionTable sessions,
        TimeProvider clock,
        CancellationToken cancellation
    )
    {
        var read = await PageForm.ReadAsync(context, SessionCookie.ReadSignIn(context.Request));
        if (!read.TryGet(out var form))
        {
            return Form(
                context,
                PageRoutes.Builds,
                $"Please try again: {read.Problems[0].Reason}.",
                StatusCodes.Status403Forbidden
            );
        }

        var back = PageRoutes.LocalPath(form.Fields[Return]);
        var (token, why) = await check.CheckSecretAsync(form.Fields["token"].ToString().Trim(), cancellation);
        if (token is null)
        {
            return Form(context, back, $"{ServiceProblems.TokenRefused.Id}: {why}.", StatusCodes.Status401Unauthorized);
        }

        context.User = new Caller(token.Id, token.Name, token.Scopes).ToPrincipal(SessionAuthentication.SchemeName);
        if (!token.Scopes.Contains(TokenScopes.Read))
        {
            context.User = new();
            return Form(
                context,
                back,
                $"{ServiceProblems.ScopeMissing.Id}: the token has no scope {TokenScopes.Read}.",
                StatusCodes.Status403Forbidden
            );
        }

        var secret = SessionSecret.Create();
        var now = clock.GetUtcNow();
        await sessions.BeginAsync(SessionSecret.Hash(secret), token.Id, now, now + SessionSecret.Life, cancellation);
        SessionCookie.Write(context, secret);
        AuditTrail.SetSubject(context, token.Id);
        return SeeOther(context, back);
    }

    private static async Task<IResult> SignOutAsync(HttpContext context, SessionTable sessions, CancellationToken cancellation)
    {
        if (SessionCookie.Read(context.Request) is not { } secret)
        {
            return SeeOther(context, PageRoutes.SignIn);
        }

        var read = await PageForm.ReadAsync(context, secret);
        if (!read.Succeeded)
        {
            return PageProblems.PageFor(read.Problems);
        }

        await sessions.EndAsync(SessionSecret.Hash(secret), cancellation);
        SessionCookie.Clear(context);
        return SeeOther(context, PageRoutes.SignIn);
    }

    // Before anybody has signed in, the form's word is made of a secret in a cookie of its own.
    private static PageResult<SignInPage, SignInModel> Form(HttpContext context, string back, string? message, int status)
    {
        var secret = SessionCookie.ReadSignIn(context.Request) ?? SessionSecret.Create();
        SessionCookie.WriteSignIn(context, secret);
        return new(new(back, message, SessionSecret.AntiForgeryValue(secret)), status);
    }

    private static IResult SeeOther(HttpContext context, string path)
    {
        context.Response.Headers.Location = path;
        return TypedResults.StatusCode(StatusCodes.Status303SeeOther);
    }
}

/// <summary>What the page to sign in shows.</summary>
/// <param name="Return">Where to go then.</param>
/// <param name="Message">What went wrong; null for nothing.</param>
/// <param name="AntiForgeryValue">What the form carries.</param>
public sealed record SignInModel(string Return, string? Message, string AntiForgeryValue);
