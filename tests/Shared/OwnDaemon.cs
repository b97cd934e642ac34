using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace Elivepatch.Tests;

/// <summary>What daemons of Debian want that a test runs for itself: a user who is not root, and ports.</summary>
internal static class OwnDaemon
{
    /// <summary>Ports of the loopback that nobody listens on.</summary>
    public static int[] FreePorts(int count)
    {
        var listeners = Enumerable.Range(0, count).Select(_ => new TcpListener(IPAddress.Loopback, 0)).ToList();
        listeners.ForEach(l => l.Start());
        var ports = listeners.Select(l => ((IPEndPoint)l.LocalEndpoint).Port).ToArray();
        listeners.ForEach(l => l.Dispose());
        return ports;
    }

    /// <summary>A command, run as the daemon's user where this process is root.</summary>
    public static ProcessStartInfo CommandOf(string user, params IReadOnlyList<string> words)
    {
        string[] all = Environment.IsPrivilegedProcess
            ? ["setpriv", $"--reuid={user}", $"--regid={user}", "--clear-groups", .. words]
            : [.. words];
        return new(all[0], all[1..]) { RedirectStandardInput = true };
    }

    /// <summary>Gives a folder to the daemon's user where this process is root.</summary>
    public static async Task GiveAsync(string user, string folder)
    {
        if (!Environment.IsPrivilegedProcess)
        {
            return;
        }

        using var own = Process.Start("chown", ["-R", $"{user}:{user}", folder]);
        await own.WaitForExitAsync();
        if (own.ExitCode != 0)
        {
            throw new InvalidOperationException($"{folder} cannot be given to {user}");
        }
    }

    /// <summary>Ends a daemon that runs as long as its input is open.</summary>
    public static async Task EndAsync(Process daemon)
    {
        daemon.StandardInput.Close();
        await daemon.WaitForExitAsync();
        daemon.Dispose();
    }
}
