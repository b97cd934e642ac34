using Elivepatch.Protocol.Api;
using Elivepatch.Server.Http;

namespace Elivepatch.Server.Pages;

/// <summary>Says of an endpoint that it answers people: by a page, also where something is wrong.</summary>
internal sealed record PageRoute : IProblemResponse
{
    /// <summary>True where a request is for such an endpoint.</summary>
    public static bool IsPage(HttpContext context) => context.GetEndpoint()?.Metadata.GetMetadata<PageRoute>() is not null;

    /// <inheritdoc/>
    public IResult ResultFor(ProblemDetails details) => PageProblems.PageFor(details);
}
