using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Elivepatch.Builder.Jobs;
using Elivepatch.Builder.Sources;
using Elivepatch.Kernel;
using Elivepatch.Kernel.Import;
using Elivepatch.Kernel.Records;
using Elivepatch.Kernel.Storage;
using Elivepatch.Kernel.VirtualMachines;
using Elivepatch.Machine;
using Elivepatch.Protocol.Api;
using Elivepatch.Protocol.Manifests;
using Elivepatch.Server.Checks;
using Elivepatch.Server.Signing;
using Elivepatch.Server.State;
using Elivepatch.Server.Tests.Signing;
using static Elivepatch.Server.Tests.Builds.Workbench;
using static Elivepatch.Server.Tests.Whole.StockCapture;

namespace Elivepatch.Server.Tests.Whole;

/// <summary>
/// The whole way on the stock kernel: a capture of its virtual machine goes in, a livepatch that the machine may believe comes
/// out.
/// </summary>
public sealed class WholeWayTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_captured_stock_kernel_gets_a_tested_signed_livepatch()
    {
        var cache = TestCache();
        var record = Get(await new DebianImport(cache, KernelBoot.ReadFactsAsync).RunAsync(TestKernels.Stock, Cancellation));
        using var bench = await OpenAsync(
            new() { Trial = TrialPolicy.Required },
            sources: [new(SourceOrigin.Debian)],
            cache: cache
        );

        // The machine: with KASLR, as machines run.
        var kernel = Get(
            await bench.Registry.RegisterAsync(
                (await bench.Blobs.PutAsync(await CaptureAsync(record), Cancellation)).Value,
                "token",
                "machine",
                Cancellation
            )
        );
        Assert.Equal((record.Facts.Release, record.Facts.BuildId), (kernel.Release, kernel.BuildId));
        Assert.Equal((KernelState.Ready, "bytes", true), (kernel.State, kernel.Proof, kernel.CanBeTested));
        Assert.Empty(kernel.Missing);

        // Its request.
        var patch = await File.ReadAllBytesAsync(Path.Combine(Repository.Root, "examples/meminfo-caps.patch"), Cancellation);
        var submission = new BuildSubmission
        {
            Kernel = kernel.Id,
            Patches = [new("meminfo-caps.patch", patch)],
            Script = await File.ReadAllTextAsync(Path.Combine(Repository.Root, "examples/meminfo-caps.sh"), Cancellation),
        };
        var build = Get(await bench.Intake.SubmitAsync(submission, "token", "machine", Cancellation));

        // The server, with a key for modules.
        using var pair = ModuleKeyPair.Create(bench.Folder);
        using var modules = Get(ModuleSigner.Open(pair.KeyPath, pair.CertificatePath));
        var job = new BuildJob(
            cache,
            bench.Sources,
            bench.Policy,
            (module, config, _) => Task.FromResult(modules.Sign(module, config)),
            TimeProvider.System
        );
        using var dispatcher = bench.Dispatcher(job.RunAsync);
        await dispatcher.StartAsync(Cancellation);
        var ended = await bench.EndOfAsync(build.Id);
        await dispatcher.StopAsync(Cancellation);
        var log = string.Join(
            '\n',
            (await bench.Events.ReadAsync(build.Id, 0, 1000, Cancellation)).Select(e => $"{e.Stage} {e.Status} {e.Detail}")
        );
        Assert.True(ended.State == BuildState.Succeeded, log);
        Assert.True(ended.End!.Tested);
        Assert.Contains(
            "VMALLOCCHUNK",
            Encoding.UTF8.GetString(await bench.Blobs.ReadAsync(ended.End.Console!, Cancellation)),
            StringComparison.Ordinal
        );

        // The machine again: it believes what the key that it pinned has signed.
        using var keys = Get(KeyRing.Open(Path.Combine(bench.Folder, "keys")));
        var signer = new ManifestSigner(keys, bench.Blobs, TimeSpan.FromDays(30), TimeProvider.System);
        var manifest = JsonSerializer.SerializeToUtf8Bytes(
            Get(await signer.SignAsync(ended, Cancellation)),
            ManifestJson.Default.Envelope
        );
        var artifact = await bench.Blobs.ReadAsync(ended.End.Artifact!, Cancellation);
        Assert.True(artifact.AsSpan().EndsWith(ModuleSigner.Magic));
        var statement = Get(
            ManifestCheck.Run(
                manifest,
                artifact,
                new()
                {
                    Key = keys.Current,
                    BuildId = record.Facts.BuildId,
                    Patches = [new("meminfo-caps.patch", Convert.ToHexStringLower(SHA256.HashData(patch)))],
                    Now = DateTimeOffset.UtcNow,
                }
            )
        );
        var said = statement.Predicate.BuildDefinition.InternalParameters;
        Assert.Equal("bytes", Assert.Single(said.Units).Proof);
        Assert.True(said.Test is { Passed: true, Script: not null });
        Assert.Equal("urn:elivepatch:server:" + keys.Current.Id, statement.Predicate.RunDetails.Builder.Id);

        // A server with later rules: they are applied to this very file, signature included, against the record and the image
        // that the build had.
        var check = new ArtifactCheck(new(cache, bench.Kernels, bench.Blobs), bench.Blobs);
        var verdict = await check.RunAsync(ended, Cancellation);
        Assert.Empty(verdict.Problems);
        Assert.Null(verdict.UnknownReason);

        // One whose cache is empty finds no fault, and does not call that none.
        check = new(new(Get(CacheRoot.Open(Path.Combine(bench.Folder, "empty"))), bench.Kernels, bench.Blobs), bench.Blobs);
        verdict = await check.RunAsync(ended, Cancellation);
        Assert.True(verdict is { Problems: [], UnknownReason: not null }, string.Join('\n', verdict.Problems));

        // Asking again is answered at once.
        Assert.Equal(BuildState.Succeeded, Get(await bench.Intake.SubmitAsync(submission, "other", "other", Cancellation)).State);
    }

    [Fact]
    public async Task A_livepatch_that_fails_its_test_is_not_given_out()
    {
        var cache = TestCache();
        var record = Get(await new DebianImport(cache, KernelBoot.ReadFactsAsync).RunAsync(TestKernels.Stock, Cancellation));
        using var bench = await OpenAsync(sources: [new(SourceOrigin.Debian)], cache: cache);
        var kernel = await bench.AddKernelAsync(compiler: record.Facts.Compiler);
        var order = new BuildOrder(
            new string('b', 64),
            new(
                kernel.Id,
                record.Facts.Release,
                record.Facts.BuildId,
                kernel.Machine,
                kernel.Compiler,
                kernel.Capture,
                kernel.BootImage,
                kernel.Source
            ),
            new()
            {
                Kernel = kernel.Id,
                Patches =
                [
                    new(
                        "meminfo-caps.patch",
                        await File.ReadAllBytesAsync(Path.Combine(Repository.Root, "examples/meminfo-caps.patch"), Cancellation)
                    ),
                ],
                Script = "[ $1 != during ]",
            },
            await bench.Blobs.PathAsync(kernel.Capture, Cancellation),
            null,
            null
        );
        var product = await new BuildJob(cache, bench.Sources, new(), null, TimeProvider.System).RunAsync(
            order,
            new Progress<BuildEvent>(),
            Cancellation
        );
        Assert.Null(product.Artifact);
        Assert.False(product.Tested);
        Assert.Equal(VirtualMachineProblems.TrialScriptFailed, product.Problems[0].Code);
        Assert.NotNull(product.Console);
        // Where the operator only wants to be told, it is given out and says so.
        var optional = new BuildPolicy { Trial = TrialPolicy.Optional };
        product = await new BuildJob(cache, bench.Sources, optional, null, TimeProvider.System).RunAsync(
            order,
            new Progress<BuildEvent>(),
            Cancellation
        );
        Assert.NotNull(product.Artifact);
        Assert.False(product.Tested);
        Assert.False(product.Statement!.Predicate.BuildDefinition.InternalParameters.Test!.Passed);
    }

    [Fact(
        Skip = "it prepares a tree, which takes minutes: ./test --full runs it",
        SkipType = typeof(WholeWayTests),
        SkipUnless = nameof(IsFull)
    )]
    public async Task A_kernel_that_is_known_by_its_capture_alone_is_imported_once_for_two_builds()
    {
        var cache = TestCache();
        var record = Get(await new DebianImport(cache, KernelBoot.ReadFactsAsync).RunAsync(TestKernels.Stock, Cancellation));
        var archive = Get(new Kernel.Trees.SourceArchives(cache).Find(record.SourceKey)).FilePath;
        using var bench = await OpenAsync(sources: [new(SourceOrigin.Tree, "*", archive)], cache: cache);
        // A configuration with a remark of its own makes it a kernel that nobody has imported before.
        var capture = await CaptureAsync(record, remark: $"# {Guid.NewGuid()}\n");
        var kernel = Get(
            await bench.Registry.RegisterAsync(
                (await bench.Blobs.PutAsync(capture, Cancellation)).Value,
                "token",
                "machine",
                Cancellation
            )
        );
        Assert.Equal(("layout", KernelParts.BootImage), (kernel.Proof, Assert.Single(kernel.Missing).Name));
        var image = (
            await bench.Blobs.PutAsync(await File.ReadAllBytesAsync(record.BootImagePath!, Cancellation), Cancellation)
        ).Value;
        Assert.Equal(
            "bytes",
            Get(await bench.Registry.AddPartAsync(kernel.Id, KernelParts.BootImage, image, "token", Cancellation)).Proof
        );

        var patch = await File.ReadAllBytesAsync(Path.Combine(Repository.Root, "examples/meminfo-caps.patch"), Cancellation);
        using var dispatcher = bench.Dispatcher(
            new BuildJob(cache, bench.Sources, bench.Policy, null, TimeProvider.System).RunAsync
        );
        await dispatcher.StartAsync(Cancellation);
        var imports = 0;
        foreach (
            var build in await Task.WhenAll(
                ((string[])["one", "two"]).Select(name =>
                    bench.Intake.SubmitAsync(
                        new()
                        {
                            Kernel = kernel.Id,
                            Patches = [new("meminfo-caps.patch", patch)],
                            Name = name,
                        },
                        "token",
                        "machine",
                        Cancellation
                    )
                )
            )
        )
        {
            StoredBuild? ended = null;
            while (ended?.End is null)
            {
                ended = await bench.Builds.FindAsync(Get(build).Id, Cancellation);
                await Task.Delay(500, Cancellation);
            }

            var events = await bench.Events.ReadAsync(ended.Id, 0, 20_000, Cancellation);
            Assert.True(
                ended.State == BuildState.Succeeded,
                string.Join('\n', events.Select(e => $"{e.Stage} {e.Status} {e.Detail}"))
            );
            Assert.True(ended.End.Tested);
            imports += events.Any(e => e is { Stage: "learn", Status: "done" }) ? 1 : 0;
        }

        await dispatcher.StopAsync(Cancellation);
        Assert.Equal(1, imports);
    }

    [Fact]
    public async Task A_kernel_that_enforces_signatures_loads_what_is_signed_by_a_key_of_its_own_and_nothing_else()
    {
        var cache = TestCache();
        var record = Get(await new DebianImport(cache, KernelBoot.ReadFactsAsync).RunAsync(TestKernels.Stock, Cancellation));
        var built = Get(
            await new Kernel.Build.LivepatchBuild(cache).RunAsync(
                new(record, [Path.Combine(Repository.Root, "examples/meminfo-caps.patch")], [], "signed", Replace: true, null),
                Cancellation
            )
        );
        using var workspace = cache.NewWorkspace();
        // An elliptic key: its certificate is small enough for the place of the builder's own.
        using var pair = ModuleKeyPair.Create(workspace.FullPath, elliptic: true);
        using var stranger = ModuleKeyPair.Create(
            Directory.CreateDirectory(Path.Combine(workspace.FullPath, "stranger")).FullName
        );
        using var own = Get(ModuleSigner.Open(pair.KeyPath, pair.CertificatePath));
        using var other = Get(ModuleSigner.Open(stranger.KeyPath, stranger.CertificatePath));
        var signed = Get(own.Sign(built.Module, record.ReadConfig()));
        var changed = signed.ToArray();
        // A byte of the text that says where it comes from.
        changed[changed.AsSpan().IndexOf("Livepatch for"u8)] ^= 0x20;

        var job = new GuestJob
        {
            Architecture = record.Facts.Architecture,
            Kernel = await EnrolledKernel.WriteAsync(record, pair.Certificate, workspace.FullPath),
            KernelArguments = ["module.sig_enforce=1"],
            Files =
            [
                new("unsigned.ko", built.Module),
                new("changed.ko", changed),
                new("stranger.ko", Get(other.Sign(built.Module, record.ReadConfig()))),
                new("signed.ko", signed),
            ],
            Script = """
                for module in unsigned changed stranger signed; do
                    if insmod $module.ko 2>/dev/null; then echo $module is loaded; else echo $module is refused; fi
                done
                echo taint $(($(cat /proc/sys/kernel/tainted) >> 13 & 1))
                """,
        };
        var result = Get(Get(await VirtualMachine.RunAsync(job, Cancellation)).RequireSuccess());
        Assert.Equal(
            ["unsigned is refused", "changed is refused", "stranger is refused", "signed is loaded", "taint 0"],
            result.Output.Trim().Split('\n')
        );
    }

    public static bool IsFull => Environment.GetEnvironmentVariable("ELIVEPATCH_FULL") == "1";

    private static async Task<byte[]> CaptureAsync(KernelRecord record, string remark = "")
    {
        var job = new GuestJob
        {
            Architecture = record.Facts.Architecture,
            Kernel = record.BootImagePath!,
            Script = GuestCapture.Script,
            RandomizesAddresses = true,
        };
        var result = Get(Get(await VirtualMachine.RunAsync(job, Cancellation)).RequireSuccess());
        var root = Directory.CreateTempSubdirectory("machine-");
        try
        {
            result.WriteFiles(root.FullName);
            // As the package of headers leaves them on a machine.
            var headers = Directory
                .CreateDirectory(Path.Combine(root.FullName, "lib/modules", record.Facts.Release, "build"))
                .FullName;
            await File.WriteAllTextAsync(
                Path.Combine(headers, ".config"),
                await File.ReadAllTextAsync(record.ConfigPath, Cancellation) + remark,
                Cancellation
            );
            File.Copy(record.SymversPath!, Path.Combine(headers, "Module.symvers"));
            var capture = Get(new MachineCapture(root.FullName).Take());
            Assert.DoesNotContain(
                "ffffffff81000000 T _text\n",
                Encoding.ASCII.GetString(capture.Kallsyms.Span),
                StringComparison.Ordinal
            );
            using var file = new MemoryStream();
            capture.Write(file);
            return file.ToArray();
        }
        finally
        {
            root.Delete(recursive: true);
        }
    }
}
