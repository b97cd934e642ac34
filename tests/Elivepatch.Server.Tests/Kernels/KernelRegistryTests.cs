using System.Diagnostics;
using System.Globalization;
using System.Text;
using Elivepatch.Builder.Jobs;
using Elivepatch.Builder.Sources;
using Elivepatch.Kernel;
using Elivepatch.Kernel.Records;
using Elivepatch.Model;
using Elivepatch.Protocol;
using Elivepatch.Protocol.Api;
using Elivepatch.Protocol.Captures;
using Elivepatch.Server.Tests.Builds;
using static Elivepatch.Server.Tests.Builds.Workbench;

namespace Elivepatch.Server.Tests.Kernels;

public sealed class KernelRegistryTests
{
    private const string Suitable = """
        CONFIG_X86_64=y
        CONFIG_MODULES=y
        CONFIG_LIVEPATCH=y
        CONFIG_KALLSYMS_ALL=y
        CONFIG_HAVE_RELIABLE_STACKTRACE=y
        CONFIG_DYNAMIC_FTRACE_WITH_ARGS=y

        """;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_kernel_is_known_by_what_it_is_and_not_by_who_tells()
    {
        using var bench = await OpenAsync(sources: []);
        var first = Get(await RegisterAsync(bench, await CaptureAsync(bench)));
        Assert.Equal((KernelState.Incomplete, "layout", false), (first.State, first.Proof, first.CanBeTested));
        Assert.Equal(
            [(KernelParts.Source, true), (KernelParts.BootImage, false)],
            first.Missing.Select(m => (m.Name, m.IsRequired))
        );
        // Again, after a boot that put it elsewhere, with a module loaded.
        var again = Get(await RegisterAsync(bench, await CaptureAsync(bench, at: 0xffffffff9c000000, module: true)));
        Assert.Equal(first.Id, again.Id);
        // With one symbol elsewhere it is another kernel, though it claims the same build-id.
        var forged = Get(await RegisterAsync(bench, await CaptureAsync(bench, offset: 0x48)));
        Assert.NotEqual(first.Id, forged.Id);
        Assert.Equal(2, (await bench.Registry.ListAsync("token", Cancellation)).Count);
    }

    [Fact]
    public async Task What_is_kept_of_a_capture_is_what_its_name_covers()
    {
        using var bench = await OpenAsync(sources: []);
        var kernel = Get(await RegisterAsync(bench, await CaptureAsync(bench, at: 0xffffffff9c000000, module: true)));
        var stored = await bench.Kernels.FindAsync(kernel.Id, "token", Cancellation);
        using var file = File.OpenRead(await bench.Blobs.PathAsync(stored!.Capture, Cancellation));
        var capture = Get(CaptureFile.Read(file));
        Assert.DoesNotContain("[loop]", Encoding.ASCII.GetString(capture.Kallsyms.Span), StringComparison.Ordinal);
        Assert.Contains("ffffffff81000000 T _text\n", Encoding.ASCII.GetString(capture.Kallsyms.Span), StringComparison.Ordinal);
        Assert.Equal(kernel.Id, Get(CaptureIdentity.Of(capture)).Id);
    }

    [Fact]
    public async Task What_cannot_be_live_patched_is_said_at_once()
    {
        using var bench = await OpenAsync(sources: []);
        await RefusedAsync(bench, CaptureProblems.CaptureUnreadable, "no capture"u8.ToArray());
        await RefusedAsync(bench, CompileProblems.ConfigurationLacks, await CaptureAsync(bench, config: "CONFIG_X86_64=y\n"));
        await RefusedAsync(
            bench,
            CompileProblems.CompilerMissing,
            await CaptureAsync(bench, compiler: "gcc-99 (Elsewhere 99.1.0-1) 99.1.0")
        );
        await RefusedAsync(
            bench,
            CompileProblems.ConfigurationUnsupported,
            await CaptureAsync(bench, config: Suitable + "CONFIG_LTO_CLANG=y\n")
        );
        Assert.Empty(await bench.Registry.ListAsync("token", Cancellation));
    }

