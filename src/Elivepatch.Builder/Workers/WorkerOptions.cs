using Elivepatch.Builder.Broker;
using Elivepatch.Builder.Sources;

namespace Elivepatch.Builder.Workers;

/// <summary>How a worker is set up.</summary>
public sealed record WorkerOptions
{
    /// <summary>The servers, any of which will do.</summary>
    public required IReadOnlyList<Uri> Servers { get; init; }

    /// <summary>The secret of a token with the scope <c>work</c>.</summary>
    public required string Token { get; init; }

    /// <summary>The broker.</summary>
    public required BrokerAddress Broker { get; init; }

    /// <summary>Its name, for people.</summary>
    public required string Name { get; init; }

    /// <summary>How many builds run at once.</summary>
    public required int Builders { get; init; }

    /// <summary>The folder of what can be had again.</summary>
    public required string CacheFolder { get; init; }

    /// <summary>Where the sources of kernels come from, in the order in which they are asked.</summary>
    public required IReadOnlyList<SourceEntry> Sources { get; init; }

    /// <summary>Where traces and metrics go; null for nowhere.</summary>
    public Uri? OtlpEndpoint { get; init; }
}
