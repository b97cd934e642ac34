using System.Text;
using Elivepatch.Model;
using RabbitMQ.Client;

namespace Elivepatch.Builder.Broker;

/// <summary>What travels over the broker: the id of a build as the message's body.</summary>
public static class BuildMessage
{
    // What is longer is not looked at.
    private const int LongestBody = 64;

    /// <summary>The build that a message names; null where it is no message of ours.</summary>
    public static string? Read(ReadOnlyMemory<byte> body) =>
        body.Length <= LongestBody && Encoding.ASCII.GetString(body.Span) is var text && ContentDigest.IsHex(text) ? text : null;

    /// <summary>The body of a message.</summary>
    public static byte[] CreateBody(string build) => Encoding.ASCII.GetBytes(build);

    /// <summary>Properties of a message that survives the broker's restart.</summary>
    public static BasicProperties CreateProperties(string? worker) =>
        new()
        {
            Persistent = true,
            Headers = worker is null ? null : new Dictionary<string, object?> { [BuildQueues.WorkerHeader] = worker },
        };
}
