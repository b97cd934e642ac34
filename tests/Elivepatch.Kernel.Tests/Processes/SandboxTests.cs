using System.Net;
using System.Net.Sockets;
using Elivepatch.Kernel.Processes;
using Xunit;

namespace Elivepatch.Kernel.Tests.Processes;

public sealed class SandboxTests
{
    [Theory]
    [InlineData("cat /etc/passwd", "the host's files")]
    [InlineData("ls /root", "homes")]
    [InlineData("echo x > /usr/x", "the toolchain, to write")]
    [InlineData("echo x > /x", "the root, to write")]
    [InlineData("echo x > /read/x", "a read-only bind, to write")]
    [InlineData("mount -t tmpfs none /tmp", "mounting")]
    public async Task Denied(string script, string what)
    {
        var result = await RunAsync(script);
        Assert.True(result.ExitCode != 0, what);
    }

    [Fact]
    public async Task Not_even_the_network_of_the_machine_itself_is_seen()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var result = await RunAsync($"exec 3<>/dev/tcp/127.0.0.1/{((IPEndPoint)listener.LocalEndpoint).Port}");
        Assert.NotEqual(0, result.ExitCode);
        Assert.False(listener.Pending());
    }

    [Fact]
    public async Task The_environment_is_empty_and_processes_of_the_host_are_not_seen()
    {
        Environment.SetEnvironmentVariable("ELIVEPATCH_TEST_SECRET", "x");
        var result = await RunAsync("env; ls /proc | grep -c '^[0-9]'");
        Assert.DoesNotContain("SECRET", result.Output);
        Assert.True(int.Parse(result.Output.Trim().Split('\n')[^1], System.Globalization.CultureInfo.InvariantCulture) < 8);
    }

    [Fact]
    public async Task A_writable_bind_keeps_what_is_written()
    {
        using var home = new TemporaryCache();
        var result = await RunAsync("echo text > /write/file", new SandboxBind(home.FullPath, "/write", Writable: true));
        Assert.True(result.Succeeded, result.Describe());
        Assert.Equal(
            "text\n",
            await File.ReadAllTextAsync(Path.Combine(home.FullPath, "file"), TestContext.Current.CancellationToken)
        );
    }

    [Fact]
    public async Task Limits_hold()
    {
        using var home = new TemporaryCache();
        var limits = SandboxLimits.Default with { FileSize = 1 << 20 };
        var result = await RunAsync(
            "head -c 2000000 /dev/zero > /write/file",
            limits,
            new SandboxBind(home.FullPath, "/write", Writable: true)
        );
        Assert.NotEqual(0, result.ExitCode);
        Assert.Equal(1 << 20, new FileInfo(Path.Combine(home.FullPath, "file")).Length);
    }

    private static Task<ProcessResult> RunAsync(string script, params SandboxBind[] binds) =>
        RunAsync(script, SandboxLimits.Default, binds);

    private static async Task<ProcessResult> RunAsync(string script, SandboxLimits limits, params SandboxBind[] binds) =>
        StockKernel.Get(
            await Sandbox.RunAsync(
                new SandboxRequest
                {
                    File = "bash",
                    Arguments = ["-c", script],
                    Limits = limits,
                    Binds = [new(AppContext.BaseDirectory, "/read"), .. binds],
                },
                TestContext.Current.CancellationToken
            )
        );
}
