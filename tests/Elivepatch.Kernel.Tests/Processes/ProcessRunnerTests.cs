using System.Diagnostics;
using System.Text;
using Elivepatch.Kernel.Processes;
using Xunit;

namespace Elivepatch.Kernel.Tests.Processes;

public sealed class ProcessRunnerTests
{
    private static Task<ProcessResult> Shell(string script, Func<ProcessRequest, ProcessRequest>? change = null) =>
        ProcessRunner.RunAsync(
            (change ?? (r => r))(new ProcessRequest { File = "sh", Arguments = ["-c", script] }),
            TestContext.Current.CancellationToken
        );

    [Fact]
    public async Task Output_error_and_exit_status_are_reported()
    {
        var result = await Shell("echo out; echo err >&2; exit 3");
        Assert.Equal((3, "out\n", "err\n", false), (result.ExitCode, result.Output, result.Error, result.TimedOut));
    }

    [Fact]
    public async Task The_environment_is_not_inherited()
    {
        Environment.SetEnvironmentVariable("ELIVEPATCH_TEST_SECRET", "x");
        Assert.Equal("", (await Shell("printf %s \"$ELIVEPATCH_TEST_SECRET\"")).Output);
        Assert.Equal(
            "x",
            (await Shell("printf %s \"$ELIVEPATCH_TEST_SECRET\"", r => r with { InheritEnvironment = true })).Output
        );
    }

    [Fact]
    public async Task Input_reaches_the_process_and_ends()
    {
        var result = await Shell("cat", r => r with { Input = Encoding.ASCII.GetBytes("abc") });
        Assert.Equal("abc", result.Output);
    }

    [Fact]
    public async Task Output_beyond_the_limit_is_dropped_and_marked()
    {
        var result = await Shell("head -c 1000000 /dev/zero | tr '\\0' x", r => r with { OutputLimit = 1000 });
        Assert.True(result.Truncated);
        Assert.Equal(1000, result.OutputBytes.Length);
        Assert.EndsWith("[... 999000 more bytes not kept]", result.Output);
    }

    [Fact]
    public async Task A_timeout_ends_the_process_with_all_its_children()
    {
        var marker = $"{Random.Shared.Next(100_000, 999_999)}.75";
        var watch = Stopwatch.StartNew();
        var result = await Shell($"sleep {marker} & sleep {marker}", r => r with { Timeout = TimeSpan.FromSeconds(0.3) });
        Assert.True(result.TimedOut);
        Assert.True(watch.Elapsed < TimeSpan.FromSeconds(20), $"{watch.Elapsed}");
        Assert.DoesNotContain(
            CommandLines(),
            c => c.Contains(marker, StringComparison.Ordinal) && c.StartsWith("sleep", StringComparison.Ordinal)
        );
    }

    [Fact]
    public async Task Cancellation_ends_the_process_and_throws()
    {
        using var source = new CancellationTokenSource(TimeSpan.FromSeconds(0.3));
        var request = new ProcessRequest { File = "sleep", Arguments = ["600"] };
        var watch = Stopwatch.StartNew();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => ProcessRunner.RunAsync(request, source.Token));
        Assert.True(watch.Elapsed < TimeSpan.FromSeconds(20), $"{watch.Elapsed}");
    }

    [Fact]
    public async Task A_child_that_keeps_the_pipes_open_does_not_keep_us_waiting()
    {
        var watch = Stopwatch.StartNew();
        var result = await Shell("sleep 600 & echo done");
        Assert.Equal("done\n", result.Output);
        Assert.True(watch.Elapsed < TimeSpan.FromSeconds(60), $"{watch.Elapsed}");
    }

    [Fact]
    public async Task Lines_arrive_while_the_process_runs()
    {
        var lines = new List<string>();
        await Shell("printf 'a\\nb\\r\\nc'", r => r with { OnOutputLine = lines.Add });
        Assert.Equal(["a", "b", "c"], lines);
    }

    [Fact]
    public async Task A_program_that_is_not_there_gives_status_127()
    {
        var request = new ProcessRequest { File = "no-such-program-here" };
        var result = await ProcessRunner.RunAsync(request, TestContext.Current.CancellationToken);
        Assert.Equal((127, "no-such-program-here: not found"), (result.ExitCode, result.Error));
    }

    private static IEnumerable<string> CommandLines()
    {
        foreach (var directory in Directory.EnumerateDirectories("/proc"))
        {
            string text;
            try
            {
                text = File.ReadAllText(Path.Combine(directory, "cmdline"));
            }
            catch (IOException)
            {
                continue;
            }
            catch (UnauthorizedAccessException)
            {
                continue;
            }
            yield return text.Replace('\0', ' ');
        }
    }
}
