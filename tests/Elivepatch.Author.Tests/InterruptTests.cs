using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Elivepatch.Author.Tests;

/// <summary>The real executable, interrupted.</summary>
public sealed partial class InterruptTests : IDisposable
{
    private readonly Scratch scratch = new();

    [Theory]
    [InlineData(2, 130)]
    [InlineData(15, 143)]
    public async Task An_interrupted_import_leaves_nothing_half_written(int signal, int status)
    {
        // A shell starts what runs in the background with SIGINT ignored, and that is passed on.
        var program = Path.Combine(AppContext.BaseDirectory, "elivepatch-author");
        var start = new ProcessStartInfo("env", ["--default-signal", program, "kernel", "import", "debian:newest-cloud"])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["ELIVEPATCH_CACHE"] = scratch.PathOf("cache");
        using var process = Process.Start(start)!;
        // The first stage asks the package lists, which takes longer than a signal.
        Assert.StartsWith(
            "resolve: ",
            await process.StandardError.ReadLineAsync(TestContext.Current.CancellationToken),
            StringComparison.Ordinal
        );
        Assert.Equal(0, Kill(process.Id, signal));
        var rest = await process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.Equal(status, process.ExitCode);
        Assert.Contains("ended by a signal; nothing was left half written", rest, StringComparison.Ordinal);
        Assert.Empty(await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken));
        var left = Directory.EnumerateFiles(scratch.PathOf("cache"), "*", SearchOption.AllDirectories);
        Assert.DoesNotContain(left, f => !f.StartsWith(scratch.PathOf("cache/locks"), StringComparison.Ordinal));
    }

    public void Dispose() => scratch.Dispose();

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Kill(int process, int signal);
}
