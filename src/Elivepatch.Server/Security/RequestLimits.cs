// In: requests. Out: those that are within what a token may ask at once and in a minute; the others are told when to come back.
// Who has no token is counted by address.

using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Claims;
using System.Threading.RateLimiting;
using Elivepatch.Model;
using Elivepatch.Protocol;
using Elivepatch.Protocol.Api;
using Elivepatch.Server.Configuration;
using Elivepatch.Server.Http;
using Microsoft.AspNetCore.Http.Timeouts;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Elivepatch.Server.Security;

/// <summary>How much, how often and how slowly may be asked.</summary>
internal static class RequestLimits
{
    private const string UploadPolicy = "uploads";
    private const string StreamPolicy = "streams";

    // What a token may do at once: bodies are held in memory or written to the disk, and a stream holds a connection.
    private const int UploadsAtOnce = 8;
    private const int UploadsWaiting = 256;
    private const long WorkersShare = 1000;
    private const int StreamsAtOnce = 64;
    private const int Connections = 4096;
    private static readonly TimeSpan usualTime = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan uploadTime = TimeSpan.FromHours(1);

    // Slower than a bad modem is somebody who wants to hold the connection.
    private static readonly MinDataRate slowestBody = new(bytesPerSecond: 1024, gracePeriod: TimeSpan.FromSeconds(10));

    /// <summary>Adds the limiters.</summary>
    public static void Add(IServiceCollection services, ServerOptions options)
    {
        services.AddRateLimiter(limiter =>
        {
            limiter.GlobalLimiter = PartitionedRateLimiter.Create<HttpContext, string>(context =>
                RateLimitPartition.GetTokenBucketLimiter(PartitionOf(context), _ => Bucket(PerMinute(context, options)))
            );
            limiter.AddPolicy(
                UploadPolicy,
                context =>
                    RateLimitPartition.GetConcurrencyLimiter(
                        PartitionOf(context),
                        _ => new() { PermitLimit = UploadsAtOnce, QueueLimit = UploadsWaiting }
                    )
            );
            limiter.AddPolicy(
                StreamPolicy,
                context =>
                    RateLimitPartition.GetConcurrencyLimiter(
                        PartitionOf(context),
                        _ => new() { PermitLimit = StreamsAtOnce, QueueLimit = 0 }
                    )
            );
            limiter.OnRejected = (rejected, _) => RejectAsync(rejected.HttpContext, rejected.Lease);
        });
        services.AddRequestTimeouts(timeouts => timeouts.DefaultPolicy = Timeout(usualTime));
    }

    /// <summary>Sets what the server itself watches: sizes, slowness, connections.</summary>
    public static void Set(KestrelServerLimits limits)
    {
        limits.MaxRequestBodySize = RequestSize.Usual;
        limits.MinRequestBodyDataRate = slowestBody;
        limits.RequestHeadersTimeout = TimeSpan.FromSeconds(15);
        limits.KeepAliveTimeout = TimeSpan.FromMinutes(2);
        limits.MaxRequestHeadersTotalSize = 16 << 10;
        limits.MaxRequestHeaderCount = 64;
        limits.MaxConcurrentConnections = Connections;
    }

    /// <summary>An endpoint that takes a large body.</summary>
    public static TBuilder AllowUpload<TBuilder>(this TBuilder endpoint, long most)
        where TBuilder : IEndpointConventionBuilder =>
        endpoint.RequireRateLimiting(UploadPolicy).WithMetadata(Timeout(uploadTime), new RequestSize(most));

    /// <summary>An endpoint whose answer goes on.</summary>
    public static TBuilder AllowStream<TBuilder>(this TBuilder endpoint)
        where TBuilder : IEndpointConventionBuilder =>
        endpoint.RequireRateLimiting(StreamPolicy).WithMetadata(new DisableRequestTimeoutAttribute());

    // A worker reports what it does all the time, and all workers may have one token.
    private static int PerMinute(HttpContext context, ServerOptions options) =>
        Caller.Of(context.User)?.Scopes.Contains(TokenScopes.Work) == true
            ? (int)Math.Min(int.MaxValue, options.RequestsPerMinute * WorkersShare)
            : options.RequestsPerMinute;

    private static TokenBucketRateLimiterOptions Bucket(int perMinute)
    {
        // A token a second at least, or one in as many seconds as it takes.
        var perSecond = Math.Max(1, perMinute / 60);
        return new()
        {
            TokenLimit = perMinute,
            TokensPerPeriod = perSecond,
            ReplenishmentPeriod = TimeSpan.FromMinutes((double)perSecond / perMinute),
            QueueLimit = 0,
        };
    }

    // The last 64 bits of an IPv6 address are the machine's own to choose.
    private static string PartitionOf(HttpContext context)
    {
        if (context.User.FindFirstValue(ClaimTypes.NameIdentifier) is { } token)
        {
            return $"token {token}";
        }

        var address = context.Connection.RemoteIpAddress ?? IPAddress.None;
        if (address.IsIPv4MappedToIPv6)
        {
            address = address.MapToIPv4();
        }

        return address.AddressFamily == AddressFamily.InterNetworkV6
            ? $"network {new IPAddress([.. address.GetAddressBytes()[..8], .. new byte[8]])}"
            : $"address {address}";
    }

    private static async ValueTask RejectAsync(HttpContext context, RateLimitLease lease)
    {
        var wait = lease.TryGetMetadata(MetadataName.RetryAfter, out var time)
            ? Math.Max(1, (int)Math.Ceiling(time.TotalSeconds))
            : 5;
        context.Response.Headers.RetryAfter = wait.ToString(CultureInfo.InvariantCulture);
        await ProblemResponses.WriteAsync(context, new Problem(ServiceProblems.TooManyRequests, $"ask again in {wait} s"));
    }

    private static RequestTimeoutPolicy Timeout(TimeSpan time) =>
        new()
        {
            Timeout = time,
            TimeoutStatusCode = StatusCodes.Status408RequestTimeout,
            WriteTimeoutResponse = context =>
                ProblemResponses.WriteAsync(
                    context,
                    new Problem(ServerProblems.RequestTooSlow, $"it was not done in {time.TotalMinutes} minutes")
                ),
        };
}
