// In: nothing but Debian's package rabbitmq-server. Out: a RabbitMQ of one's own in a scratch folder, on a loopback port, with a
// user and some virtual hosts, that ends with the process that started it, however that ends.

using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace Elivepatch.Tests;

/// <summary>A RabbitMQ for tests.</summary>
internal sealed class RabbitBroker : IAsyncDisposable
{
    public const string User = "elivepatch";
    public const string Password = "p4ss:@/%word";

    private const string Owner = "rabbitmq";
    private const string Program = "/usr/lib/rabbitmq/bin/rabbitmq-server";
    private const int VirtualHosts = 32;
    private static readonly TimeSpan longestStart = TimeSpan.FromSeconds(120);

    private readonly string folder;
    private readonly ServerCertificateFiles? certificate;
    private readonly int[] ports = OwnDaemon.FreePorts(3);
    private Process? server;
    private int taken;

    private RabbitBroker(string folder, ServerCertificateFiles? certificate) =>
        (this.folder, this.certificate) = (folder, certificate?.CopyTo(folder));

    private int Port => ports[0];

    /// <summary>Makes one and starts it.</summary>
    /// <param name="certificate">Where it takes connections over TLS, and no others.</param>
    public static async Task<RabbitBroker> StartAsync(ServerCertificateFiles? certificate = null)
    {
        if (!File.Exists(Program))
        {
            throw new InvalidOperationException("RabbitMQ is not installed: ./test installs it (scripts/packages)");
        }

        var broker = new RabbitBroker(Directory.CreateTempSubdirectory("elivepatch-mq-").FullName, certificate);
        try
        {
            await broker.PrepareAsync();
            await broker.StartServerAsync();
            return broker;
        }
        catch
        {
            await broker.DisposeAsync();
            throw;
        }
    }

    /// <summary>The address of a virtual host that nobody has used.</summary>
    public string NewHost() =>
        Interlocked.Increment(ref taken) is var number and <= VirtualHosts
            ? $"{(certificate is null ? "amqp" : "amqps")}://{User}:{Uri.EscapeDataString(Password)}@127.0.0.1:{Port}/v{number}"
            : throw new InvalidOperationException("more tests than virtual hosts: raise their number");

    /// <summary>Ends the broker; whoever is connected loses the connection, and what was confirmed is kept.</summary>
    public async Task StopAsync()
    {
        if (server is null)
        {
            return;
        }

        await OwnDaemon.EndAsync(server);
        server = null;
    }

    /// <summary>Starts the broker again where it was.</summary>
    public async Task StartServerAsync()
    {
        // Ends when its input does: with this process, whatever becomes of that. The port mapper of Erlang is its own as well.
        server = Start(
            "bash",
            "-c",
            """
            epmd -address 127.0.0.1 -port "$ERL_EPMD_PORT" & mapper=$!
            "$1" >>"$HOME/log" 2>&1 & server=$!
            read -r
            kill -TERM "$(cat "$HOME/pid")" || kill -KILL "$server"
            wait "$server"
            kill "$mapper"
            """,
            "bash",
            Program
        );
        for (var start = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(start) < longestStart; await Task.Delay(100))
        {
            if (await AnswersAsync())
            {
                return;
            }

            if (server.HasExited)
            {
                break;
            }
        }

        throw new InvalidOperationException(
            "RabbitMQ does not start: " + await File.ReadAllTextAsync(Path.Combine(folder, "log"))
        );
    }

    /// <summary>The process that everything of it is below.</summary>
    public int ProcessId => server!.Id;

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        Directory.Delete(folder, recursive: true);
    }

    private async Task PrepareAsync()
    {
        byte[] salt = [1, 2, 3, 4];
        var hosts = Enumerable.Range(1, VirtualHosts).Select(i => $"v{i}").ToList();
        await File.WriteAllTextAsync(
            Path.Combine(folder, "definitions.json"),
            JsonSerializer.Serialize(
                new
                {
                    users = new[]
                    {
                        new
                        {
                            name = User,
                            password_hash = Convert.ToBase64String([
                                .. salt,
                                .. SHA256.HashData([.. salt, .. Encoding.UTF8.GetBytes(Password)]),
                            ]),
                            hashing_algorithm = "rabbit_password_hashing_sha256",
                            tags = "",
                        },
                    },
                    vhosts = hosts.Select(name => new { name }),
                    permissions = hosts.Select(vhost => new
                    {
                        user = User,
                        vhost,
                        configure = ".*",
                        write = ".*",
                        read = ".*",
                    }),
                }
            )
        );
        await File.WriteAllTextAsync(
            Path.Combine(folder, "rabbitmq.conf"),
            $"""
            {(certificate is null
                ? $"listeners.tcp.1 = 127.0.0.1:{Port}"
                : $"""
                listeners.tcp = none
                listeners.ssl.1 = 127.0.0.1:{Port}
                ssl_options.certfile = {certificate.Certificate}
                ssl_options.keyfile = {certificate.Key}
                """)}
            load_definitions = {folder}/definitions.json
            log.console = true
            log.console.level = warning
            log.file = false
            disk_free_limit.absolute = 50MB
            vm_memory_high_watermark.absolute = 500MB

            """
        );
        // It refuses to run as another user than its own.
        await OwnDaemon.GiveAsync(Owner, folder);
    }

    // A broker greets nobody: it answers a protocol header with its own frame, and one that expects TLS with an alert.
    private async Task<bool> AnswersAsync()
    {
        try
        {
            using var client = new TcpClient();
            await client.ConnectAsync(IPAddress.Loopback, Port);
            await client.GetStream().WriteAsync("AMQP\0\0\u0009\u0001"u8.ToArray());
            return await client.GetStream().ReadAsync(new byte[16]) > 0;
        }
        catch (Exception e) when (e is SocketException or IOException)
        {
            return false;
        }
    }

    private Process Start(params string[] words)
    {
        var start = OwnDaemon.CommandOf(Owner, words);
        start.WorkingDirectory = folder;
        start.Environment.Clear();
        foreach (
            var (name, value) in new Dictionary<string, string>
            {
                ["PATH"] = "/usr/sbin:/usr/bin:/sbin:/bin",
                ["HOME"] = folder,
                ["RABBITMQ_BASE"] = folder,
                ["RABBITMQ_MNESIA_BASE"] = Path.Combine(folder, "mnesia"),
                ["RABBITMQ_LOG_BASE"] = folder,
                ["RABBITMQ_CONFIG_FILE"] = Path.Combine(folder, "rabbitmq.conf"),
                ["RABBITMQ_CONF_ENV_FILE"] = "/dev/null",
                ["RABBITMQ_ENABLED_PLUGINS_FILE"] = Path.Combine(folder, "plugins"),
                ["RABBITMQ_PID_FILE"] = Path.Combine(folder, "pid"),
                ["RABBITMQ_NODENAME"] = $"elivepatch{Port}@localhost",
                ["RABBITMQ_DIST_PORT"] = $"{ports[1]}",
                ["ERL_EPMD_PORT"] = $"{ports[2]}",
                ["ERL_EPMD_ADDRESS"] = "127.0.0.1",
                // One thread that does not spin: the tests' own work is beside it.
                ["RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS"] = "-kernel inet_dist_use_interface {127,0,0,1} +S 1:1 +sbwt none",
            }
        )
        {
            start.Environment[name] = value;
        }

        return Process.Start(start)!;
    }
}
