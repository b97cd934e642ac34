// What a server of older rules left behind: builds that have succeeded, with a real module, a statement that names what it was
// made of, and the record of the kernel. None of it has been checked by rules that have a number.

using System.Globalization;
using System.Text;
using System.Text.Json;
using Dapper;
using Elivepatch.Engine.Tests.SelfCheck;
using Elivepatch.Kernel.Records;
using Elivepatch.Kernel.Storage;
using Elivepatch.Model;
using Elivepatch.Protocol.Api;
using Elivepatch.Protocol.Captures;
using Elivepatch.Protocol.Manifests;
using Elivepatch.Server.Checks;
using Elivepatch.Server.State;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Elivepatch.Server.Tests.Checks;

/// <summary>Publishes modules as a server did that knew no rule of today.</summary>
internal sealed class OldState(IServiceProvider services)
{
    public const string BuildId = "4b1b4b1b4b1b4b1b4b1b4b1b4b1b4b1b4b1b4b1b";
    public const string Release = "6.12.117-fake";
    public const string Module = "fake";
    private const string Kernel = "2222222222222222222222222222222222222222222222222222222222222222";
    private const string Config = "CONFIG_LIVEPATCH=y\n";

    private static readonly string source = new('5', 64);
    private static readonly string capture = FakeModule.SymbolsText[
        ..FakeModule.SymbolsText.IndexOf("ffffffffc", StringComparison.Ordinal)
    ];

    // A module of the real compiler that keeps every rule, and one that wants to replace a function which the kernel does not
    // have.
    private static readonly Lazy<byte[]> broken = new(() =>
        FakeModule.Link(
            FakeModule.Source.Replace("{ \"show\", new_show, 0 }", "{ \"gone\", new_show, 0 }", StringComparison.Ordinal)
        )
    );

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private T Get<T>()
        where T : notnull => services.GetRequiredService<T>();

    /// <summary>What a module of a build is: the number makes it another file, as an appended signature does.</summary>
    public static byte[] ModuleOf(bool isGood, int number = 0) =>
        [.. isGood ? FakeModule.Bytes : broken.Value, .. Encoding.ASCII.GetBytes(number.ToString(CultureInfo.InvariantCulture))];

    /// <summary>The patches of all these builds.</summary>
    public static IReadOnlyList<PatchReference> Patches { get; } = [new("fix.patch", new('c', 64))];

    public static string Digest(byte[] content) => ContentDigest.Of(content).Hex;

    /// <summary>Puts the kernel's record into the cache, as the build's import did.</summary>
    public void AddRecord()
    {
        var cache = Get<CacheRoot>();
        using var workspace = cache.NewWorkspace();
        File.WriteAllText(Path.Combine(workspace.FullPath, "config"), Config);
        File.WriteAllText(Path.Combine(workspace.FullPath, "kallsyms"), FakeModule.SymbolsText);
        File.WriteAllText(Path.Combine(workspace.FullPath, "Module.symvers"), FakeModule.ExportsText);
        Directory.CreateDirectory(Path.Combine(workspace.FullPath, "modules"));
        File.WriteAllBytes(Path.Combine(workspace.FullPath, "modules", "net_core.ko"), FakeModule.PatchedModule);
        new KernelStore(cache).Add(
            workspace,
            new()
            {
                Name = "fake",
                Release = Release,
                BuildId = BuildId,
                Compiler = "gcc",
                SourceDigest = source,
                Origin = new("capture", [], DateTimeOffset.UnixEpoch),
                Layouts = FakeModule.Layouts,
            }
        );
    }

