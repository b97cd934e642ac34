using System.Net.Http.Json;
using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Elivepatch.Kernel.Build;
using Elivepatch.Kernel.Import;
using Elivepatch.Kernel.Records;
using Elivepatch.Kernel.Storage;
using Elivepatch.Kernel.VirtualMachines;
using Elivepatch.Model.Files;
using Elivepatch.Protocol.Api;
using Elivepatch.Protocol.Manifests;
using Elivepatch.Server.Signing;
using Elivepatch.Server.Tests.Signing;
using static Elivepatch.Server.Tests.Builds.Workbench;
using static Elivepatch.Server.Tests.Whole.StockCapture;

namespace Elivepatch.Server.Tests.Whole;

/// <summary>
/// The real server, killed with SIGKILL in the middle of real builds of the stock kernel. Which stages there are is learned from
/// the events of a build that nobody disturbs. A build is killed twice at most, so that its third attempt is its last.
/// </summary>
public sealed class KilledServerTests : IDisposable
{
    private const int KillsOfOneBuild = 2;
    private static readonly TimeSpan Together = TimeSpan.FromMilliseconds(50);

    private readonly Scratch scratch = new();
    private readonly HashSet<string> left = [];
    private int interrupted;
    private string[] options = [];
    private string secret = "";
    private PublicKey? key;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => scratch.Dispose();

    [Fact]
    public async Task A_server_killed_at_any_stage_finishes_each_build_once_and_leaves_nothing_behind()
    {
        var cache = TestCache();
        var record = Get(await new DebianImport(cache, KernelBoot.ReadFactsAsync).RunAsync(TestKernels.Stock, Cancellation));
        using var pair = ModuleKeyPair.Create(scratch.Folder);
        string[] common =
        [
            "--cache-folder",
            cache.FullPath,
            "--builders",
            "1",
            "--module-key",
            pair.KeyPath,
            "--module-certificate",
            pair.CertificatePath,
        ];
        options = [.. common, "--test-policy", "off"];
        var server = await StartAsync();
        try
        {
            var kernel = await SendAsync(server, record);
            var undisturbed = await SubmitAsync(server, kernel, "stages", null);
            var stages = StagesOf(await EventsAsync(server, undisturbed, _ => false));
            Assert.InRange(stages.Count, 4, 50);
            foreach (var (number, at) in stages.Chunk(KillsOfOneBuild).Index())
            {
                var build = await SubmitAsync(server, kernel, $"killed{number}", null);
                for (var attempt = 1; attempt <= at.Length; attempt++)
                {
                    server = await KillAndStartAsync(server, cache, build, attempt, at[attempt - 1]);
                }

                await AssertFinishedAsync(server, build, record, cache, $"killed{number}");
            }

            // Some of the last stages end while the kill is on its way.
            Assert.True(interrupted > stages.Count / 2, $"{interrupted} of {stages.Count}");

            // With a virtual machine that has to end as well.
            Assert.Equal(0, await server.EndAsync());
            server.Dispose();
            options = [.. common, "--test-policy", "required"];
            server = await StartAsync();
            var tested = await SubmitAsync(server, kernel, "tested", "echo the script runs");
            server = await KillAndStartAsync(server, cache, tested, 1, "test", "qemu-system-x86");
            await AssertFinishedAsync(server, tested, record, cache, "tested");
            Assert.Equal(0, await server.EndAsync());
        }
        finally
        {
            server.Dispose();
        }

        // The kills came at work: there was something to clean up.
        Assert.NotEmpty(left);
    }

    [Fact]
    public async Task A_server_killed_while_it_prepares_a_tree_removes_it_and_begins_again()
    {
        var cache = TestCache();
        var record = Get(await new DebianImport(cache, KernelBoot.ReadFactsAsync).RunAsync(TestKernels.Stock, Cancellation));
        var archive = Get(new Kernel.Trees.SourceArchives(cache).Find(record.SourceKey)).FilePath;
        options =
        [
            "--cache-folder",
            cache.FullPath,
            "--test-policy",
            "off",
            "--sources",
            $$"""[{"kind":"tree","location":"{{archive}}"}]""",
        ];
        var server = await StartAsync();
        try
        {
            // A remark makes it a kernel that nobody has imported before.
            var kernel = await SendAsync(server, record, $"# {Guid.NewGuid()}\n");
            var build = await SubmitAsync(server, kernel, "imported", null);
            server = await KillAndStartAsync(server, cache, build, 1, "prepare", "bwrap", "unpack the source");
            Assert.NotEmpty(left);
            // Preparing it takes minutes; that it is begun again will do.
            await StageAsync(server, build, 2, "prepare");
            using var client = server.Client(secret);
            await Answered.ValueAsync<BuildView>(await client.PostAsync(ApiRoutes.Cancel(build), null, Cancellation));
            Assert.Equal("cancelled", (await EventsAsync(server, build, _ => false))[^1].Detail);
            Assert.Equal(0, await server.EndAsync());
        }
        finally
        {
            server.Dispose();
        }
    }

