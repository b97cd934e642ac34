// In: a request that sends a form. Out: the form, if a page of this server sent it: the browser says so, and the form carries a
// word that only this server's page could know.

using Elivepatch.Model;

namespace Elivepatch.Server.Pages;

/// <summary>A form that a page of this server sent.</summary>
/// <param name="Fields">Its fields.</param>
internal sealed record PostedForm(IFormCollection Fields);

/// <summary>Reads forms.</summary>
internal static class PageForm
{
    /// <summary>The field with the word.</summary>
    public const string AntiForgeryField = "form";

    /// <summary>Reads a form.</summary>
    /// <param name="context">The request.</param>
    /// <param name="secret">The secret that its word was made of; null where there is none.</param>
    public static async Task<Outcome<PostedForm>> ReadAsync(HttpContext context, string? secret)
    {
        if (!IsOfThisServer(context.Request))
        {
            return Refused("another site's page sent it");
        }

        if (!context.Request.HasFormContentType)
        {
            return Refused("it is not a form");
        }

        IFormCollection form;
        try
        {
            form = await context.Request.ReadFormAsync(context.RequestAborted);
        }
        catch (InvalidDataException)
        {
            return Refused("it is not a form");
        }

        if (secret is null)
        {
            return Refused("its cookie is missing or too old");
        }

        return SessionSecret.IsAntiForgeryValue(secret, form[AntiForgeryField])
            ? new PostedForm(form)
            : Refused("it is of another session");
    }

    // Every browser of today says where a form is from. A proxy may have changed the host, so its word counts only where the
    // browser's own is missing, as without TLS.
    private static bool IsOfThisServer(HttpRequest request)
    {
        if (request.Headers["Sec-Fetch-Site"] is { Count: > 0 } site)
        {
            return site == "same-origin";
        }

        return request.Headers.Origin is not { Count: > 0 } origin
            || (Uri.TryCreate(origin, UriKind.Absolute, out var from) && from.Authority == request.Host.Value);
    }

    private static Problem Refused(string reason) => new(ServerProblems.FormRefused, reason);
}
