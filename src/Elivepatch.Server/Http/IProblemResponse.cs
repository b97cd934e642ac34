using Elivepatch.Protocol.Api;

namespace Elivepatch.Server.Http;

/// <summary>Says, as the metadata of an endpoint, how it tells of what is wrong; endpoints without it answer JSON.</summary>
internal interface IProblemResponse
{
    /// <summary>The answer that tells of a failure.</summary>
    IResult ResultFor(ProblemDetails details);
}
