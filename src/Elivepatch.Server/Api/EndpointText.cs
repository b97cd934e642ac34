using Elivepatch.Server.Security;

namespace Elivepatch.Server.Api;

/// <summary>What is said about endpoints.</summary>
internal static class EndpointText
{
    /// <summary>Names an endpoint and says what it does, for the description of the interface.</summary>
    /// <param name="endpoint">The endpoint.</param>
    /// <param name="tag">What it is about.</param>
    /// <param name="name">Its name among all.</param>
    /// <param name="summary">What it does.</param>
    public static TBuilder Says<TBuilder>(this TBuilder endpoint, string tag, string name, string summary)
        where TBuilder : IEndpointConventionBuilder =>
        endpoint.WithTags(tag).WithName(name).WithSummary(summary);

    /// <summary>Its use is noted in the audit log although it changes nothing.</summary>
    public static TBuilder Noted<TBuilder>(this TBuilder endpoint)
        where TBuilder : IEndpointConventionBuilder =>
        endpoint.WithMetadata(new NotedUse());

    /// <summary>Its use is routine: only refusals are noted in the audit log.</summary>
    public static TBuilder Routinely<TBuilder>(this TBuilder endpoint)
        where TBuilder : IEndpointConventionBuilder =>
        endpoint.WithMetadata(new RoutineUse());
}
