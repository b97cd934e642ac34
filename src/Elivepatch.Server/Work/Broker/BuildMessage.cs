using System.Text;
using System.Text.RegularExpressions;
using RabbitMQ.Client;

namespace Elivepatch.Server.Work.Broker;

/// <summary>What travels over the broker: the id of a build as the message's body.</summary>
internal static partial class BuildMessage
{
    /// <summary>The build that a message names; null where it is no message of ours.</summary>
    public static string? Read(ReadOnlyMemory<byte> body) =>
        body.Length == 64 && Encoding.ASCII.GetString(body.Span) is var text && IdPattern().IsMatch(text) ? text : null;

    /// <summary>The body of a message.</summary>
    public static byte[] Body(string build) => Encoding.ASCII.GetBytes(build);

    /// <summary>Properties of a message that survives the broker's restart.</summary>
    public static BasicProperties Properties(string? worker) => new()
    {
        Persistent = true,
        Headers = worker is null ? null : new Dictionary<string, object?> { [BuildQueues.WorkerHeader] = worker },
    };

    [GeneratedRegex(@"\A[0-9a-f]{64}\z")]
    private static partial Regex IdPattern();
}
