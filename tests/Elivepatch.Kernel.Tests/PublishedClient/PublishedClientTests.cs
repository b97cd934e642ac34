using System.Diagnostics;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.RegularExpressions;
using Elivepatch.Kernel.Build;
using Elivepatch.Kernel.Records;
using Elivepatch.Kernel.VirtualMachines;
using Elivepatch.Protocol.Manifests;
using Xunit;
using static Elivepatch.Kernel.Tests.StockKernel;

namespace Elivepatch.Kernel.Tests.PublishedClient;

/// <summary>
/// The published file in a guest that has nothing but a kernel, busybox and the C library: it verifies and loads a livepatch that
/// it keeps, shows it, disables and unloads it.
/// </summary>
public sealed class PublishedClientTests(StockKernel stock)
{
    private const string Script = """
        set -e
        mv lib/* /lib/ 2>/dev/null || { mkdir -p /lib; mv lib/* /lib/; }
        mkdir -p /lib64
        ln -s /lib/ld-linux-x86-64.so.2 /lib64/ld-linux-x86-64.so.2
        export ELIVEPATCH_STATE=/job/state
        chmod 700 state elivepatch
        echo "== before"
        ./elivepatch status
        grep -i '^VmallocChunk' /proc/meminfo
        # It stays for minutes to see that the machine stays up; the livepatch is live long before.
        ./elivepatch load-persisted >loaded 2>&1 &
        waits=0
        until grep -q "^$LIVEPATCH: live\$" loaded; do
            waits=$((waits + 1))
            [ $waits -lt 240 ] || { cat loaded; exit 1; }
            kill -0 $! || { cat loaded; exit 1; }
            sleep 1
        done
        cat loaded
        cat state/boot.json
        echo
        echo "== live"
        ./elivepatch status
        grep -i '^VmallocChunk' /proc/meminfo
        ./elivepatch unload $LIVEPATCH && exit 1
        ./elivepatch disable $LIVEPATCH
        grep -i '^VmallocChunk' /proc/meminfo
        ./elivepatch unload $LIVEPATCH
        echo "== after"
        ./elivepatch status
        """;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact(Skip = FullRun.Reason, SkipType = typeof(FullRun), SkipUnless = nameof(FullRun.IsAsked))]
    public async Task It_loads_shows_disables_and_unloads_a_livepatch_where_there_is_no_dotnet()
    {
        var record = await stock.RecordAsync();
        var patch = Path.Combine(Repository.Root, "examples", "meminfo-caps.patch");
        var built = Get(
            await new LivepatchBuild(stock.Cache).RunAsync(new(record, [patch], [], null, Replace: true, null), Cancellation)
        );
        var client = await PublishAsync();
        var job = new GuestJob
        {
            Architecture = record.Facts.Architecture,
            Kernel = record.BootImagePath!,
            Script = $"LIVEPATCH={built.Name}\n{Script}",
            Files =
            [
                new("elivepatch", await File.ReadAllBytesAsync(client, Cancellation), Executable: true),
                .. Get(await GuestLibraries.OfAsync(client, Cancellation)),
                .. State(record, built, await File.ReadAllBytesAsync(patch, Cancellation)),
            ],
            Memory = 1024,
            Timeout = TimeSpan.FromMinutes(15),
            SilenceLimit = TimeSpan.FromMinutes(10),
        };

        var result = Get(await VirtualMachine.RunAsync(job, Cancellation));

        Assert.True(result.ExitStatus == 0, result.Output + result.Failure);
        var expected = $"""
            (?s)== before
            kernel {record.Facts.Release.Replace("+", "\\+", StringComparison.Ordinal)}, build-id {record.Facts.BuildId}
            no livepatch is loaded
            not live since the machine restarted: meminfo-caps.patch; [^\n]*
            loading at boot is on
            VmallocChunk: .*
            {built.Name}: live
            .*"attempts": 1,.*
            == live
            .*
            {built.Name}: live, by https://patches.example.org, loaded again at boot
              patch meminfo-caps.patch \([0-9a-f]+\)
              function vmlinux/meminfo_proc_show
            .*
            VMALLOCCHUNK: .*
            ELP1206 [^\n]*
            .*
            {built.Name}: disabled; .*
            VmallocChunk: .*
            {built.Name}: unloaded
            == after
            [^\n]*
            no livepatch is loaded
            """.ReplaceLineEndings("\n");
        Assert.True(Regex.IsMatch(result.Output, expected), result.Output);
    }

    /// <summary>Publishes the command; the path of its file.</summary>
    internal static async Task<string> PublishAsync()
    {
        await OutputAsync(Path.Combine(Repository.Root, "scripts", "publish-client"));
        return Path.Combine(Repository.Root, "artifacts", "publish", "elivepatch");
    }

    /// <summary>
    /// The state folder of a machine on which the livepatch was live when it went down, as docs/machine.md describes it.
    /// </summary>
    internal static IReadOnlyList<GuestFile> State(KernelRecord record, BuildResult built, byte[] patch)
    {
        using var key = SigningKey.Create();
        var module = Digest(built.Module);
        PatchReference reference = new("meminfo-caps.patch", Digest(patch));
        var statement = new Statement
        {
            Type = Statement.StatementType,
            PredicateType = Statement.ProvenanceType,
            Subject = [new(built.Name + ".ko", new(module))],
            Predicate = new(
                new()
                {
                    BuildType = BuildDefinition.LivepatchType,
                    ExternalParameters = new(
                        record.Facts.Release,
                        record.Facts.BuildId,
                        [reference],
                        [],
                        built.Name,
                        Replace: true
                    ),
                    InternalParameters = new("0.1.0", record.Facts.Compiler, built.Explanation.Units, null),
                },
                new(
                    new("urn:elivepatch:server:" + key.Public.Id, new Dictionary<string, string>()),
                    new("build", DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch)
                ),
                new(DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch.AddDays(30))
            ),
        };
        var manifest = key.Sign(
            Statement.PayloadType,
            JsonSerializer.SerializeToUtf8Bytes(statement, ManifestJson.Default.Statement)
        );
        var kernel = $"state/kernels/{record.Facts.BuildId}";
        return
        [
            GuestFile.Text("state/boot.json", """{"format":1,"isOn":true,"attempts":0}"""),
            GuestFile.Text(
                $"{kernel}/ledger.json",
                $$"""
                {
                  "format": 1, "release": "{{record.Facts.Release}}", "buildId": "{{record.Facts.BuildId}}", "wanted": "{{module}}",
                  "livepatches": [{
                    "module": "{{built.Name}}", "sha256": "{{module}}", "patches": [{"name": "{{reference.Name}}", "sha256": "{{reference.Sha256}}"}],
                    "server": "https://patches.example.org", "publicKey": {{JsonSerializer.Serialize(
                    key.Public.Pem
                )}}, "accepted": "1970-01-01T00:00:00+00:00"
                  }]
                }
                """
            ),
            new($"{kernel}/content/{module}", built.Module),
            new(
                $"{kernel}/content/{module}.manifest.json",
                JsonSerializer.SerializeToUtf8Bytes(manifest, ManifestJson.Default.Envelope)
            ),
            new($"{kernel}/content/{reference.Sha256}", patch),
        ];
    }

    private static string Digest(byte[] content) => Convert.ToHexStringLower(SHA256.HashData(content));

    /// <summary>What a program prints, which has to succeed.</summary>
    internal static async Task<string> OutputAsync(string program, params string[] words)
    {
        using var process = Process.Start(
            new ProcessStartInfo(program, words) { RedirectStandardOutput = true, RedirectStandardError = true }
        )!;
        var output = process.StandardOutput.ReadToEndAsync(Cancellation);
        var error = process.StandardError.ReadToEndAsync(Cancellation);
        await process.WaitForExitAsync(Cancellation);
        Assert.True(process.ExitCode == 0, await output + await error);
        return await output;
    }
}
