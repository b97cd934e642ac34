using Microsoft.AspNetCore.Http.Metadata;

namespace Elivepatch.Server.Http;

/// <summary>The most bytes that the body of a request to an endpoint may have.</summary>
/// <param name="MaxRequestBodySize">Bytes.</param>
internal sealed record RequestSize(long? MaxRequestBodySize) : IRequestSizeLimitMetadata
{
    /// <summary>What is enough for every request that carries no file.</summary>
    public const long Usual = 64 << 10;
}
