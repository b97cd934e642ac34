using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Elivepatch.Kernel.Processes;
using Elivepatch.Model;
using Xunit;

namespace Elivepatch.Kernel.Tests.Processes;

/// <summary>
/// Each test is a command that does its worst; after it nothing of it may be left, and nobody else may have been hurt.
/// </summary>
public sealed class SandboxAttackTests : IDisposable
{
    private readonly TemporaryCache home = new();

    // In the command line of every process of the attack, so that one that survives is found.
    private readonly string mark = $"attack-{Guid.NewGuid():N}";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => home.Dispose();

    [Fact]
    public async Task Forks_without_end_are_ended()
    {
        var problem = await RefusedAsync(
            $"bomb() {{ bomb & bomb & wait; }}; bomb # {mark}",
            SandboxLimits.Default with
            {
                TotalThreads = 200,
            }
        );
        Assert.Contains("more than 200 processes and threads", problem.Reason);
        AssertNothingIsLeft();
    }

    [Fact]
    public async Task Memory_is_counted_over_all_processes()
    {
        var problem = await RefusedAsync(
            $"for i in 1 2 3 4 5 6; do (x=$(head -c 60000000 /dev/zero | tr '\\0' x); sleep 600; echo $x) & done; wait # {mark}",
            SandboxLimits.Default with
            {
                TotalMemory = 200 << 20,
            }
        );
        Assert.Contains("more than 200 MiB of memory", problem.Reason);
        AssertNothingIsLeft();
    }

    [Fact]
    public async Task Memory_in_files_without_a_name_is_counted()
    {
        var problem = await RefusedAsync(
            $"exec 3>/tmp/file; rm /tmp/file; head -c 200000000 /dev/zero >&3; sleep 600 # {mark}",
            SandboxLimits.Default with
            {
                TotalMemory = 100 << 20,
            }
        );
        Assert.Contains("more than 100 MiB of memory", problem.Reason);
        AssertNothingIsLeft();
    }

    [Theory]
    [InlineData("/tmp")]
    [InlineData("/dev/shm")]
    [InlineData("/dev")]
    public async Task What_is_in_memory_and_looks_like_a_disk_ends_early(string folder)
    {
        var result = await RunAsync(
            $"head -c 20000000 /dev/zero >{folder}/file",
            SandboxLimits.Default with
            {
                TemporarySpace = 8 << 20,
            }
        );
        Assert.NotEqual(0, result.ExitCode);
    }

    [Fact]
    public async Task Many_large_files_are_ended()
    {
        var problem = await RefusedAsync(
            $"for i in $(seq 400); do head -c 20000000 /dev/zero >/write/$i; sleep 0.05; done; sleep 600 # {mark}",
            SandboxLimits.Default with
            {
                TotalDisk = 100 << 20,
            }
        );
        Assert.Contains("more than 100 MiB in its directories", problem.Reason);
        Assert.True(new DirectoryInfo(home.FullPath).EnumerateFiles().Sum(f => f.Length) < 4L << 30);
        AssertNothingIsLeft();
    }

    [Fact]
    public async Task Many_empty_files_are_ended()
    {
        var problem = await RefusedAsync(
            "cd /write; i=0; while :; do i=$((i+1)); : >$i; done",
            SandboxLimits.Default with
            {
                TotalDisk = 4 << 20,
            }
        );
        Assert.Contains("more than 4 MiB in its directories", problem.Reason);
    }

    [Fact]
    public async Task Nobody_can_reach_who_listens_inside()
    {
        var port = FreePort();
        var reached = "it never listened";
        var script =
            $"use IO::Socket::INET; $| = 1; my $s = IO::Socket::INET->new(LocalAddr => '0.0.0.0', LocalPort => {port}, Listen => 1) or exit 3; "
            + "print \"ready\\n\"; select(undef, undef, undef, 3);";
        var outcome = await Sandbox.RunAsync(
            new SandboxRequest
            {
                File = "perl",
                Arguments = ["-e", script],
                OnOutputLine = _ => reached = Reach(port),
            },
            Cancellation
        );
        Assert.True(StockKernel.Get(outcome).Succeeded);
        Assert.Equal("refused", reached);
    }

    [Theory]
    [InlineData("cat /etc/shadow")]
    [InlineData("ln -s /etc/shadow /write/link; cat /write/link")]
    [InlineData("cat /proc/1/root/etc/shadow")]
    [InlineData("cat /proc/1/cwd/../../../etc/shadow")]
    [InlineData("cat /write/../../../../etc/shadow")]
    [InlineData("mkdir /tmp/m; unshare -Urm sh -c 'mount --bind / /tmp/m; cat /tmp/m/etc/shadow'")]
    public async Task Secrets_of_the_host_cannot_be_read(string script)
    {
        var result = await RunAsync(script, SandboxLimits.Default);
        Assert.NotEqual(0, result.ExitCode);
        Assert.Equal("", result.Output);
    }

