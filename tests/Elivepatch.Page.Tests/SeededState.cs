// A service as it looks after a day of work: kernels, builds in every state, machines. The figures and names are those of real
// runs on Debian's kernels.

using System.Text;
using System.Text.Json;
using Dapper;
using Elivepatch.Builder.Sources;
using Elivepatch.Engine.Escape;
using Elivepatch.Model;
using Elivepatch.Model.Explanations;
using Elivepatch.Model.Statements;
using Elivepatch.Protocol.Api;
using Elivepatch.Protocol.Manifests;
using Elivepatch.Server.Api;
using Elivepatch.Server.Configuration;
using Elivepatch.Server.State;

namespace Elivepatch.Page.Tests;

internal static class SeededState
{
    public const string Cloud = "6.12.117+deb12-cloud-amd64";
    public const string Older = "6.1.0-56-cloud-amd64";
    public const string Own = "6.12.5-gentoo-r1";
    public const string Lacking = "6.6.87-own";

    private const string Compiler = "gcc-12 (Debian 12.2.0-14+deb12u1) 12.2.0";

    private static readonly string[] exports =
    [
        "__fentry__",
        "__stack_chk_fail",
        "__x86_return_thunk",
        "boot_cpu_data",
        "seq_printf",
        "seq_write",
        "si_mem_available",
        "si_meminfo",
        "vm_memory_committed",
        "vm_node_stat",
        "vm_zone_stat",
    ];

    private static readonly string[] own =
    [
        "arch_report_meminfo",
        "hugetlb_report_meminfo",
        "num_poisoned_pages",
        "pcpu_nr_pages",
        "seq_put_decimal_ull_width",
        "si_swapinfo",
        "vm_commit_limit",
        "vmalloc_nr_pages",
    ];

