using System.Net.Sockets;

namespace Elivepatch.Client.Machine;

/// <summary>Tells systemd that a service of type <c>notify</c> has started (sd_notify(3)).</summary>
internal static class ServiceNotice
{
    /// <summary>Tells it, where a service manager listens.</summary>
    /// <param name="address">The value of <c>$NOTIFY_SOCKET</c>: a path, or a name in the abstract space behind an at sign.</param>
    public static void Ready(string? address)
    {
        if (string.IsNullOrEmpty(address))
            return;
        try
        {
            using var socket = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
            socket.Connect(new UnixDomainSocketEndPoint(address[0] == '@' ? "\0" + address[1..] : address));
            socket.Send("READY=1"u8);
        }
        catch (Exception e) when (e is SocketException or ArgumentException)
        {
            // Nobody listens: then nobody waits.
        }
    }
}
