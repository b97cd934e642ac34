// In: an address and requests as bytes. Out: how many are answered in a time, and how long each takes. Sockets and nothing else:
// what asks must not be most of the work where it runs on the processors of what answers.

using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Elivepatch.ServiceBench;

/// <summary>What came of asking for a while.</summary>
/// <param name="PerSecond">Answers a second.</param>
/// <param name="Median">Milliseconds that half of them took at most.</param>
/// <param name="P99">Milliseconds that 99 of 100 took at most.</param>
/// <param name="Failed">Answers with another status than the one that was expected.</param>
internal sealed record LoadResult(double PerSecond, double Median, double P99, int Failed);

/// <summary>Asks over some connections at once, each of which asks again when it has its answer.</summary>
internal static class Load
{
    private const int Largest = 4 << 20;

    /// <summary>Asks for a while.</summary>
    /// <param name="address">Where.</param>
    /// <param name="connections">How many connections.</param>
    /// <param name="time">How long.</param>
    /// <param name="request">Given a number that no other request has, the request.</param>
    /// <param name="expected">The status that is right.</param>
    public static async Task<LoadResult> RunAsync(
        Uri address,
        int connections,
        TimeSpan time,
        Func<long, byte[]> request,
        params int[] expected
    )
    {
        var start = Stopwatch.GetTimestamp();
        var number = 0L;
        var runs = await Task.WhenAll(
            Enumerable
                .Range(0, connections)
                .Select(_ =>
                    Task.Factory.StartNew(
                        () => Connection(address, start, time, () => request(Interlocked.Increment(ref number)), expected),
                        CancellationToken.None,
                        TaskCreationOptions.LongRunning,
                        TaskScheduler.Default
                    )
                )
        );
        var seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        var all = runs.SelectMany(r => r.Ticks).Order().ToList();
        return new(Math.Round(all.Count / seconds), Milliseconds(all, 0.5), Milliseconds(all, 0.99), runs.Sum(r => r.Failed));
    }

    /// <summary>A request without a body.</summary>
    public static byte[] Get(string path, string? token) =>
        Encoding.ASCII.GetBytes($"GET {path} HTTP/1.1\r\nHost: bench\r\n{Authorization(token)}\r\n");

    /// <summary>A request that sends JSON.</summary>
    public static byte[] Post(string path, string token, byte[] json) =>
        [
            .. Encoding.ASCII.GetBytes(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"POST {path} HTTP/1.1\r\nHost: bench\r\n{Authorization(token)}Content-Type: application/json\r\nContent-Length: {json.Length}\r\n\r\n"
                )
            ),
            .. json,
        ];

    private static string Authorization(string? token) => token is null ? "" : $"Authorization: Bearer {token}\r\n";

    private static (List<long> Ticks, int Failed) Connection(
        Uri address,
        long start,
        TimeSpan time,
        Func<byte[]> request,
        int[] expected
    )
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        socket.Connect(new IPEndPoint(IPAddress.Loopback, address.Port));
        var (ticks, failed, buffer) = (new List<long>(), 0, new byte[Largest]);
        while (Stopwatch.GetElapsedTime(start) < time)
        {
            var bytes = request();
            var begun = Stopwatch.GetTimestamp();
            socket.Send(bytes);
            if (!expected.Contains(Answer(socket, buffer)))
            {
                failed++;
            }

            ticks.Add(Stopwatch.GetTimestamp() - begun);
        }

        return (ticks, failed);
    }

    // Reads one answer, whose length is said or which comes in chunks, and gives its status.
    private static int Answer(Socket socket, byte[] buffer)
    {
        var have = 0;
        var end = -1;
        while (end < 0)
        {
            have += Receive(socket, buffer.AsSpan(have));
            end = buffer.AsSpan(0, have).IndexOf("\r\n\r\n"u8);
        }

        var head = Encoding.ASCII.GetString(buffer, 0, end);
        const string length = "\r\nContent-Length: ";
        if (head.IndexOf(length, StringComparison.OrdinalIgnoreCase) is var at and >= 0)
        {
            var number = head[(at + length.Length)..].Split('\r')[0];
            var total = end + 4 + int.Parse(number, CultureInfo.InvariantCulture);
            while (have < total)
            {
                have += Receive(socket, buffer.AsSpan(have));
            }
        }
        else
        {
            while (!buffer.AsSpan(0, have).EndsWith("0\r\n\r\n"u8))
            {
                have += Receive(socket, buffer.AsSpan(have));
            }
        }

        return int.Parse(head.AsSpan(9, 3), NumberStyles.None, CultureInfo.InvariantCulture);
    }

    private static int Receive(Socket socket, Span<byte> to) =>
        socket.Receive(to) is var count and > 0 ? count : throw new IOException("the server ended the connection");

    private static double Milliseconds(List<long> sorted, double share) =>
        sorted.Count == 0 ? 0 : Math.Round(sorted[(int)((sorted.Count - 1) * share)] * 1000.0 / Stopwatch.Frequency, 2);
}
