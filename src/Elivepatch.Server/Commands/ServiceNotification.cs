using System.Net.Sockets;

namespace Elivepatch.Server.Commands;

/// <summary>Tells systemd that the service is ready (sd_notify(3): a datagram to the socket that NOTIFY_SOCKET names).</summary>
internal static class ServiceNotification
{
    /// <summary>Says that it is ready, where somebody wants to know.</summary>
    public static void Ready(IReadOnlyDictionary<string, string> environment)
    {
        if (environment.GetValueOrDefault("NOTIFY_SOCKET") is not { Length: > 1 } path)
        {
            return;
        }

        try
        {
            using var socket = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
            // An @ stands for the zero byte of a name that is in no file system.
            socket.SendTo("READY=1"u8, new UnixDomainSocketEndPoint(path[0] == '@' ? "\0" + path[1..] : path));
        }
        catch (SocketException)
        {
            // Then systemd ends us after its own time, and says why.
        }
    }
}