    /// <summary>A build that published a module.</summary>
    public async Task<StoredBuild> PublishAsync(string id, byte[] module, string? artifact = null)
    {
        await AddKernelAsync();
        var builds = Get<BuildTable>();
        await builds.SubmitAsync(
            new()
            {
                Id = id,
                Kernel = Kernel,
                Release = Release,
                Submission = new('b', 64),
                Patches = Patches,
                Token = "somebody",
                Requester = "a machine",
                Submitted = Get<TimeProvider>().GetUtcNow(),
            },
            Cancellation
        );
        var taken = (await builds.TakeAsync("worker", Cancellation))!;
        Assert.Equal(id, taken.Id);
        await FinishAsync(taken, module, artifact);
        await ForgetChecksAsync();
        return (await builds.FindAsync(id, Cancellation))!;
    }

    /// <summary>Ends a running build with a module, which counts as checked by the rules of today.</summary>
    public async Task FinishAsync(StoredBuild build, byte[] module, string? artifact = null)
    {
        var statement = JsonSerializer.SerializeToUtf8Bytes(Say(Digest(module)), ManifestJson.Default.Statement);
        Assert.True(
            await Get<BuildTable>()
                .FinishAsync(
                    build.Lease,
                    new()
                    {
                        State = BuildState.Succeeded,
                        Module = Module,
                        Artifact = artifact ?? (await Get<BlobStore>().PutAsync(module, Cancellation)).Value,
                        ArtifactSize = module.Length,
                        Statement = (await Get<BlobStore>().PutAsync(statement, Cancellation)).Value,
                    },
                    Cancellation
                )
        );
    }

    /// <summary>What was built before the rules had numbers.</summary>
    public Task ForgetChecksAsync() =>
        Get<Database>()
            .ChangeAsync(t => t.Connection!.ExecuteAsync("UPDATE builds SET checked = 0", transaction: t), Cancellation);

    /// <summary>The service that checks in the background.</summary>
    public ArtifactAuditService Service => services.GetServices<IHostedService>().OfType<ArtifactAuditService>().Single();

    /// <summary>How the states of a build followed each other.</summary>
    public async Task<IReadOnlyList<string>> StatesAsync(string build) =>
        [
            .. (await Get<BuildEventTable>().ReadAsync(build, 0, 100, Cancellation))
                .Where(e => e.Kind == BuildEventKind.State)
                .Select(e => e.Detail),
        ];

    private async Task AddKernelAsync()
    {
        using var file = new MemoryStream();
        new CaptureFile(
            new()
            {
                Release = Release,
                BuildId = BuildId,
                Compiler = "gcc",
                Machine = "x86_64",
                KernelVersionText = "",
            },
            Encoding.ASCII.GetBytes(Config),
            Encoding.ASCII.GetBytes(capture),
            Encoding.ASCII.GetBytes(FakeModule.ExportsText),
            null
        ).Write(file);
        await Get<KernelTable>()
            .AddAsync(
                new(
                    Kernel,
                    Release,
                    BuildId,
                    "x86_64",
                    "gcc",
                    (await Get<BlobStore>().PutAsync(file.ToArray(), Cancellation)).Value,
                    null,
                    null,
                    Get<TimeProvider>().GetUtcNow(),
                    "a machine"
                ),
                Cancellation
            );
    }

    private static Statement Say(string module) =>
        new()
        {
            Type = Statement.StatementType,
            PredicateType = Statement.ProvenanceType,
            Subject = [new($"{Module}.ko", new(module))],
            Predicate = new(
                new()
                {
                    BuildType = BuildDefinition.LivepatchType,
                    ExternalParameters = new(Release, BuildId, Patches, [], Module, true),
                    InternalParameters = new("0.0.9", "gcc", [], null),
                    ResolvedDependencies =
                    [
                        new("kernel", new(Kernel)),
                        new("source", new(source)),
                        new("config", new(Digest(Encoding.ASCII.GetBytes(Config)))),
                        new("symbols", new(Digest(Encoding.ASCII.GetBytes(FakeModule.SymbolsText)))),
                    ],
                },
                new(new("", new Dictionary<string, string>()), new("build", DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch)),
                new(DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch)
            ),
        };
}
