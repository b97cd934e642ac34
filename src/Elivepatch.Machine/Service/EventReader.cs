using System.Net.ServerSentEvents;
using System.Text.Json;
using Elivepatch.Model;
using Elivepatch.Protocol;
using Elivepatch.Protocol.Api;

namespace Elivepatch.Machine.Service;

/// <summary>Reads a stream of server-sent events of a build.</summary>
public static class EventReader
{
    /// <summary>The stream's media type.</summary>
    public const string MediaType = "text/event-stream";

    /// <summary>The most bytes between two events.</summary>
    public const int LargestEvent = 1 << 20;

    private const int LongestText = 300;

    /// <summary>Reads until the stream ends.</summary>
    /// <param name="body">The stream.</param>
    /// <param name="after">The last event that is known: what comes again is passed over.</param>
    /// <param name="take">Takes each new event.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <returns>A problem where the stream is none of a build.</returns>
    public static async Task<Problem?> ReadAsync(
        BoundedStream body,
        long after,
        Action<BuildEvent> take,
        CancellationToken cancellation
    )
    {
        var last = after;
        await foreach (var item in SseParser.Create(body, Read).EnumerateAsync(cancellation))
        {
            body.ResetCount();
            if (item.Data is not { Stage: not null, Detail: not null } happened)
            {
                return new(ServiceProblems.ServerAnswerMalformed, "an event of the build is malformed");
            }

            if (happened.Sequence <= last)
            {
                continue;
            }

            last = happened.Sequence;
            take(happened with { Stage = Short(happened.Stage), Detail = Short(happened.Detail) });
        }
        return null;
    }

    private static BuildEvent? Read(string type, ReadOnlySpan<byte> data) =>
        JsonSerializer.Deserialize(data, ProtocolJson.Default.BuildEvent);

    private static string Short(string text) => text.Length <= LongestText ? text : text[..LongestText];
}
