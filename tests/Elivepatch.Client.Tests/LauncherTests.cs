using System.Diagnostics;

namespace Elivepatch.Client.Tests;

/// <summary>The script <c>elivepatch</c>, in a checkout whose build is a stub.</summary>
public sealed class LauncherTests : IDisposable
{
    private readonly Scratch scratch = new();

    public LauncherTests()
    {
        foreach (var script in new[] { "elivepatch", "scripts/launch", "scripts/build-program" })
        {
            Directory.CreateDirectory(Path.GetDirectoryName(scratch.PathOf(script))!);
            File.Copy(Path.Combine(Repository.Root, script), scratch.PathOf(script));
        }
        Directory.CreateDirectory(scratch.PathOf("src/Elivepatch.Client"));
        Directory.CreateDirectory(scratch.PathOf("src/Elivepatch.Author"));
        scratch.Write("src/Elivepatch.Client/Program.cs", "");
        scratch.Write("Directory.Build.props", "");
        scratch.Write("global.json", "");
        // Stands for the SDK: "publishes" a command that says its words and whether the other one lies beside it, and counts how
        // often.
        Directory.CreateDirectory(scratch.PathOf("bin"));
        Executable(
            "bin/dotnet",
            """
            #!/bin/bash
            project=${2##*/}
            while [[ $1 != -o ]]; do shift; done
            mkdir -p "$2"
            [[ $project == Elivepatch.Author ]] && { touch "$2/elivepatch-author"; exit; }
            echo built >>"$BUILDS"
            sleep 0.3
            [[ -e $BROKEN ]] && { echo "error CS1002: ; expected"; exit 1; }
            printf '#!/bin/bash\n[[ -e ${0%%/*}/elivepatch-author ]] || exit 9\necho "ran:" "$@"\nexit 3\n' >"$2/elivepatch"
            chmod +x "$2/elivepatch"
            """
        );
    }

    private int Builds => File.Exists(scratch.PathOf("builds")) ? File.ReadAllLines(scratch.PathOf("builds")).Length : 0;

    [Fact]
    public async Task It_builds_once_and_again_only_when_a_source_is_newer()
    {
        Assert.Equal((3, "ran: a  b\n", ""), await RunAsync("a  b"));
        Assert.Equal((3, "ran:\n", ""), await RunAsync());
        Assert.Equal(1, Builds);
        await Task.Delay(20, TestContext.Current.CancellationToken);
        scratch.Write("src/Elivepatch.Client/Program.cs", "changed");
        Assert.Equal((3, "ran:\n", ""), await RunAsync());
        Assert.Equal(2, Builds);
        Assert.Equal((3, "ran:\n", ""), await RunAsync());
        Assert.Equal(2, Builds);
    }

    [Fact]
    public async Task A_source_that_is_gone_is_a_change()
    {
        await RunAsync();
        await Task.Delay(20, TestContext.Current.CancellationToken);
        File.Delete(scratch.PathOf("src/Elivepatch.Client/Program.cs"));
        await RunAsync();
        Assert.Equal(2, Builds);
    }

    [Fact]
    public async Task Runs_at_once_share_one_build()
    {
        var runs = await Task.WhenAll(Enumerable.Range(0, 4).Select(i => RunAsync($"run {i}")));
        Assert.Equal(Enumerable.Range(0, 4).Select(i => (3, $"ran: run {i}\n", "")), runs);
        Assert.Equal(1, Builds);
    }

    [Fact]
    public async Task A_build_that_fails_says_why_and_the_next_run_tries_again()
    {
        scratch.Write("broken", "");
        var (status, output, error) = await RunAsync();
        Assert.Equal((1, ""), (status, output));
        Assert.Contains("error CS1002", error, StringComparison.Ordinal);
        File.Delete(scratch.PathOf("broken"));
        Assert.Equal((3, "ran:\n", ""), await RunAsync());
    }

    [Fact]
    public async Task It_can_be_run_through_a_link_from_anywhere()
    {
        Directory.CreateDirectory(scratch.PathOf("elsewhere"));
        File.CreateSymbolicLink(scratch.PathOf("elsewhere/elp"), "../elivepatch");
        Assert.Equal((3, "ran: x\n", ""), await RunAsync(scratch.PathOf("elsewhere/elp"), "/", "x"));
    }

    public void Dispose() => scratch.Dispose();

    private Task<(int Status, string Output, string Error)> RunAsync(params string[] words) =>
        RunAsync(scratch.PathOf("elivepatch"), scratch.Folder, words);

    private async Task<(int Status, string Output, string Error)> RunAsync(string file, string folder, params string[] words)
    {
        var start = new ProcessStartInfo(file, words)
        {
            WorkingDirectory = folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["PATH"] = $"{scratch.PathOf("bin")}:{Environment.GetEnvironmentVariable("PATH")}";
        start.Environment["BUILDS"] = scratch.PathOf("builds");
        start.Environment["BROKEN"] = scratch.PathOf("broken");
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        var error = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        return (process.ExitCode, await output, await error);
    }

    private void Executable(string name, string text)
    {
        scratch.Write(name, text.ReplaceLineEndings("\n") + "\n");
        File.SetUnixFileMode(scratch.PathOf(name), UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }
}
