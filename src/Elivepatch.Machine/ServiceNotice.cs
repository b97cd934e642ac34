using System.Net.Sockets;
using System.Text;

namespace Elivepatch.Machine;

/// <summary>Tells systemd how a service of type <c>notify</c> stands (sd_notify(3)).</summary>
/// <param name="address">The value of <c>$NOTIFY_SOCKET</c>: a path, or a name in the abstract space behind an at sign.</param>
public sealed class ServiceNotice(string? address)
{
    /// <summary>Tells that it has started, and how it stands: <c>systemctl status</c> shows the words.</summary>
    public void Ready(string status) => Send($"READY=1\n{Status(status)}");

    // One line: what follows a line's end would be another word to the service manager.
    private static string Status(string text) => $"STATUS={text.ReplaceLineEndings(" ")}";

    private void Send(string text)
    {
        if (string.IsNullOrEmpty(address))
        {
            return;
        }

        try
        {
            using var socket = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
            socket.Connect(new UnixDomainSocketEndPoint(address[0] == '@' ? "\0" + address[1..] : address));
            socket.Send(Encoding.UTF8.GetBytes(text));
        }
        catch (Exception e) when (e is SocketException or ArgumentException)
        {
            // Nobody listens: then nobody waits.
        }
    }
}