    private async Task<ServerProcess> StartAsync()
    {
        var server = await ServerProcess.StartAsync([], scratch.PathOf("state"), secret.Length > 0 ? secret : null, options);
        secret = server.Secret ?? secret;
        return server;
    }

    // Kills when the build's stage is told of and, where a program is named, when that runs.
    private async Task<ServerProcess> KillAndStartAsync(
        ServerProcess server,
        CacheRoot cache,
        string build,
        int attempt,
        string stage,
        string? program = null,
        string? detail = null
    )
    {
        await StageAsync(server, build, attempt, stage, detail);
        var children = await server.KillAloneAsync(program);
        server.Dispose();
        await AssertEndAsync(children, stage);
        var abandoned = Abandoned(cache);
        left.UnionWith(abandoned);
        var next = await StartAsync();
        Assert.DoesNotContain(abandoned, Directory.Exists);
        return next;
    }

    // Waits until a stage is told of in this attempt, and in it what is done, unless an earlier one has ended the build.
    private async Task StageAsync(ServerProcess server, string build, int attempt, string stage, string? detail = null)
    {
        var begun = 0;
        var events = await EventsAsync(
            server,
            build,
            e =>
            {
                begun += e is { Kind: BuildEventKind.State, Detail: "running" } ? 1 : 0;
                return begun == attempt && e.Kind == BuildEventKind.Stage && e.Stage == stage && (detail ?? e.Detail) == e.Detail;
            }
        );
        Assert.True(events[^1].Stage == stage || begun < attempt, $"{stage} did not come in attempt {attempt}: {events[^1]}");
    }

    private static async Task AssertEndAsync(IReadOnlyList<StartedProcess> children, string stage)
    {
        // What is killed ends when the disk lets it.
        for (var i = 0; i < 1200 && children.Any(c => c.Lives); i++)
        {
            await Task.Delay(50, Cancellation);
        }

        Assert.True(
            !children.Any(c => c.Lives),
            $"{stage}: {string.Join(", ", children.Where(c => c.Lives))} outlived the server"
        );
    }

    private async Task AssertFinishedAsync(ServerProcess server, string build, KernelRecord record, CacheRoot cache, string name)
    {
        var events = await EventsAsync(server, build, _ => false);
        var text = string.Join('\n', events.Select(e => $"{e.Sequence} {e.Kind} {e.Stage} {e.Status} {e.Detail}"));
        Assert.True(events[^1] is { Kind: BuildEventKind.State, Detail: "succeeded" }, text);
        Assert.Equal(Enumerable.Range(1, events.Count).Select(i => (long)i), events.Select(e => e.Sequence));
        var states = events.Where(e => e.Kind == BuildEventKind.State).Select(e => e.Detail).ToList();
        var attempts = states.Count / 2;
        Assert.InRange(attempts, 1, KillsOfOneBuild + 1);
        interrupted += attempts - 1;
        string[] life = ["queued", "running"];
        Assert.Equal([.. Enumerable.Repeat(life, attempts).SelectMany(s => s), "succeeded"], states);

        using var client = server.Client(secret);
        var module = await client.GetByteArrayAsync(ApiRoutes.Artifact(build), Cancellation);
        var statement = Get(
            ManifestCheck.Run(
                await client.GetByteArrayAsync(ApiRoutes.Manifest(build), Cancellation),
                module,
                new()
                {
                    Key = key!,
                    BuildId = record.Facts.BuildId,
                    Patches = [new("fix.patch", Convert.ToHexStringLower(SHA256.HashData(Patch(name))))],
                    Now = DateTimeOffset.UtcNow,
                }
            )
        );
        Assert.Equal(build, statement.Predicate.RunDetails.Metadata.InvocationId);
        Assert.Equal(name == "tested", statement.Predicate.BuildDefinition.InternalParameters.Test is { Passed: true });

        // What nobody disturbs comes to the same.
        var path = scratch.PathOf("fix.patch");
        await File.WriteAllBytesAsync(path, Patch(name), Cancellation);
        var built = Get(
            await new LivepatchBuild(cache).RunAsync(new(record, [path], [], name, Replace: true, null), Cancellation)
        );
        Assert.True(module.AsSpan().StartsWith(built.Module));
        Assert.True(module.AsSpan().EndsWith(ModuleSigner.Magic));
    }

