using RabbitMQ.Client.Exceptions;

namespace Elivepatch.Builder.Broker;

/// <summary>What the library throws where the broker, or the way to it, fails.</summary>
public static class BrokerFailure
{
    /// <summary>
    /// True for what a broker that is away, goes away or does not answer makes the library throw. Its own patience ends as if it
    /// were cancelled.
    /// </summary>
    /// <param name="e">What was thrown.</param>
    /// <param name="ours">What the caller would have cancelled it by.</param>
    public static bool IsBrokerFailure(Exception e, CancellationToken ours) =>
        e
            is RabbitMQClientException
                or IOException
                or TimeoutException
                or ObjectDisposedException
                or System.Net.Sockets.SocketException
        || (e is OperationCanceledException && !ours.IsCancellationRequested)
        || (e is AggregateException { InnerException: { } inner } && IsBrokerFailure(inner, ours));

    /// <summary>What the broker, or the way to it, has said. The library says at first only that no address did.</summary>
    public static string Describe(Exception e) =>
        e.GetBaseException() switch
        {
            OperationCanceledException => "it does not answer",
            var first => first.Message.ReplaceLineEndings(" "),
        };
}
