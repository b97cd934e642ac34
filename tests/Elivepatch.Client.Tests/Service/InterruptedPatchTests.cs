using System.Diagnostics;
using System.Security.Cryptography;
using System.Text;
using Elivepatch.Client.Tests.Machine;
using Elivepatch.Machine;
using Elivepatch.Model.Progress;

namespace Elivepatch.Client.Tests.Service;

/// <summary>The command killed between any two steps, interrupted, or on a full disk.</summary>
public sealed class InterruptedPatchTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    // As many as MakeLive.StepsOf has; the test below checks that.
    public static TheoryData<int> Steps => [.. Enumerable.Range(0, 11)];

    [Theory]
    [MemberData(nameof(Steps))]
    public async Task Killed_after_any_step_it_goes_on_with_what_is_true(int steps)
    {
        await using var bench = await PatchBench.StartAsync();
        await bench.MustAsync("patch", bench.Patch("a.patch"));
        var make = new MakeLive(
            bench.Machine.Access,
            bench.Machine.StateFolder,
            FakeMachine.BuildId,
            new(TimeSpan.FromSeconds(10), false),
            new Progress<StageEvent>()
        );
        var way = make.StepsOf(SecondLivepatch(bench));
        Assert.Equal(10, way.Count);
        Assert.Null(await MakeLive.RunAsync(way.Take(steps), Cancellation));

        // Nothing is remembered by the process that went on to here; the machine tells what is live.
        await Eventually.IsTrueAsync(() => bench.Machine is { IsSettled: true, Live.Count: 1 });
        var wasLoaded = steps >= 6;
        Assert.Equal(wasLoaded ? ["a.patch", "b.patch"] : ["a.patch"], bench.LivePatches());
        await bench.MustAsync("patch", bench.Patch("c.patch"));
        Assert.Equal(wasLoaded ? ["a.patch", "b.patch", "c.patch"] : ["a.patch", "c.patch"], bench.LivePatches());
        Assert.Equal(bench.Ledger().Wanted, Assert.Single(bench.Ledger().Livepatches).Sha256);
    }

    [Theory]
    [MemberData(nameof(Steps))]
    public async Task A_machine_that_goes_down_after_any_step_comes_up_with_patches_that_were_live(int steps)
    {
        await using var bench = await PatchBench.StartAsync();
        await bench.MustAsync("patch", bench.Patch("a.patch"));
        await bench.MustAsync("persist");
        var make = new MakeLive(
            bench.Machine.Access,
            bench.Machine.StateFolder,
            FakeMachine.BuildId,
            new(TimeSpan.FromSeconds(10), false),
            new Progress<StageEvent>()
        );
        Assert.Null(await MakeLive.RunAsync(make.StepsOf(SecondLivepatch(bench)).Take(steps), Cancellation));
        bench.Machine.Restart("second-boot");
        await bench.MustAsync("load-persisted");
        Assert.Equal(steps >= 8 ? ["a.patch", "b.patch"] : ["a.patch"], bench.LivePatches());
    }

    [Fact]
    public async Task Interrupted_while_the_server_builds_it_says_how_to_continue()
    {
        await using var bench = await PatchBench.StartAsync();
        var asked = new TaskCompletionSource();
        bench.Server.Instead["/events"] = async context =>
        {
            asked.TrySetResult();
            context.Response.ContentType = "text/event-stream";
            await context.Response.Body.FlushAsync();
            await Task.Delay(Timeout.Infinite, context.RequestAborted).ContinueWith(_ => { }, TaskScheduler.Default);
        };
        var session = bench.Machine.NewSession();
        using var interrupt = new CancellationTokenSource();
        var command = CommandLine.CreateRoot(session.Session).Parse(["patch", bench.Patch("a.patch")]);
        var running = command.InvokeAsync(
            new()
            {
                Output = TextWriter.Null,
                Error = TextWriter.Null,
                EnableDefaultExceptionHandler = false,
            },
            interrupt.Token
        );
        await asked.Task.WaitAsync(TimeSpan.FromSeconds(20), Cancellation);
        await interrupt.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running);
        Assert.Contains("the server continues build 0; run the same command to resume", session.Error, StringComparison.Ordinal);
        bench.Server.Instead.Clear();
        await bench.MustAsync("patch", bench.Patch("a.patch"));
        Assert.Equal(bench.Server.Submissions[0].Name, bench.Server.Submissions[1].Name);
    }

    [Fact]
    public async Task On_a_full_disk_nothing_is_loaded_and_livepatches_can_still_be_disabled() =>
        await WithOwnDiskAsync(
            "4m",
            async (bench, folder, session) =>
            {
                Fill(folder);
                var run = session();
                var asked = bench.Server.Requests.Count;
                Assert.Equal(75, await run.RunAsync("patch", bench.Patch("b.patch")));
                Assert.Contains("ELP1219", run.Error, StringComparison.Ordinal);
                Assert.Single(bench.Machine.Loaded);
                Assert.Equal(asked, bench.Server.Requests.Count);
                Assert.Equal(0, await session().RunAsync("status"));
                run = session();
                Assert.Equal(1, await run.RunAsync("disable", bench.Machine.Live[0]));
                Assert.Matches("ELP1207 [^\n]+\n  livepatch_a_[0-9a-f]+ is disabled, and comes back", run.Error);
                Assert.Empty(bench.Machine.Live);
            }
        );

    [Fact]
    public async Task On_a_read_only_disk_it_says_so_at_once_and_that_a_disabled_livepatch_comes_back() =>
        await WithOwnDiskAsync(
            "4m",
            async (bench, folder, session) =>
            {
                Assert.True(Run("mount", "-o", "remount,ro", folder));
                var watch = System.Diagnostics.Stopwatch.StartNew();
                var said = "";
                foreach (var words in new[] { new[] { "patch", bench.Patch("b.patch") }, ["disable", bench.Machine.Live[0]] })
                {
                    var run = session();
                    Assert.Equal(1, await run.RunAsync(words));
                    said = run.Error;
                    Assert.Contains("ELP1207", said, StringComparison.Ordinal);
                    Assert.Contains("Read-only file system", said, StringComparison.Ordinal);
                    Assert.DoesNotContain("another", said, StringComparison.Ordinal);
                }

                // Nobody was waited for: a command that holds the lock is given twenty seconds.
                Assert.InRange(watch.Elapsed.TotalSeconds, 0, 15);
                Assert.Contains(
                    "is disabled, and comes back at the next boot where livepatches are loaded then",
                    said,
                    StringComparison.Ordinal
                );
                Assert.Empty(bench.Machine.Live);
            }
        );

    // A machine with one livepatch that is live, and its state on a file system of its own.
    private static async Task WithOwnDiskAsync(string size, Func<PatchBench, string, Func<TestSession>, Task> test)
    {
        await using var bench = await PatchBench.StartAsync(trusts: false);
        var folder = bench.Scratch.PathOf("small");
        Directory.CreateDirectory(folder);
        if (!Run("mount", "-t", "tmpfs", "-o", $"size={size}", "tmpfs", folder))
        {
            Assert.Skip("no file system can be mounted here");
        }

        try
        {
            var run = Session();
            Assert.True(
                await run.RunAsync("trust", "--server", bench.Server.Url, "--key", bench.Server.Key.Public.Id) == 0,
                run.Error
            );
            Assert.Equal(0, await Session().RunAsync("patch", bench.Patch("a.patch")));
            await test(bench, folder, Session);
        }
        finally
        {
            Run("umount", folder);
        }

        TestSession Session()
        {
            var session = bench.Machine.NewSession();
            session.Variables["ELIVEPATCH_STATE"] = Path.Combine(folder, "state");
            return session;
        }
    }

    private static NewLivepatch SecondLivepatch(PatchBench bench)
    {
        var first = bench.Ledger().Livepatches.Single();
        var patches = new[] { "--- a.patch\n", "--- b.patch\n" }.Select(Encoding.UTF8.GetBytes).ToList();
        var module = FakeMachine.Module("livepatch_second");
        var livepatch = first with
        {
            Module = "livepatch_second",
            Sha256 = Digest(module),
            Patches = [new("a.patch", Digest(patches[0])), new("b.patch", Digest(patches[1]))],
        };
        return new(livepatch, patches, module, bench.Server.Sign(livepatch), bench.Server.Issued, CountsAnew: false);
    }

    private static string Digest(byte[] content) => Convert.ToHexStringLower(SHA256.HashData(content));

    private static void Fill(string folder)
    {
        using var file = File.OpenHandle(Path.Combine(folder, "filler"), FileMode.Create, FileAccess.Write);
        try
        {
            while (true)
            {
                RandomAccess.Write(file, new byte[512], RandomAccess.GetLength(file));
            }
        }
        catch (IOException)
        {
            // Full.
        }
    }

    private static bool Run(string program, params string[] words)
    {
        using var process = Process.Start(new ProcessStartInfo(program, words) { RedirectStandardError = true });
        process!.WaitForExit();
        return process.ExitCode == 0;
    }
}
