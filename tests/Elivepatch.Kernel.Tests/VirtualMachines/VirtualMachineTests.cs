using System.Text;

using Elivepatch.Engine;
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

        var facts = StockKernel.Get(await KernelBoot.ReadFactsAsync(record.BootImagePath!, Cancellation));

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
            Assert.StartsWith("Linux version ", await File.ReadAllTextAsync(Path.Combine(root.FullName, "proc/version"), Cancellation), StringComparison.Ordinal);
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

        foreach (var arguments in (string[][])[[], ["initcall_blacklist=virtio_console_init"]])
        {
            var result = StockKernel.Get(await VirtualMachine.RunAsync(job with { KernelArguments = arguments }, Cancellation));

            Assert.Equal(GuestEnding.Finished, result.Ending);
            Assert.Equal(3, result.ExitStatus);
            Assert.Equal("status\n", result.Output);
            Assert.True(expected.AsSpan().SequenceEqual(result.Files["numbers"].Span));
        }
    }

    [Fact]
    public async Task A_guest_that_says_nothing_any_more_is_killed()
    {
        var job = await JobAsync("echo begun; sleep 1000") with { SilenceLimit = TimeSpan.FromSeconds(30) };

        var result = StockKernel.Get(await VirtualMachine.RunAsync(job, Cancellation));

        Assert.Equal(GuestEnding.TimedOut, result.Ending);
        Assert.Equal("begun\n", result.Output);
        Assert.Equal(ProblemCodes.GuestTimedOut, result.Failure!.Code);
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
        var job = new GuestJob { Kernel = "/bin/true", Script = "", Timeout = TimeSpan.FromSeconds(20) };

        var result = StockKernel.Get(await VirtualMachine.RunAsync(job, Cancellation));

        Assert.Equal(GuestEnding.DidNotStart, result.Ending);
        Assert.Equal(ProblemCodes.GuestDidNotStart, result.Failure!.Code);
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
                    return;

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

    [Theory]
    [InlineData("../escape")]
    [InlineData("script")]
    public async Task A_file_for_a_forbidden_place_is_refused(string path)
    {
        var job = new GuestJob { Kernel = "/bin/true", Script = "", Files = [GuestFile.Text(path, "")] };

        Assert.Equal(ProblemCodes.GuestJobInvalid, Assert.Single((await VirtualMachine.RunAsync(job, Cancellation)).Problems).Code);
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
                    commands.Add(command);
            }
            catch (IOException)
            {
                // It has ended meanwhile.
            }
        }
        return commands;
    }

    private async Task<GuestJob> JobAsync(string script) => new() { Kernel = (await stock.RecordAsync()).BootImagePath!, Script = script };
}
