// In: a conversation that came to nothing. Out: what is wrong, and whether to try again at once: a certificate, a proxy that is
// named, a port that speaks the other of http and https. What cannot be told apart by its exception is looked at once, with a
// connection of its own.

using System.Globalization;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.RegularExpressions;
using Elivepatch.Model;
using Elivepatch.Protocol;

namespace Elivepatch.Machine.Service;

/// <summary>Explains why a server was not reached.</summary>
public sealed partial class ConnectionFailure(ServerAddress address, IWebProxy proxy, TimeProvider time)
{
    private static readonly TimeSpan longestLook = TimeSpan.FromSeconds(5);

    private readonly Uri server = new(address.Url);
    private volatile IReadOnlyList<CertificateFault> faults = [];
    private bool hasLooked;

    /// <summary>Checks a certificate as the platform does, and keeps what it found.</summary>
    public bool Accept(object sender, X509Certificate? certificate, X509Chain? chain, SslPolicyErrors errors)
    {
        faults = CertificateFault.Find(certificate as X509Certificate2, chain, errors, server.Host, time.GetUtcNow());
        return errors == SslPolicyErrors.None;
    }

    /// <summary>Explains an exception.</summary>
    /// <returns>The problem, and true where the same request may well be answered in a moment.</returns>
    public async Task<(Problem Problem, bool IsPassing)> ExplainAsync(Exception failure, CancellationToken cancellation)
    {
        var reason = Reason(failure);
        var kind = (failure as HttpRequestException)?.HttpRequestError;
        if (kind == HttpRequestError.ProxyTunnelError)
        {
            return (Refused((HttpRequestException)failure), false);
        }

        if (faults.Count > 0)
        {
            return (CertificateFault.ToProblem(address, faults), false);
        }
        // Nobody is there: whoever started the command wants to know it now.
        if (kind is HttpRequestError.ConnectionError or HttpRequestError.NameResolutionError)
        {
            return (Unreachable(reason), false);
        }

        if (await ProbeAsync(cancellation) is { } other)
        {
            return (other, false);
        }

        return (Unreachable(reason), kind != HttpRequestError.SecureConnectionError);
    }

    /// <summary>Explains an answer that no elivepatchd gives; null where it may be one.</summary>
    public async Task<Problem?> ExplainAsync(HttpStatusCode answer, CancellationToken cancellation) =>
        answer switch
        {
            HttpStatusCode.ProxyAuthenticationRequired when Proxy is { } named => Refused(named, 407),
            // What a web server says to plain http on a port for https.
            HttpStatusCode.BadRequest => await ProbeAsync(cancellation),
            _ => null,
        };

    /// <summary>Says that it cannot be reached; with a proxy on the way, which.</summary>
    public Problem Unreachable(string reason) =>
        Proxy is { } named
            ? new(
                ServiceProblems.ServerUnreachable,
                $"{address}, through the proxy {named}: {reason}",
                "Check the proxy's address ($https_proxy, $http_proxy, $all_proxy) and the network; "
                    + $"NO_PROXY={server.Host} bypasses it."
            )
            : new(ServiceProblems.ServerUnreachable, $"{address}: {reason}");

    // Without user and password.
    private string? Proxy =>
        !proxy.IsBypassed(server) && proxy.GetProxy(server) is { } found && found != server
            ? found.GetComponents(UriComponents.SchemeAndServer, UriFormat.UriEscaped)
            : null;

    private Problem Refused(HttpRequestException tunnel)
    {
        // Older runtimes say it in words alone.
        var said = Status().Match(tunnel.Message);
        var status = (int?)tunnel.StatusCode ?? (said.Success ? int.Parse(said.ValueSpan, CultureInfo.InvariantCulture) : 0);
        // That the proxy cannot reach the server either may pass.
        return status is 401 or 403 or 405 or 407
            ? Refused(Proxy ?? "on the way", status)
            : Unreachable(status == 0 ? tunnel.Message : $"the proxy says {status}");
    }

    private Problem Refused(string named, int status) =>
        new(
            MachineProblems.ProxyRefuses,
            $"{address}: the proxy {named} says {status}",
            status == 407
                ? "Give user and password in the proxy's address, https_proxy=http://USER:PASSWORD@HOST:PORT, or set "
                    + $"NO_PROXY={server.Host} to bypass it."
                : $"Ask the operator of the proxy to let this machine connect to {server.Host}:{server.Port}, or set "
                    + $"NO_PROXY={server.Host} to bypass it."
        );

    // Whether the port speaks the other of http and https. Nothing that is secret is sent.
    private async Task<Problem?> ProbeAsync(CancellationToken cancellation)
    {
        if (hasLooked || Proxy is not null)
        {
            return null;
        }

        hasLooked = true;
        using var inTime = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        inTime.CancelAfter(longestLook);
        try
        {
            using var socket = new TcpClient();
            await socket.ConnectAsync(server.Host, server.Port, inTime.Token);
            var isOther =
                server.Scheme == "https"
                    ? await SpeaksHttpAsync(socket.GetStream(), inTime.Token)
                    : await SpeaksTlsAsync(socket.GetStream(), inTime.Token);
            return isOther ? Wrong() : null;
        }
        catch (Exception e)
            when (e is IOException or SocketException or AuthenticationException or InvalidOperationException
                || (e is OperationCanceledException && !cancellation.IsCancellationRequested)
            )
        {
            return null;
        }
    }

    private Problem Wrong()
    {
        var other = server.Scheme == "https" ? "http" : "https";
        var url = $"{other}{address.Url[server.Scheme.Length..]}";
        return new(
            MachineProblems.SchemeWrong,
            $"{address}: the port speaks {other}",
            other == "https"
                ? $"Use {url} instead."
                : $"Use {url} if the traffic may be read by others, or else the port that speaks https."
        );
    }

    private async Task<bool> SpeaksHttpAsync(NetworkStream stream, CancellationToken cancellation)
    {
        await stream.WriteAsync(Encoding.ASCII.GetBytes($"HEAD / HTTP/1.0\r\nHost: {server.IdnHost}\r\n\r\n"), cancellation);
        var answer = new byte[12];
        var count = await stream.ReadAtLeastAsync(answer, answer.Length, throwOnEndOfStream: false, cancellation);
        var text = Encoding.ASCII.GetString(answer, 0, count);
        // A port for https may answer that it is one.
        return text.StartsWith("HTTP/1.", StringComparison.Ordinal) && !text.EndsWith(" 400", StringComparison.Ordinal);
    }

    private async Task<bool> SpeaksTlsAsync(NetworkStream stream, CancellationToken cancellation)
    {
        // Whose certificate it is does not matter: nothing is said to it.
        await using var secure = new SslStream(stream, leaveInnerStreamOpen: true, (_, _, _, _) => true);
        await secure.AuthenticateAsClientAsync(new SslClientAuthenticationOptions { TargetHost = server.IdnHost }, cancellation);
        return secure.IsAuthenticated;
    }

    private static string Reason(Exception failure) =>
        failure.InnerException is SocketException or AuthenticationException ? failure.InnerException.Message : failure.Message;

    [GeneratedRegex("[0-9]{3}(?='?\\.?$)")]
    private static partial Regex Status();
}