    private static readonly (string Stage, string Detail, double Seconds, string Status)[] stages =
    [
        ("read patches", "", 0.1, "done"),
        ("prepare", "", 0.3, "cached"),
        ("apply patches", "", 0.1, "done"),
        ("find units", "", 0.2, "done"),
        ("compile unpatched", "", 1.1, "done"),
        ("fidelity", "", 0.1, "done"),
        ("compile patched", "", 1.0, "done"),
        ("diff", "", 0.1, "done"),
        ("link", "", 0.7, "done"),
        ("self-check", "", 0.1, "done"),
        ("test", "", 12.9, "done"),
    ];

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public static string Id(int number) =>
        Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(Encoding.UTF8.GetBytes($"build {number}")));

    public static ServerOptions Options(ServerOptions options) =>
        options with
        {
            Sources = [new(SourceOrigin.Tree, "6.1*", "/usr"), new(SourceOrigin.Tree, "6.12*", "/usr")],
            RequestsPerMinute = 100_000,
        };

    /// <summary>Fills the state; the newest build that succeeded is <see cref="Id"/> 1, the one that runs 0.</summary>
    public static async Task FillAsync(RunningServer server)
    {
        var now = server.Clock.Now;
        server.Clock.Now = now.AddHours(-30);
        await AddKernelsAsync(server);
        (string Release, string[] Patches, string Requester, int Minutes, BuildState End)[] past =
        [
            (Older, ["meminfo-caps.patch"], "ci", 1700, BuildState.Succeeded),
            (Older, ["epoll-nested-wakeup.patch"], "ci", 1640, BuildState.Refused),
            (Cloud, ["tcp-rcv-established-drop.patch"], "web-01", 900, BuildState.Succeeded),
            (Cloud, ["tcp-rcv-established-drop.patch", "nft-verdict-init.patch"], "web-01", 840, BuildState.Succeeded),
            (Own, ["seq-show-two-names.patch"], "lab-gentoo", 500, BuildState.Failed),
            (Own, ["seq-show-two-names.patch"], "lab-gentoo", 470, BuildState.Cancelled),
            (Cloud, ["sched-dequeue-entity-lag.patch"], "db-02", 190, BuildState.Succeeded),
            (Older, ["load-elf-binary-limits.patch"], "ci", 55, BuildState.Succeeded),
            (Cloud, ["init-only-change.patch"], "ci", 31, BuildState.Refused),
            (Own, ["untested.patch"], "lab-gentoo", 28, BuildState.Succeeded),
            (Own, ["failed-test.patch"], "lab-gentoo", 25, BuildState.Succeeded),
            (Older, ["old-version.patch"], "ci", 20, BuildState.Succeeded),
        ];
        var number = 100;
        foreach (var (release, patches, requester, minutes, end) in past)
        {
            server.Clock.Now = now.AddMinutes(-minutes);
            await AddBuildAsync(server, Id(number++), release, patches, requester);
            await EndAsync(server, end, release, patches[0]);
        }

        server.Clock.Now = now.AddMinutes(-12);
        await AddBuildAsync(server, Id(1), Cloud, ["meminfo-caps.patch"], "web-01");
        await EndAsync(server, BuildState.Succeeded, Cloud, "meminfo-caps.patch", isRich: true);

        server.Clock.Now = now.AddSeconds(-9);
        await AddBuildAsync(server, Id(0), Cloud, ["nf-hook-slow-count.patch", "meminfo-caps.patch"], "web-01");
        await server.Get<BuildTable>().TakeAsync("builder", Cancellation);
        await StagesAsync(server, Id(0), 6);
        await TellAsync(
            server,
            Id(0),
            new(0, default, BuildEventKind.Stage, "compile patched", "net/netfilter/core.c", "running", 1, 3)
        );
        server.Clock.Now = now.AddSeconds(-3);
        await AddBuildAsync(server, Id(2), Older, ["do-epoll-wait-timeout.patch"], "ci");
        await AddMachinesAsync(server, now);
        await AddWorkerAsync(server, "build-a", [Id(0)], now.AddSeconds(-2));
        await AddWorkerAsync(server, "build-b", [], now.AddSeconds(-4));
        await AddWorkerAsync(server, "build-c", [], now.AddHours(-3));
        server.Clock.Now = now;
    }

    public static async Task AddBuildAsync(
        RunningServer server,
        string id,
        string release,
        IReadOnlyList<string> patches,
        string requester
    ) =>
        await server
            .Get<BuildTable>()
            .SubmitAsync(
                new()
                {
                    Id = id,
                    Kernel = KernelId(release),
                    Release = release,
                    Submission = new('b', 64),
                    Patches = [.. patches.Select(p => new PatchReference(p, Digest(p)))],
                    Token = "0011223344556677",
                    Requester = requester,
                    Submitted = server.Clock.Now,
                },
                Cancellation
            );

    public static Task TellAsync(RunningServer server, string id, BuildEvent happened) =>
        server.Get<BuildEventTable>().AddAsync(id, happened, Cancellation);

    public static string KernelId(string release) => Digest("kernel " + release);

    /// <summary>Ends the build that waits longest.</summary>
    public static async Task EndAsync(RunningServer server, BuildState state, string release, string patch, bool isRich = false)
    {
        var builds = server.Get<BuildTable>();
        server.Clock.Now = server.Clock.Now.AddSeconds(2);
        var build = (await builds.TakeAsync("builder", Cancellation))!;
        await StagesAsync(server, build.Id, state == BuildState.Succeeded ? stages.Length : 4);
        await FinishAsync(server, build, state, release, patch, isRich);
    }

    /// <summary>Ends a build that runs.</summary>
    public static async Task FinishAsync(
        RunningServer server,
        StoredBuild build,
        BuildState state,
        string release,
        string patch,
        bool isRich = false
    )
    {
        var builds = server.Get<BuildTable>();
        if (state == BuildState.Cancelled)
        {
            await builds.FinishAsync(new(build.Id, "builder", build.Attempts), new() { State = state }, Cancellation);
            return;
        }

        await builds.FinishAsync(
            new(build.Id, "builder", build.Attempts),
            state switch
            {
                BuildState.Refused => new()
                {
                    State = state,
                    Problems =
                    [
                        new(
                            "ELP0302",
                            "a change cannot be made live",
                            "fs/eventpoll.c: eventpoll_init is gone once the kernel has booted\nfs/eventpoll.c: epi_cache is its own",
                            "Leave init code out of the patch, or restart into a kernel that has it."
                        )
                        {
                            LiftedBy = new("leave-out-init", "fs/eventpoll.c", "eventpoll_init"),
                        },
                    ],
                },
                BuildState.Failed => new()
                {
                    State = state,
                    Problems =
                    [
                        new(
                            "ELP1016",
                            "the server's state cannot be used",
                            "No space left on device",
                            "Check that the disk is not full."
                        ),
                    ],
                },
                _ => await SuccessAsync(server, build, release, patch, isRich),
            },
            Cancellation
        );
    }

    private static ExplainedEscape Escape(string unit, string function, string address, AddressKind kind, EscapeWay way)
    {
        var escape = new AddressEscape(function, address, kind, way, null, "");
        return new(unit, function, address, kind, way, null, escape.Event);
    }

    private static async Task<BuildEnd> SuccessAsync(
        RunningServer server,
        StoredBuild build,
        string release,
        string patch,
        bool isRich
    )
    {
        var blobs = server.Get<BlobStore>();
        var module = "livepatch_" + patch.Replace(".patch", "", StringComparison.Ordinal).Replace('-', '_');
        AuthorStatement[] statements = isRich
            ?
            [
                new(
                    StatementKind.LeaveOutInitialiser,
                    "fs/proc/meminfo.c",
                    "meminfo_width",
                    "the width is set by a <callback> & nobody else reads it"
                ),
            ]
            : [];
        ExplainedEscape[] escapes = isRich
            ? [Escape("fs/proc/meminfo.c", "meminfo_proc_show", "\"<b>kept\"", AddressKind.Literal, EscapeWay.Stored)]
            : [];
        var artifact = new byte[33736];
        Encoding.UTF8.GetBytes(module).CopyTo(artifact, 0);
        var explanation = new Explanation(
            module,
            release,
            Digest("build-id " + release)[..40],
            true,
            [new("fs/proc/meminfo.c", "bytes", 3) { Object = "vmlinux" }],
            [
                new(
                    "fs/proc/meminfo.c",
                    "meminfo_proc_show",
                    FunctionReason.Edited,
                    [],
                    "meminfo_proc_show",
                    0,
                    "+0x853: the content of .rodata.meminfo_proc_show.str1.1+0x268 differs"
                ),
                new(
                    "fs/proc/meminfo.c",
                    "show_val_kb",
                    FunctionReason.CompiledDifferently,
                    [],
                    "show_val_kb",
                    1,
                    "+0x1f: mov differs"
                ),
                new(
                    "fs/proc/meminfo.c",
                    "meminfo_proc_show.cold",
                    FunctionReason.ColdPart,
                    ["meminfo_proc_show"],
                    null,
                    null,
                    null
                ),
            ],
            [],
            [
                .. exports.Select((name, i) => new ExplainedReference(name, true, 0x5c3a_0000u + ((uint)i * 7919), null)),
                .. own.Select(
                    (name, i) =>
                        new ExplainedReference(name, false, null, i == 2 ? 2 : 0) { Object = i == 1 ? "loop" : "vmlinux" }
                ),
            ]
        )
        {
            Statements = statements,
            KeptInMemory = escapes,
            Objects = [new("vmlinux", null, 3, false), new("<i>loop", "5e1f", 1, isRich)],
        };
        var digest = (await blobs.PutAsync(artifact, Cancellation)).Value;
        var statement = new Statement
        {
            Type = Statement.StatementType,
            Subject = [new($"{module}.ko", new(digest))],
            PredicateType = Statement.ProvenanceType,
            Predicate = new(
                new()
                {
                    BuildType = BuildDefinition.LivepatchType,
                    ExternalParameters = new(release, explanation.BuildId, build.Patches, [], module, true)
                    {
                        Statements = statements,
                    },
                    InternalParameters = new(
                        "0.1.0",
                        Compiler,
                        explanation.Units,
                        new(
                            true,
                            ["before", "load", "transition", "during", "disable", "after", "unload"],
                            0.0,
                            new(Digest("script"))
                        )
                        {
                            Untested = isRich ? ["<i>loop: it wants <hardware>"] : [],
                        }
                    ),
                    ResolvedDependencies =
                    [
                        new("kernel", new(build.Kernel)),
                        new("source", new(Digest("source"))),
                        new("config", new(Digest("config"))),
                        new("symbols", new(Digest("symbols"))),
                        new("boot-image", new(Digest("image"))),
                    ],
                },
                new(
                    new("", new Dictionary<string, string> { ["elivepatchd"] = "0.1.0" }),
                    new(build.Id, build.Started!.Value, server.Clock.Now)
                ),
                new(server.Clock.Now, DateTimeOffset.UnixEpoch)
            ),
        };
        const string console = """
            == before (0.1 s)
            VmallocChunk:          0 kB
            == load livepatch_meminfo_caps (3.1 s)
            == transition livepatch_meminfo_caps (0.0 s)
            == during livepatch_meminfo_caps (0.1 s)
            VMALLOCCHUNK:          0 kB
            == load elivepatch_neutral (0.7 s)
            == transition elivepatch_neutral (0.0 s)
            == replace livepatch_meminfo_caps (0.0 s)
            == unload livepatch_meminfo_caps (0.1 s)
            == console
            [    0.000000] Linux version 6.12.117+deb12-cloud-amd64 (debian-kernel@lists.debian.org) (gcc-12)
            [    4.312440] livepatch: enabling patch 'livepatch_meminfo_caps'
            [    4.313992] livepatch: 'livepatch_meminfo_caps': starting patching transition
            [    6.870131] livepatch: 'livepatch_meminfo_caps': patching complete
            """;
        return new()
        {
            State = BuildState.Succeeded,
            Module = module,
            Artifact = digest,
            ArtifactSize = artifact.Length,
            Explanation = isRich
                ? await PutAsync(JsonSerializer.SerializeToUtf8Bytes(explanation, ProtocolJson.Default.Explanation))
                : null,
            Statement = isRich
                ? await PutAsync(JsonSerializer.SerializeToUtf8Bytes(statement, ManifestJson.Default.Statement))
                : null,
            Console = isRich ? await PutAsync(Encoding.UTF8.GetBytes(console)) : null,
            // Without a boot image nothing is tested, and layouts alone are compared.
            Tested = patch switch
            {
                "untested.patch" => null,
                "failed-test.patch" => false,
                _ => true,
            },
            Proof =
                release == Own ? Proofs.Layout
                : patch == "old-version.patch" ? null
                : Proofs.Bytes,
        };

        async Task<string> PutAsync(byte[] content) => (await blobs.PutAsync(content, Cancellation)).Value;
    }

    private static async Task StagesAsync(RunningServer server, string id, int count)
    {
        foreach (var (stage, detail, seconds, status) in stages.Take(count))
        {
            await TellAsync(server, id, new(0, default, BuildEventKind.Stage, stage, detail, "running"));
            if (stage.StartsWith("compile", StringComparison.Ordinal))
            {
                await TellAsync(server, id, new(0, default, BuildEventKind.Log, "", "  CC      fs/proc/meminfo.o"));
            }

            server.Clock.Now = server.Clock.Now.AddSeconds(seconds);
            await TellAsync(server, id, new(0, default, BuildEventKind.Stage, stage, detail, status));
        }
    }

    public static async Task AddKernelsAsync(RunningServer server)
    {
        var kernels = server.Get<KernelTable>();
        var blob = (await server.Get<BlobStore>().PutAsync("capture"u8.ToArray(), Cancellation)).Value;
        foreach (
            var (release, hasImage, by) in ((string, bool, string)[])
                [(Lacking, true, "lab-own"), (Older, true, "ci"), (Own, false, "lab-gentoo"), (Cloud, true, "web-01")]
        )
        {
            server.Clock.Now = server.Clock.Now.AddHours(1);
            await kernels.AddAsync(
                new(
                    KernelId(release),
                    release,
                    Digest("build-id " + release)[..40],
                    "x86_64",
                    Compiler,
                    blob,
                    null,
                    null,
                    server.Clock.Now,
                    by
                ),
                Cancellation
            );
            if (hasImage)
            {
                await kernels.SetPartAsync(
                    new(KernelId(release), KernelTable.Operator, KernelParts.BootImage, blob, 7, server.Clock.Now),
                    long.MaxValue,
                    Cancellation
                );
            }
        }
    }

    private static async Task AddMachinesAsync(RunningServer server, DateTimeOffset now)
    {
        await AddMachineAsync(
            server,
            "web-01",
            Cloud,
            now.AddSeconds(-40),
            "on",
            [Live("livepatch_meminfo_caps", ["meminfo-caps.patch"], "vmlinux/meminfo_proc_show")]
        );
        await AddMachineAsync(
            server,
            "web-02",
            Cloud,
            now.AddSeconds(-75),
            "on",
            [Live("livepatch_meminfo_caps", ["meminfo-caps.patch"], "vmlinux/meminfo_proc_show")]
        );
        await AddMachineAsync(
            server,
            "db-02",
            Cloud,
            now.AddSeconds(-12),
            "off",
            [
                Live(
                    "livepatch_sched_dequeue_entity_lag",
                    ["sched-dequeue-entity-lag.patch"],
                    "vmlinux/dequeue_entity",
                    "vmlinux/update_entity_lag"
                ) with
                {
                    State = LivepatchStates.GoingLive,
                    BlockingCount = 3,
                    Blocking = ["postgres (4121)", "kworker/2:1H (188)", "postgres (4177)"],
                },
            ]
        );
        await AddMachineAsync(server, "ci-runner-7", Older, now.AddMinutes(-3), "off", []);
        await AddMachineAsync(
            server,
            "lab-gentoo",
            Own,
            now.AddHours(-26),
            "suspended",
            [Live("vendor_fix", [], "vmlinux/do_epoll_wait") with { IsOurs = false }]
        );
    }

    public static async Task AddMachineAsync(
        RunningServer server,
        string name,
        string release,
        DateTimeOffset seen,
        string boot,
        IReadOnlyList<ReportedLivepatch> livepatches
    )
    {
        var report = new MachineReport
        {
            Name = name,
            Release = release,
            BuildId = Digest("build-id " + release)[..40],
            Version = "0.1.0",
            Boot = boot,
            Livepatches = livepatches,
        };
        Assert.Null(MachineReportRules.Check(report));
        await server
            .Get<MachineTable>()
            .ReportAsync(new(MachineEndpoints.IdOf("t", name), "t", name, report, seen, seen), 100, Cancellation);
    }

    private static Task AddWorkerAsync(RunningServer server, string name, string[] running, DateTimeOffset seen) =>
        server
            .Get<Database>()
            .ChangeAsync(
                t =>
                    t.Connection!.ExecuteAsync(
                        """
                        INSERT INTO workers (id, name, version, capabilities, kernels, builders, running, started, last_seen)
                        VALUES (@name, @name, '0.1.0', '["x86_64.gcc-12","x86_64.gcc-11"]', '["a","b"]', 4, @running, @seen, @seen)
                        """,
                        new
                        {
                            name,
                            running = JsonSerializer.Serialize(running),
                            seen = seen.ToUnixTimeMilliseconds(),
                        },
                        t
                    ),
                Cancellation
            );

    private static ReportedLivepatch Live(string name, string[] patches, params string[] functions) =>
        new()
        {
            Name = name,
            State = LivepatchStates.Live,
            IsOurs = true,
            Functions = functions,
            FunctionCount = functions.Length,
            Patches = [.. patches.Select(p => new PatchReference(p, Digest(p)))],
        };

    private static string Digest(string text) =>
        Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(Encoding.UTF8.GetBytes(text)));
}
