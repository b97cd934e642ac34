// In: a folder of ours. Out: a Unix socket in it that the emulator connects a guest's ports to. A guest has two that may be its
// channel, and uses one of them: the first that says something.

using System.Net.Sockets;

namespace Elivepatch.Kernel.VirtualMachines;

/// <summary>The host's end of a guest's channel: takes what the guest sends, and answers on the same way.</summary>
internal sealed class GuestChannel : IDisposable
{
    // A connection ends with the emulator; this is only for an end that nobody has foreseen.
    private static readonly TimeSpan DrainTime = TimeSpan.FromSeconds(10);

    private readonly Socket listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
    private readonly List<Socket> connections = [];
    private readonly CancellationTokenSource closing = new();
    private readonly Func<ReadOnlySpan<byte>, byte[]?> take;
    private readonly Task serving;
    private Socket? speaker;

    private GuestChannel(string path, Func<ReadOnlySpan<byte>, byte[]?> take)
    {
        this.take = take;
        listener.Bind(new UnixDomainSocketEndPoint(path));
        listener.Listen(QemuCommand.Ports);
        serving = ServeAsync();
    }

    /// <summary>Begins to listen.</summary>
    /// <param name="path">Where the socket is to be.</param>
    /// <param name="take">
    /// Called from one thread at a time with what the guest sends; what it returns is sent to the guest.
    /// </param>
    /// <returns>The channel, or null where the path is too long for a socket's (107 bytes, <c>unix(7)</c>).</returns>
    public static GuestChannel? Listen(string path, Func<ReadOnlySpan<byte>, byte[]?> take)
    {
        try
        {
            return new(path, take);
        }
        catch (ArgumentOutOfRangeException)
        {
            return null;
        }
    }

    /// <summary>Waits, when the emulator has ended, until everything that it sent has been taken.</summary>
    public async Task DrainAsync()
    {
        await closing.CancelAsync();
        if (await Task.WhenAny(serving, Task.Delay(DrainTime, CancellationToken.None)) == serving)
        {
            await serving;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        closing.Cancel();
        listener.Dispose();
        lock (connections)
        {
            connections.ForEach(c => c.Dispose());
        }

        closing.Dispose();
    }

    private async Task ServeAsync()
    {
        var readers = new List<Task>();
        try
        {
            while (readers.Count < QemuCommand.Ports)
            {
                var connection = await listener.AcceptAsync(closing.Token);
                lock (connections)
                {
                    connections.Add(connection);
                }

                readers.Add(ReadAsync(connection));
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // The emulator has ended, perhaps before it connected all of its ports.
        }
        await Task.WhenAll(readers);
    }

    private async Task ReadAsync(Socket connection)
    {
        var chunk = new byte[64 << 10];
        try
        {
            while (await connection.ReceiveAsync(chunk) is var count and > 0)
            {
                if (Interlocked.CompareExchange(ref speaker, connection, null) is { } other && other != connection)
                {
                    continue;
                }

                if (take(chunk.AsSpan(0, count)) is { } answer)
                {
                    await connection.SendAsync(answer);
                }
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // The emulator was killed, or nobody listens any more.
        }
    }
}
