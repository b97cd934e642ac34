using Elivepatch.Server.Security;

namespace Elivepatch.Server.Api;

/// <summary>Descriptions and audit metadata of endpoints.</summary>
internal static class EndpointText
{
    /// <summary>Names an endpoint and describes it, for the API description.</summary>
    /// <param name="endpoint">The endpoint.</param>
    /// <param name="tag">The group that it belongs to.</param>
    /// <param name="name">Its unique operation name.</param>
    /// <param name="summary">What it does.</param>
    public static TBuilder Describe<TBuilder>(this TBuilder endpoint, string tag, string name, string summary)
        where TBuilder : IEndpointConventionBuilder => endpoint.WithTags(tag).WithName(name).WithSummary(summary);

    /// <summary>Records its use in the audit log although it changes nothing.</summary>
    public static TBuilder Audited<TBuilder>(this TBuilder endpoint)
        where TBuilder : IEndpointConventionBuilder => endpoint.WithMetadata(new AuditedUse());

    /// <summary>Marks its use as routine: only refusals are recorded in the audit log.</summary>
    public static TBuilder AuditRefusalsOnly<TBuilder>(this TBuilder endpoint)
        where TBuilder : IEndpointConventionBuilder => endpoint.WithMetadata(new AuditedRefusals());
}