    [Fact]
    public async Task A_part_that_is_none_is_refused()
    {
        using var bench = await OpenAsync(sources: []);
        var kernel = Get(await RegisterAsync(bench, await CaptureAsync(bench)));
        var rubbish = (await bench.Blobs.PutAsync("rubbish"u8.ToArray(), Cancellation)).Value;
        Refused(
            RecordProblems.SourceUnusable,
            await bench.Registry.AddPartAsync(kernel.Id, KernelParts.Source, rubbish, "token", Cancellation)
        );
        Refused(
            RecordProblems.BootImageUnreadable,
            await bench.Registry.AddPartAsync(kernel.Id, KernelParts.BootImage, rubbish, "token", Cancellation)
        );
        Refused(
            ServerProblems.RequestMalformed,
            await bench.Registry.AddPartAsync(kernel.Id, "../x", rubbish, "token", Cancellation)
        );
        Refused(
            RecordProblems.KernelUnknown,
            await bench.Registry.AddPartAsync("no such", KernelParts.Source, rubbish, "token", Cancellation)
        );
    }

    [Fact]
    public async Task The_file_of_a_module_is_taken_if_it_is_of_this_kernel_and_called_so()
    {
        using var bench = await OpenAsync(sources: []);
        var kernel = Get(await RegisterAsync(bench, await CaptureAsync(bench)));
        var own = await ModuleAsync(bench, "loop", "6.1.0-test");
        var part = KernelParts.OfModule("loop");
        Get(await bench.Registry.AddPartAsync(kernel.Id, part, own, "token", Cancellation));
        Assert.Equal([new("loop", own)], await bench.Kernels.ListModulesAsync(kernel.Id, "token", Cancellation));
        Assert.Empty(await bench.Kernels.ListModulesAsync(kernel.Id, "other", Cancellation));

        var rubbish = (await bench.Blobs.PutAsync("rubbish"u8.ToArray(), Cancellation)).Value;
        Refused(
            RecordProblems.ModuleUnreadable,
            await bench.Registry.AddPartAsync(kernel.Id, part, rubbish, "token", Cancellation)
        );
        Refused(
            RecordProblems.ModuleUnreadable,
            await bench.Registry.AddPartAsync(kernel.Id, KernelParts.OfModule("dummy"), own, "token", Cancellation)
        );
        Refused(
            RecordProblems.ModuleContradicts,
            await bench.Registry.AddPartAsync(
                kernel.Id,
                part,
                await ModuleAsync(bench, "loop", "6.1.0-other"),
                "token",
                Cancellation
            )
        );
        Refused(
            ServerProblems.RequestMalformed,
            await bench.Registry.AddPartAsync(kernel.Id, "module:../x", own, "token", Cancellation)
        );
    }

    [Fact]
    public async Task Sources_of_clients_are_not_taken_where_the_operator_says_so()
    {
        using var bench = await OpenAsync(new() { AllowUploadedSource = false }, sources: []);
        var kernel = Get(await RegisterAsync(bench, await CaptureAsync(bench)));
        Assert.False(kernel.Missing.Single(m => m.Name == KernelParts.Source).CanBeSent);
        Refused(
            ServiceProblems.PartForbidden,
            await bench.Registry.AddPartAsync(kernel.Id, KernelParts.Source, await TarAsync(bench, "x"), "token", Cancellation)
        );
    }

    [Fact]
    public async Task Where_tests_are_required_the_boot_image_is()
    {
        using var bench = await OpenAsync(new() { Trial = TrialPolicy.Required }, sources: [new(SourceOrigin.Tree, "*", "/")]);
        var kernel = Get(await RegisterAsync(bench, await CaptureAsync(bench)));
        Assert.Equal((KernelParts.BootImage, true), kernel.Missing.Select(m => (m.Name, m.IsRequired)).Single());
        Assert.Equal(KernelState.Incomplete, kernel.State);
    }