    [Fact]
    public async Task A_link_does_not_lead_out()
    {
        using var elsewhere = new TemporaryCache();
        var victim = Path.Combine(elsewhere.FullPath, "victim");
        await File.WriteAllTextAsync(victim, "unharmed", Cancellation);
        var result = await RunAsync(
            $"ln -s {victim} /write/link; ln -s {elsewhere.FullPath} /write/folder; echo x >/write/link; echo x >/write/folder/new",
            SandboxLimits.Default
        );
        Assert.NotEqual(0, result.ExitCode);
        Assert.Equal("unharmed", await File.ReadAllTextAsync(victim, Cancellation));
        Assert.False(File.Exists(Path.Combine(elsewhere.FullPath, "new")));
    }

    // Any node will do that every machine has and a sandbox has not: the emulator's own, KVM's, is not everywhere.
    [Fact]
    public async Task Only_the_devices_that_are_asked_for_are_there()
    {
        var request = Request("test -c /dev/kmsg", SandboxLimits.Default);

        Assert.False(StockKernel.Get(await Sandbox.RunAsync(request, Cancellation)).Succeeded);
        Assert.True(StockKernel.Get(await Sandbox.RunAsync(request with { Devices = ["/dev/kmsg"] }, Cancellation)).Succeeded);
    }

    [Fact]
    public async Task A_flood_of_output_costs_no_memory()
    {
        var outcome = await Sandbox.RunAsync(
            Request("yes & yes >&2 & sleep 2; kill %1 %2", SandboxLimits.Default) with
            {
                OutputLimit = 64 << 10,
            },
            Cancellation
        );
        var result = StockKernel.Get(outcome);
        Assert.True(result.Truncated);
        Assert.Equal((64 << 10, 64 << 10), (result.OutputBytes.Length, result.ErrorBytes.Length));
    }

    [Fact]
    public async Task Who_ignores_signals_and_leaves_its_session_ends_with_the_sandbox()
    {
        var watch = Stopwatch.StartNew();
        var outcome = await Sandbox.RunAsync(
            Request(
                $"trap '' TERM HUP INT; setsid bash -c 'trap \"\" TERM HUP INT; while :; do sleep 1; done # {mark}' </dev/null >/dev/null 2>&1 & exit 0",
                SandboxLimits.Default
            ) with
            {
                Timeout = TimeSpan.FromSeconds(3),
            },
            Cancellation
        );
        Assert.True(outcome.Succeeded);
        Assert.True(watch.Elapsed < TimeSpan.FromSeconds(30), $"{watch.Elapsed}");
        AssertNothingIsLeft();
    }

    [Fact]
    public async Task A_command_within_its_limits_is_left_alone()
    {
        var limits = SandboxLimits.Default with { TotalThreads = 20, TotalMemory = 300 << 20, TotalDisk = 50 << 20 };
        var result = await RunAsync(
            "head -c 20000000 /dev/zero >/write/file; for i in 1 2 3; do sleep 1.5 & done; wait; echo done",
            limits
        );
        Assert.Equal("done\n", result.Output);
    }

    private async Task<Problem> RefusedAsync(string script, SandboxLimits limits)
    {
        var watch = Stopwatch.StartNew();
        var outcome = await Sandbox.RunAsync(Request(script, limits), Cancellation);
        Assert.False(outcome.Succeeded);
        Assert.True(watch.Elapsed < TimeSpan.FromSeconds(60), $"{watch.Elapsed}");
        var problem = Assert.Single(outcome.Problems);
        Assert.Equal(ProcessProblems.SandboxLimitExceeded, problem.Code);
        return problem;
    }

    private async Task<ProcessResult> RunAsync(string script, SandboxLimits limits) =>
        StockKernel.Get(await Sandbox.RunAsync(Request(script, limits), Cancellation));

    private SandboxRequest Request(string script, SandboxLimits limits) =>
        new()
        {
            File = "bash",
            Arguments = ["-c", script],
            Limits = limits,
            Timeout = TimeSpan.FromSeconds(90),
            Binds = [new(home.FullPath, "/write", Writable: true)],
        };

    private void AssertNothingIsLeft()
    {
        // The kernel takes a moment to end hundreds of processes.
        for (var i = 0; i < 100 && Survivors().Any(); i++)
        {
            Thread.Sleep(50);
        }

        Assert.Empty(Survivors());
    }

    private IEnumerable<string> Survivors()
    {
        foreach (var folder in Directory.EnumerateDirectories("/proc").Where(d => char.IsAsciiDigit(Path.GetFileName(d)[0])))
        {
            string text;
            try
            {
                text = File.ReadAllText(folder + "/cmdline");
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                continue;
            }

            if (text.Contains(mark, StringComparison.Ordinal))
            {
                yield return text.Replace('\0', ' ');
            }
        }
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private static string Reach(int port)
    {
        try
        {
            using var client = new TcpClient("127.0.0.1", port);
            return "reached";
        }
        catch (SocketException e)
        {
            return e.SocketErrorCode == SocketError.ConnectionRefused ? "refused" : e.SocketErrorCode.ToString();
        }
    }
}
