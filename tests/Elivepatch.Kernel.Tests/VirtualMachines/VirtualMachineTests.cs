using System.Text;
using Elivepatch.Kernel.Architectures;
using Elivepatch.Kernel.VirtualMachines;
using Xunit;

namespace Elivepatch.Kernel.Tests.VirtualMachines;

public sealed class VirtualMachineTests(StockKernel stock)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_booted_kernel_tells_its_symbols_and_its_build_id()
    {
        var record = await stock.RecordAsync();

        var facts = StockKernel.Get(
            await KernelBoot.ReadFactsAsync(record.Facts.Architecture, record.BootImagePath!, Cancellation)
        );

        Assert.Equal(record.Facts.Release, facts.Release);
        Assert.Equal(record.Facts.BuildId, facts.BuildId.ToString());
        var symbols = Encoding.UTF8.GetString(facts.Kallsyms.Span);
        Assert.Contains("ffffffff81000000 T _stext\n", symbols, StringComparison.Ordinal);
        Assert.Contains(" t meminfo_proc_show\n", symbols, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_a_machine_tells_of_itself_can_be_taken_out_of_a_guest()
    {
        var job = await JobAsync(GuestCapture.Script);

        var result = StockKernel.Get((await VirtualMachine.RunAsync(job, Cancellation)).Then(r => r.RequireSuccess()));

        var root = Directory.CreateTempSubdirectory("guest-");
        try
        {
            result.WriteFiles(root.FullName);
            Assert.StartsWith(
                "Linux version ",
                await File.ReadAllTextAsync(Path.Combine(root.FullName, "proc/version"), Cancellation),
                StringComparison.Ordinal
            );
            Assert.True(new FileInfo(Path.Combine(root.FullName, "proc/kallsyms")).Length > 1_000_000);
            Assert.True(new FileInfo(Path.Combine(root.FullName, "sys/kernel/notes")).Length > 20);
        }
        finally
        {
            root.Delete(recursive: true);
        }
    }

    [Fact]
    public async Task A_large_file_comes_back_whole_over_either_channel()
    {
        var job = await JobAsync("seq 1 200000 >/out/numbers; echo status; exit 3");
        var expected = Encoding.ASCII.GetBytes(string.Concat(Enumerable.Range(1, 200000).Select(n => $"{n}\n")));

        foreach (
            var arguments in (string[][])
                [
                    [],
                    ["initcall_blacklist=virtio_console_init"],
                ]
        )
        {
            var result = StockKernel.Get(await VirtualMachine.RunAsync(job with { KernelArguments = arguments }, Cancellation));

            Assert.Equal(GuestEnding.Finished, result.Ending);
            Assert.Equal(3, result.ExitStatus);
            Assert.Equal("status\n", result.Output);
            Assert.True(expected.AsSpan().SequenceEqual(result.Files["numbers"].Span));
        }
    }

    // The emulator ends with the guest, and what it has not handed over by then is lost.
    [Fact]
    public async Task A_guest_does_not_end_before_a_host_that_is_slow_to_read_has_everything()
    {
        var job = await JobAsync("seq 1 200000 >/out/numbers") with
        {
            OnEvent = e => Thread.Sleep(e.Name == "end" ? TimeSpan.FromSeconds(5) : TimeSpan.Zero),
        };

        var result = StockKernel.Get((await VirtualMachine.RunAsync(job, Cancellation)).Then(r => r.RequireSuccess()));

        Assert.Equal(1288895, result.Files["numbers"].Length);
    }

    [Fact]
    public async Task A_guest_whose_answer_is_another_than_it_says_is_ended_at_once()
    {
        var job = await JobAsync("echo '= 5 0000 cat' >/dev/ttyS1; sleep 1000") with
        {
            KernelArguments = ["initcall_blacklist=virtio_console_init"],
        };

        var result = StockKernel.Get(await VirtualMachine.RunAsync(job, Cancellation));

        Assert.Equal(GuestEnding.AnswerMalformed, result.Ending);
        Assert.Equal(VirtualMachineProblems.GuestAnswerMalformed, result.Failure!.Code);
    }

    [Fact]
    public async Task A_guest_says_nothing_on_the_channel_that_it_does_not_use()
    {
        var job = await JobAsync("echo '= 5 0000 cat' >/dev/ttyS1; echo said");

        var result = StockKernel.Get((await VirtualMachine.RunAsync(job, Cancellation)).Then(r => r.RequireSuccess()));

        Assert.Equal("said\n", result.Output);
    }

    [Fact]
    public async Task A_guest_that_says_nothing_any_more_is_killed()
    {
        var job = await JobAsync("echo begun; sleep 1000") with { SilenceLimit = TimeSpan.FromSeconds(30) };

        var result = StockKernel.Get(await VirtualMachine.RunAsync(job, Cancellation));

        Assert.Equal(GuestEnding.TimedOut, result.Ending);
        Assert.Equal("begun\n", result.Output);
        Assert.Equal(VirtualMachineProblems.GuestTimedOut, result.Failure!.Code);
    }

    [Fact]
    public async Task A_guest_that_says_too_much_is_killed()
    {
        var job = await JobAsync("yes") with { OutputLimit = 200_000 };

        var result = StockKernel.Get(await VirtualMachine.RunAsync(job, Cancellation));

        Assert.Equal(GuestEnding.OutputTooLarge, result.Ending);
    }

    [Fact]
    public async Task What_is_no_kernel_does_not_start()
    {
        var job = new GuestJob
        {
            Architecture = KernelArchitectures.X8664,
            Kernel = "/bin/true",
            Script = "",
            Timeout = TimeSpan.FromSeconds(20),
        };

        var result = StockKernel.Get(await VirtualMachine.RunAsync(job, Cancellation));

        Assert.Equal(GuestEnding.DidNotStart, result.Ending);
        Assert.Equal(VirtualMachineProblems.GuestDidNotStart, result.Failure!.Code);
    }

    [Fact]
    public async Task A_cancelled_guest_is_gone_and_leaves_no_files()
    {
        var marker = $"marker-{Guid.NewGuid():N}";
        var image = "";
        using var cancel = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        var job = await JobAsync("echo begun; sleep 1000") with
        {
            KernelArguments = [marker],
            OnEvent = _ =>
            {
                // A further event may be on its way while the guest is ended.
                if (image.Length > 0)
                {
                    return;
                }

                // The sandbox's command line says where the file really is.
                var words = CommandsWith(marker).First(c => c.Contains("--ro-bind", StringComparison.Ordinal)).Split('\0');
                image = words[Array.IndexOf(words, "/guest-initramfs") - 1];
                Assert.True(File.Exists(image));
                cancel.Cancel();
            },
        };

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => VirtualMachine.RunAsync(job, cancel.Token));

        Assert.Empty(CommandsWith(marker));
        Assert.False(Directory.Exists(Path.GetDirectoryName(image)));
    }

    [Fact]
    public void The_emulator_uses_kvm_where_it_may_and_else_goes_on_without()
    {
        Assert.Equal(["kvm", "tcg,thread=single"], Accelerators(hasKvm: true));
        Assert.Equal(["tcg,thread=single"], Accelerators(hasKvm: false));
    }

    [Theory]
    [InlineData("../escape")]
    [InlineData("script")]
    public async Task A_file_for_a_forbidden_place_is_refused(string path)
    {
        var job = new GuestJob
        {
            Architecture = KernelArchitectures.X8664,
            Kernel = "/bin/true",
            Script = "",
            Files = [GuestFile.Text(path, "")],
        };

        Assert.Equal(
            VirtualMachineProblems.GuestJobInvalid,
            Assert.Single((await VirtualMachine.RunAsync(job, Cancellation)).Problems).Code
        );
    }

    // Where the device is there and cannot run this kernel; where it can, there is nothing to see but that the guest runs.
    [Fact]
    public async Task A_guest_that_kvm_cannot_run_is_run_without()
    {
        Assert.SkipUnless(File.Exists(KvmDevice.Path), "there is no KVM at all");
        var job = await JobAsync("echo ran");

        var result = StockKernel.Get(
            (await VirtualMachine.RunAsync(job, GuestImage.Script("job.sh"), () => true, Cancellation)).Then(r =>
                r.RequireSuccess()
            )
        );

        Assert.Equal("ran\n", result.Output);
    }

    [Theory]
    [InlineData("KVM internal error. Suberror: 1", true)]
    [InlineData("KVM: entry failed, hardware error 0x80000021", true)]
    [InlineData("error: kvm run failed Bad address", true)]
    [InlineData("qemu-system-x86_64: error: failed to set MSR 0x10a to 0x69", true)]
    [InlineData(
        "qemu-system-x86_64: ../../target/i386/kvm/kvm.c:3183: kvm_buf_set_msrs: Assertion `ret == cpu->kvm_msr_buf->nmsrs' failed.",
        true
    )]
    [InlineData("qemu-system-x86_64: falling back to tcg", false)]
    [InlineData("[    0.1] kvm-guest: KVM internal error.", false)]
    public void The_emulators_words_for_a_kvm_that_fails_are_known(string line, bool failed) =>
        Assert.Equal(failed, KvmDevice.ReportsFailure(line));

    private static List<string> Accelerators(bool hasKvm)
    {
        var words = QemuCommand.Arguments(
            new()
            {
                Architecture = KernelArchitectures.X8664,
                Kernel = "",
                Script = "",
            },
            "",
            "",
            "",
            hasKvm
        );
        return [.. words.Zip(words.Skip(1)).Where(p => p.First == "-accel").Select(p => p.Second)];
    }

    private static List<string> CommandsWith(string word)
    {
        var commands = new List<string>();
        foreach (var process in Directory.EnumerateDirectories("/proc").Where(d => char.IsAsciiDigit(Path.GetFileName(d)[0])))
        {
            try
            {
                var command = File.ReadAllText(Path.Combine(process, "cmdline"));
                if (command.Contains(word, StringComparison.Ordinal))
                {
                    commands.Add(command);
                }
            }
            catch (IOException)
            {
                // It has ended meanwhile.
            }
        }
        return commands;
    }

    private async Task<GuestJob> JobAsync(string script) =>
        new()
        {
            Architecture = KernelArchitectures.X8664,
            Kernel = (await stock.RecordAsync()).BootImagePath!,
            Script = script,
        };
}