    [Fact]
    public async Task A_kernel_that_is_not_used_can_be_removed()
    {
        using var bench = await OpenAsync(sources: []);
        var kernel = Get(await RegisterAsync(bench, await CaptureAsync(bench)));
        Assert.True(await bench.Registry.RemoveAsync(kernel.Id, Cancellation));
        Assert.False((await bench.Registry.FindAsync(kernel.Id, "token", Cancellation)).Succeeded);
        Assert.False(await bench.Registry.RemoveAsync(kernel.Id, Cancellation));
    }

    private static async Task<Outcome<KernelView>> RegisterAsync(Workbench bench, byte[] capture) =>
        await bench.Registry.RegisterAsync(
            (await bench.Blobs.PutAsync(capture, Cancellation)).Value,
            "token",
            "machine",
            Cancellation
        );

    private static async Task RefusedAsync(Workbench bench, ProblemCode code, byte[] capture) =>
        Refused(code, await RegisterAsync(bench, capture));

    private static void Refused(ProblemCode code, Outcome<KernelView> outcome)
    {
        Assert.False(outcome.Succeeded);
        Assert.Equal(code, outcome.Problems[0].Code);
    }

    /// <summary>Stores an archive that could be a source.</summary>
    internal static async Task<string> TarAsync(Workbench bench, string text) =>
        (await bench.Blobs.PutAsync(await TarAsync(text), Cancellation)).Value;

    internal static async Task<byte[]> TarAsync(string text)
    {
        using var file = new MemoryStream();
        await using (var tar = new System.Formats.Tar.TarWriter(file, leaveOpen: true))
        {
            await tar.WriteEntryAsync(
                new System.Formats.Tar.UstarTarEntry(System.Formats.Tar.TarEntryType.RegularFile, "linux/Makefile")
                {
                    DataStream = new MemoryStream(Encoding.UTF8.GetBytes(text)),
                    // Equal texts are equal archives, whenever they are made.
                    ModificationTime = DateTimeOffset.UnixEpoch,
                },
                Cancellation
            );
        }

        return file.ToArray();
    }

    private static async Task<string> ModuleAsync(Workbench bench, string name, string release)
    {
        using var scratch = new Scratch();
        var source = scratch.Write(
            "module.c",
            $$"""
            static const char information[] __attribute__((used, section(".modinfo"))) =
                "name={{name}}\0vermagic={{release}} SMP mod_unload \0license=GPL";
            int init_module(void) { return 0; }
            """
        );
        var start = new ProcessStartInfo("gcc", ["-c", "-mcmodel=kernel", "-fno-pic", source, "-o", scratch.PathOf("module.ko")]);
        using var gcc = Process.Start(start)!;
        await gcc.WaitForExitAsync(Cancellation);
        return (
            await bench.Blobs.PutAsync(await File.ReadAllBytesAsync(scratch.PathOf("module.ko"), Cancellation), Cancellation)
        ).Value;
    }

    internal static async Task<byte[]> CaptureAsync(
        Workbench bench,
        ulong at = 0xffffffff81000000,
        ulong offset = 0x40,
        bool module = false,
        string config = Suitable,
        string? compiler = null
    )
    {
        compiler ??= await CompilerHereAsync();
        var kallsyms = string.Create(
            CultureInfo.InvariantCulture,
            $"{at:x16} T _text\n{at + offset:x16} t function\n{(module ? "ffffffffc0000000 t init\t[loop]\n" : "")}"
        );
        var capture = new CaptureFile(
            new()
            {
                Release = "6.1.0-test",
                BuildId = new string('a', 40),
                Compiler = compiler,
                Machine = "x86_64",
                KernelVersionText = "",
            },
            Encoding.UTF8.GetBytes($"{config}CONFIG_CC_VERSION_TEXT=\"{compiler}\"\n"),
            Encoding.ASCII.GetBytes(kallsyms),
            null,
            null
        );
        using var file = new MemoryStream();
        capture.Write(file);
        return file.ToArray();
    }
}
