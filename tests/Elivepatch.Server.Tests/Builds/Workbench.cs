using Elivepatch.Builder.Jobs;
using Elivepatch.Builder.Sources;
using Elivepatch.Kernel.Storage;
using Elivepatch.Model;
using Elivepatch.Protocol.Api;
using Elivepatch.Server.Builds;
using Elivepatch.Server.Configuration;
using Elivepatch.Server.Kernels;
using Elivepatch.Server.State;
using Elivepatch.Server.State.Sqlite;
using Microsoft.Extensions.Logging.Abstractions;

namespace Elivepatch.Server.Tests.Builds;

/// <summary>A server's state in a folder of a test's own, and everything between it and a job.</summary>
internal sealed class Workbench : IDisposable
{
    public const string KernelId = "1111111111111111111111111111111111111111111111111111111111111111";

    private readonly bool ownsFolder;

    private Workbench(
        string folder,
        bool ownsFolder,
        Database database,
        CacheRoot cache,
        ServicePolicy policy,
        IReadOnlyList<SourceEntry> sources
    )
    {
        Folder = folder;
        this.ownsFolder = ownsFolder;
        Database = database;
        Cache = cache;
        Policy = policy;
        Blobs = database.OpenBlobs(Path.Combine(folder, "blobs"), Path.Combine(folder, "cached"), TimeProvider.System);
        Events = new(database, TimeProvider.System);
        Builds = new(database, Events, TimeProvider.System);
        Kernels = new(database);
        Sources = new(cache, sources, TimeProvider.System);
        var compilers = new LocalCompilers(cache, TimeProvider.System);
        Registry = new(Kernels, Blobs, Sources, compilers, policy, TimeProvider.System);
        Intake = new(
            Builds,
            Kernels,
            Registry,
            Blobs,
            compilers,
            Signals,
            new LocalDispatch(Signals),
            policy,
            TimeProvider.System
        );
    }

    public string Folder { get; }

    public Database Database { get; }

    public CacheRoot Cache { get; }

    public ServicePolicy Policy { get; }

    public BlobStore Blobs { get; }

    public BuildEventTable Events { get; }

    public BuildTable Builds { get; }

    public KernelTable Kernels { get; }

    public KernelSources Sources { get; }

    public KernelRegistry Registry { get; }

    public BuildIntake Intake { get; }

    public BuildSignals Signals { get; } = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <summary>Opens the state; another one on the same folder is the server after a restart.</summary>
    public static async Task<Workbench> OpenAsync(
        ServicePolicy? policy = null,
        string? folder = null,
        IReadOnlyList<SourceEntry>? sources = null,
        CacheRoot? cache = null,
        Database? shared = null
    )
    {
        var path = folder ?? Directory.CreateTempSubdirectory("elivepatchd-").FullName;
        var database = shared ?? Get(await SqliteDatabase.OpenAsync(Path.Combine(path, "state.db"), Cancellation));
        return new(
            path,
            folder is null,
            database,
            cache ?? Get(CacheRoot.Open(Path.Combine(path, "cache"))),
            policy ?? new(),
            sources ?? [new(SourceOrigin.Tree, "*", "/")]
        );
    }

    public static T Get<T>(Outcome<T> outcome)
    {
        Assert.True(outcome.Succeeded, string.Join('\n', outcome.Problems));
        return outcome.Value;
    }

    /// <summary>Adds a kernel whose compiler is the one that is here.</summary>
    public async Task<StoredKernel> AddKernelAsync(string id = KernelId, string? compiler = null)
    {
        var kernel = new StoredKernel(
            id,
            "6.1.0-test",
            new string('a', 40),
            "x86_64",
            compiler ?? await CompilerHereAsync(),
            (await Blobs.PutAsync(new byte[] { 1 }, Cancellation)).Value,
            null,
            null,
            DateTimeOffset.UtcNow,
            "machine"
        );
        await Kernels.AddAsync(kernel, Cancellation);
        return kernel;
    }

    public static BuildSubmission Submission(string text = "patch") =>
        new() { Kernel = KernelId, Patches = [new("fix.patch", System.Text.Encoding.UTF8.GetBytes(text))] };

    public async Task<StoredBuild> SubmitAsync(string text = "patch", string token = "token") =>
        Get(await Intake.SubmitAsync(Submission(text), token, "name", Cancellation));

    public BuildDispatcher Dispatcher(BuildRun run, int builders = 2) =>
        new(
            Builds,
            Kernels,
            Events,
            Database,
            Blobs,
            new(Blobs),
            Signals,
            run,
            new(builders, 3, TimeSpan.FromMilliseconds(50)),
            NullLogger<BuildDispatcher>.Instance
        );

    /// <summary>Waits until a build has ended.</summary>
    public async Task<StoredBuild> EndOfAsync(string id)
    {
        for (var i = 0; i < 1200; i++)
        {
            if (await Builds.FindAsync(id, Cancellation) is { End: not null } build)
            {
                return build;
            }

            await Task.Delay(50, Cancellation);
        }

        throw new TimeoutException($"build {id} does not end");
    }

    public void Dispose()
    {
        Intake.Dispose();
        Registry.Dispose();
        Sources.Dispose();
        Signals.Dispose();
        Microsoft.Data.Sqlite.SqliteConnection.ClearAllPools();
        if (ownsFolder)
        {
            Directory.Delete(Folder, recursive: true);
        }
    }

    /// <summary>
    /// Puts a kernel into a server's state whose compiler is the one that is here, so that builds of it are taken in.
    /// </summary>
    public static async Task AddKernelAsync(RunningServer server, string id)
    {
        var capture = (await server.Get<BlobStore>().PutAsync(new byte[] { 1 }, Cancellation)).Value;
        await server
            .Get<KernelTable>()
            .AddAsync(
                new(
                    id,
                    "6.1.0-test",
                    new('a', 40),
                    "x86_64",
                    await CompilerHereAsync(),
                    capture,
                    null,
                    null,
                    server.Clock.Now,
                    "machine"
                ),
                Cancellation
            );
    }

    public static async Task<string> CompilerHereAsync()
    {
        var result = await Kernel.Processes.ProcessRunner.RunAsync(
            new() { File = "gcc", Arguments = ["--version"] },
            Cancellation
        );
        return result.Output.Split('\n')[0];
    }
}
