// In: nothing but Debian's package postgresql. Out: a PostgreSQL of one's own in a scratch folder, on a loopback port, with a
// password, that ends with the process that started it, however that ends.

using System.Diagnostics;

namespace Elivepatch.Tests;

/// <summary>A PostgreSQL for tests.</summary>
internal sealed class PostgresCluster : IAsyncDisposable
{
    private const string Owner = "postgres";

    public const string User = "elivepatch";

    // Has what a URL gives a meaning to, and must never be seen anywhere.
    public const string Password = "s3cret:@/%?word";

    private static readonly TimeSpan longestStart = TimeSpan.FromSeconds(60);
    private readonly string folder;
    private readonly string programs;
    private readonly bool isDurable;
    private readonly ServerCertificateFiles? certificate;
    private Process? server;
    private int databases;

    private PostgresCluster(string folder, string programs, bool isDurable, ServerCertificateFiles? certificate) =>
        (this.folder, this.programs, this.isDurable, this.certificate) = (
            folder,
            programs,
            isDurable,
            certificate?.CopyTo(folder)
        );

    public int Port { get; private set; }

    /// <summary>The folder of its Unix socket.</summary>
    public string SocketFolder => folder;

    /// <summary>Makes one and starts it.</summary>
    /// <param name="isDurable">True where a commit has to wait for the disk, as it does for real.</param>
    /// <param name="certificate">Where it takes connections over TLS as well.</param>
    public static async Task<PostgresCluster> StartAsync(bool isDurable = false, ServerCertificateFiles? certificate = null)
    {
        const string installed = "/usr/lib/postgresql";
        var programs = Directory.Exists(installed)
            ? Directory
                .GetDirectories(installed)
                .Select(d => Path.Combine(d, "bin"))
                .Where(d => File.Exists(Path.Combine(d, "initdb")))
                .Max()
            : null;
        if (programs is null)
        {
            throw new InvalidOperationException("PostgreSQL is not installed: ./test installs it (scripts/packages)");
        }
        // A Unix socket has a short path.
        var cluster = new PostgresCluster(
            Directory.CreateTempSubdirectory("elivepatch-pg-").FullName,
            programs,
            isDurable,
            certificate
        );
        try
        {
            await cluster.PrepareAsync();
            await cluster.StartServerAsync();
            return cluster;
        }
        catch
        {
            await cluster.DisposeAsync();
            throw;
        }
    }

    /// <summary>The address of a new and empty database.</summary>
    public async Task<string> NewDatabaseAsync()
    {
        var name = $"test{Interlocked.Increment(ref databases)}";
        await RunAsync(Path.Combine(programs, "createdb"), "-h", SocketFolder, "-p", $"{Port}", "-U", User, name);
        return AddressOf(name);
    }

    /// <summary>The address of a database.</summary>
    public string AddressOf(string name) => $"postgres://{User}:{Uri.EscapeDataString(Password)}@127.0.0.1:{Port}/{name}";

    /// <summary>Ends the server; whoever is connected loses the connection.</summary>
    public async Task StopAsync()
    {
        if (server is null)
        {
            return;
        }

        await OwnDaemon.EndAsync(server);
        server = null;
    }

    /// <summary>Starts the server again where it was.</summary>
    public async Task StartServerAsync()
    {
        for (var attempt = 0; attempt < 3; attempt++)
        {
            if (Port == 0)
            {
                Port = OwnDaemon.FreePorts(1)[0];
            }
            // Ends when its input does: with this process, whatever becomes of that.
            server = Start(
                "bash",
                "-c",
                "log=$1; shift; \"$@\" >>\"$log\" 2>&1 & server=$!; read -r; kill -INT \"$server\"; wait \"$server\"",
                "bash",
                Path.Combine(folder, "log"),
                Path.Combine(programs, "postgres"),
                "-D",
                Path.Combine(folder, "data"),
                "-p",
                $"{Port}",
                "-c",
                "listen_addresses=127.0.0.1",
                "-c",
                $"unix_socket_directories={folder}",
                "-c",
                $"fsync={(isDurable ? "on" : "off")}",
                "-c",
                "shared_buffers=64MB",
                "-c",
                "max_connections=200",
                "-c",
                $"ssl={(certificate is null ? "off" : "on")}",
                "-c",
                $"ssl_cert_file={certificate?.Certificate}",
                "-c",
                $"ssl_key_file={certificate?.Key}"
            );
            for (var start = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(start) < longestStart; await Task.Delay(50))
            {
                if (await TryAsync(Path.Combine(programs, "pg_isready"), "-q", "-h", "127.0.0.1", "-p", $"{Port}"))
                {
                    return;
                }

                if (await TryAsync("grep", "-q", "could not create any TCP/IP sockets", Path.Combine(folder, "log")))
                {
                    break;
                }
            }

            // Somebody else was faster with the port.
            await StopAsync();
            File.Delete(Path.Combine(folder, "log"));
            Port = 0;
        }

        throw new InvalidOperationException("PostgreSQL does not start");
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
        var password = Path.Combine(folder, "password");
        await File.WriteAllTextAsync(password, Password);
        // PostgreSQL refuses to run as root.
        await OwnDaemon.GiveAsync(Owner, folder);
        await RunAsync(
            Path.Combine(programs, "initdb"),
            "-D",
            Path.Combine(folder, "data"),
            "-U",
            User,
            "--pwfile",
            password,
            "--auth-local=trust",
            "--auth-host=scram-sha-256",
            "--encoding=UTF8",
            "--locale=C.UTF-8",
            "--no-sync"
        );
    }

    private static Process Start(string file, params string[] arguments)
    {
        var start = OwnDaemon.CommandOf(Owner, [file, .. arguments]);
        (start.RedirectStandardError, start.RedirectStandardOutput, start.WorkingDirectory) = (true, true, "/");
        return Process.Start(start)!;
    }

    private static async Task<bool> TryAsync(string file, params string[] arguments) => await EndAsync(file, arguments) is null;

    private static async Task RunAsync(string file, params string[] arguments)
    {
        if (await EndAsync(file, arguments) is { } error)
        {
            throw new InvalidOperationException($"{file}: {error}");
        }
    }

    private static async Task<string?> EndAsync(string file, string[] arguments)
    {
        using var process = Start(file, arguments);
        process.StandardInput.Close();
        var output = process.StandardOutput.ReadToEndAsync();
        var error = await process.StandardError.ReadToEndAsync();
        await output;
        await process.WaitForExitAsync();
        return process.ExitCode == 0 ? null : error;
    }
}
