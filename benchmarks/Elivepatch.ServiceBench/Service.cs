using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Elivepatch.Protocol.Api;
using Elivepatch.Protocol.Captures;
using Elivepatch.Server.Configuration;
using Elivepatch.Server.State;
using Elivepatch.Server.State.Postgres;
using Elivepatch.Server.State.Sqlite;

namespace Elivepatch.ServiceBench;

/// <summary>A real elivepatchd with a finished build in its state.</summary>
internal sealed class Service : IAsyncDisposable
{
    /// <summary>The kernel that builds are for.</summary>
    public static readonly string Kernel = new('1', 64);

    /// <summary>The build that has succeeded.</summary>
    public static readonly string Build = new('2', 64);

    private readonly Process process;
    private readonly string folder;

    private Service(string name, Process process, string folder, Uri address, string token) =>
        (Name, this.process, this.folder, Address, Token) = (name, process, folder, address, token);

    public string Name { get; }

    public Uri Address { get; }

    public string Token { get; }

    /// <summary>Makes a state with a finished build and starts the server on it.</summary>
    /// <param name="program">The command <c>elivepatchd</c>.</param>
    /// <param name="name">What its state is in.</param>
    /// <param name="module">What the build made.</param>
    /// <param name="database">Address of a PostgreSQL; null for SQLite.</param>
    /// <param name="broker">Address of a RabbitMQ; null where the server builds itself.</param>
    public static async Task<Service> StartAsync(
        string program,
        string name,
        byte[] module,
        string? database,
        string? broker = null
    )
    {
        var folder = Directory.CreateTempSubdirectory("elivepatch-bench-").FullName;
        await FillAsync(folder, module, database);
        var start = new ProcessStartInfo(program)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            ArgumentList =
            {
                "serve",
                "--state-folder",
                Path.Combine(folder, "state"),
                "--listen",
                "http://127.0.0.1:0",
                "--test-policy",
                "off",
                "--builders",
                "1",
                "--requests-per-minute",
                "1000000",
                "--open-builds-per-token",
                "100000",
                "--sources",
                """[{"kind": "tree", "location": "/"}]""",
            },
        };
        if (database is not null)
        {
            start.Environment["ELIVEPATCHD_DATABASE"] = database;
        }

        if (broker is not null)
        {
            start.Environment["ELIVEPATCHD_BROKER"] = broker;
        }

        var process = Process.Start(start)!;
        // A log that nobody reads stops the server when the pipe is full.
        var errors = process.StandardError.ReadToEndAsync();
        string? address = null,
            token = null;
        while (token is null && await process.StandardOutput.ReadLineAsync() is { } line)
        {
            var words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (words is ["address", var url])
            {
                address = url;
            }
            else if (words is [var secret] && secret.StartsWith("elp_", StringComparison.Ordinal))
            {
                token = secret;
            }
        }

        return address is null || token is null
            ? throw new InvalidOperationException($"{program} does not start: {await errors}")
            : new(name, process, folder, new(address), token);
    }

    public async ValueTask DisposeAsync()
    {
        // Its one builder waits for a pipe and would do so for a while.
        process.Kill(entireProcessTree: true);
        await process.WaitForExitAsync();
        process.Dispose();
        Directory.Delete(folder, recursive: true);
    }

    private static async Task FillAsync(string folder, byte[] module, string? address)
    {
        var state = Directory
            .CreateDirectory(
                Path.Combine(folder, "state"),
                UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute
            )
            .FullName;
        var (kept, cached) = (Path.Combine(state, "blobs"), Path.Combine(state, "cache", "blobs"));
        await using var database = address is null
            ? (await SqliteDatabase.OpenAsync(Path.Combine(state, "elivepatchd.db"), CancellationToken.None)).Value
            : (await PostgresDatabase.OpenAsync(PostgresAddress.Parse(address).Value, CancellationToken.None)).Value;
        var blobs = database.OpenBlobs(kept, cached, TimeProvider.System);
        var capture = (await blobs.PutAsync(RandomNumberGenerator.GetBytes(64), CancellationToken.None)).Value;
        var artifact = (await blobs.PutAsync(module, CancellationToken.None)).Value;
        var events = new BuildEventTable(database, TimeProvider.System);
        var builds = new BuildTable(database, events, TimeProvider.System);
        await new KernelTable(database).AddAsync(
            new(
                Kernel,
                "6.1.0-bench",
                new('a', 40),
                MachineNames.Here,
                await CompilerAsync(),
                capture,
                null,
                null,
                DateTimeOffset.UtcNow,
                "bench"
            ),
            CancellationToken.None
        );
        await builds.SubmitAsync(
            new()
            {
                Id = Build,
                Kernel = Kernel,
                Release = "6.1.0-bench",
                Submission = artifact,
                Patches = [new("fix-one.patch", new('3', 64)), new("fix-two.patch", new('4', 64))],
                Token = "bench",
                Requester = "bench",
                Submitted = DateTimeOffset.UtcNow,
            },
            CancellationToken.None
        );
        var taken = (await builds.TakeAsync("bench", CancellationToken.None))!;
        await builds.FinishAsync(
            taken.Lease,
            new()
            {
                State = BuildState.Succeeded,
                Module = "livepatch-bench",
                Artifact = artifact,
                ArtifactSize = module.Length,
                Tested = true,
            },
            CancellationToken.None
        );

        // Builds that are submitted are not to be built, which would take the processors: the one builder waits for ever for its
        // first capture, which is a pipe that nobody writes to.
        var path = await blobs.PathAsync(capture, CancellationToken.None);
        File.Delete(path);
        if (MakePipe(path, Convert.ToUInt32("600", 8)) != 0)
        {
            throw new IOException($"{path}: no pipe could be made");
        }
    }

    /// <summary>The text of the compiler that built the kernel.</summary>
    public static async Task<string> CompilerAsync()
    {
        using var gcc = Process.Start(new ProcessStartInfo("gcc", "--version") { RedirectStandardOutput = true })!;
        var text = await gcc.StandardOutput.ReadToEndAsync();
        await gcc.WaitForExitAsync();
        return text.Split('\n')[0];
    }

    [DllImport("libc", EntryPoint = "mkfifo", SetLastError = true)]
    private static extern int MakePipe([MarshalAs(UnmanagedType.LPUTF8Str)] string path, uint mode);
}