    private async Task<string> SendAsync(ServerProcess server, KernelRecord record, string remark = "")
    {
        using var client = server.Client(secret);
        var keys = await client.GetFromJsonAsync(ApiRoutes.Keys, ProtocolJson.Default.IReadOnlyListKeyView, Cancellation);
        key = Get(PublicKey.Read(keys!.Single().PublicKey));
        using var content = new ByteArrayContent(await StockCapture.OfAsync(record, remark));
        return (await Answered.ValueAsync<KernelView>(await client.PostAsync(ApiRoutes.Kernels, content, Cancellation))).Id;
    }

    private async Task<string> SubmitAsync(ServerProcess server, string kernel, string name, string? script)
    {
        using var client = server.Client(secret);
        var submission = new BuildSubmission
        {
            Kernel = kernel,
            Patches = [new("fix.patch", Patch(name))],
            Name = name,
            Script = script,
        };
        var answer = await client.PostAsJsonAsync(
            ApiRoutes.Builds,
            submission,
            ProtocolJson.Default.BuildSubmission,
            Cancellation
        );
        return (await Answered.ValueAsync<BuildView>(answer, System.Net.HttpStatusCode.Accepted)).Id;
    }

    // A text of its own makes every build compile.
    private static byte[] Patch(string name) =>
        Encoding.UTF8.GetBytes(
            File.ReadAllText(Path.Combine(Repository.Root, "examples/meminfo-caps.patch"))
                .Replace("VMALLOCCHUNK", $"X{name.ToUpperInvariant(), -11}", StringComparison.Ordinal)
        );

    // Events are written many at once: of those that come together the first stands for all.
    private static List<string> StagesOf(IEnumerable<BuildEvent> events)
    {
        var stages = new List<string>();
        var last = DateTimeOffset.MinValue;
        foreach (var first in events.Where(e => e.Kind == BuildEventKind.Stage).DistinctBy(e => e.Stage))
        {
            if (first.Time - last > Together)
            {
                stages.Add(first.Stage);
            }

            last = first.Time;
        }

        return stages;
    }

    // The events from the first until one is wanted, or all.
    private async Task<List<BuildEvent>> EventsAsync(ServerProcess server, string build, Func<BuildEvent, bool> isWanted)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        limit.CancelAfter(TimeSpan.FromMinutes(3));
        using var client = server.Client(secret);
        var events = new List<BuildEvent>();
        await foreach (var happened in FollowAsync(client, build, limit.Token))
        {
            events.Add(happened);
            if (isWanted(happened))
            {
                break;
            }
        }

        return events;
    }

    private static async IAsyncEnumerable<BuildEvent> FollowAsync(
        HttpClient client,
        string build,
        [EnumeratorCancellation] CancellationToken cancellation
    )
    {
        using var reader = new StreamReader(await client.GetStreamAsync(ApiRoutes.Events(build), cancellation));
        while (await reader.ReadLineAsync(cancellation) is { } line)
        {
            if (line.StartsWith("data:", StringComparison.Ordinal))
            {
                yield return JsonSerializer.Deserialize(line[5..], ProtocolJson.Default.BuildEvent)!;
            }
        }
    }

    // Folders whose lock nobody holds.
    private static List<string> Abandoned(CacheRoot cache) =>
        [
            .. Directory
                .EnumerateDirectories(Path.Combine(cache.FullPath, "tmp"))
                .Where(folder =>
                {
                    using var held = FileLock.TryTake(folder + ".lock");
                    return held is not null;
                }),
        ];
}
