using System.Net.Sockets;
using System.Text;
using Elivepatch.Client.Tests.Service;
using Elivepatch.Machine;

namespace Elivepatch.Client.Tests.Machine;

/// <summary>Loading at boot.</summary>
public sealed class PersistTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task What_was_live_is_live_again_after_a_restart()
    {
        await using var bench = await StartAsync();
        var name = bench.Machine.Live.Single();
        var unit = File.ReadAllText(bench.Machine.PathOf("etc/systemd/system/elivepatch.service"));
        Assert.Contains("\nConditionKernelCommandLine=!elivepatch=off\n", unit, StringComparison.Ordinal);
        Assert.Contains("\nExecStart=/usr/local/sbin/elivepatch load-persisted\n", unit, StringComparison.Ordinal);
        Assert.Equal(
            "../elivepatch.service",
            new FileInfo(bench.Machine.PathOf("etc/systemd/system/multi-user.target.wants/elivepatch.service")).LinkTarget
        );
        bench.Machine.Restart("second-boot");
        Assert.Equal($"{name}: live\n", (await bench.MustAsync("load-persisted")).Output);
        Assert.Equal([name], bench.Machine.Live);
        Assert.Equal(0, Boot(bench).Attempts);
        Assert.Contains(
            $"{name}: live, by {bench.Server.Url}, loaded again at boot\n",
            (await bench.MustAsync("status")).Output,
            StringComparison.Ordinal
        );
        // Who runs it twice loads nothing twice.
        Assert.Equal($"{name}: live\n", (await bench.MustAsync("load-persisted")).Output);
        Assert.Equal(2, bench.Machine.Loaded.Count);
    }

    [Fact]
    public async Task An_old_manifest_serves_at_boot()
    {
        await using var bench = await StartAsync(bench => bench.Server.Issued = DateTimeOffset.UtcNow - TimeSpan.FromDays(29));
        bench.Machine.Restart("second-boot");
        var late = bench.Machine.Access with { Time = new ShiftedTime(TimeSpan.FromDays(400)) };
        var run = new TestSession { Machine = late };
        Assert.True(await run.RunAsync("load-persisted") == 0, run.Error);
        Assert.Single(bench.Machine.Live);
    }

    [Fact]
    public async Task Another_kernel_gets_nothing()
    {
        await using var bench = await StartAsync();
        bench.Machine.Restart("second-boot");
        bench.Machine.SetBuildId("00112233445566778899");
        Assert.Contains(
            "nothing is loaded: no livepatch is wanted for the kernel",
            (await bench.MustAsync("load-persisted")).Output,
            StringComparison.Ordinal
        );
        Assert.Empty(bench.Machine.Live);
    }

    [Theory]
    [InlineData("cmdline")]
    [InlineData("off")]
    [InlineData("disabled")]
    public async Task Nothing_is_loaded_where_somebody_does_not_want_it(string how)
    {
        await using var bench = await StartAsync();
        if (how == "disabled")
        {
            await bench.MustAsync("disable", bench.Machine.Live[0]);
        }
        else if (how == "off")
        {
            await bench.MustAsync("persist", "--off");
        }

        bench.Machine.Restart("second-boot");
        if (how == "cmdline")
        {
            bench.Machine.Write("proc/cmdline", "root=/dev/vda elivepatch=off ro\n");
        }

        Assert.StartsWith("nothing is loaded: ", (await bench.MustAsync("load-persisted")).Output, StringComparison.Ordinal);
        Assert.Empty(bench.Machine.Live);
        Assert.Equal(how != "off", File.Exists(bench.Machine.PathOf("etc/systemd/system/elivepatch.service")));
    }

    [Fact]
    public async Task A_module_that_was_changed_on_the_disk_is_not_loaded()
    {
        await using var bench = await StartAsync();
        bench.Machine.Restart("second-boot");
        var path = bench.Machine.StateFolder.ContentPath(FakeMachine.BuildId, bench.Ledger().Wanted!);
        File.AppendAllText(path, "x");
        var damaged = (await bench.FailAsync(1, "load-persisted"))[0];
        Assert.Equal("ELP1207", damaged.Code);
        Assert.Contains(
            "`elivepatch patch` without a patch to have it built and fetched again",
            damaged.Remedy,
            StringComparison.Ordinal
        );
        // A manifest that somebody made fit it has no signature.
        File.WriteAllText(
            path + ".manifest.json",
            File.ReadAllText(path + ".manifest.json").Replace("\"payload\":\"ey", "\"payload\":\"ez", StringComparison.Ordinal)
        );
        File.WriteAllBytes(path, FakeMachine.Module(bench.Ledger().WantedLivepatch!.Module));
        Assert.Equal("ELP1103", (await bench.FailAsync(4, "load-persisted"))[0].Code);
        Assert.Empty(bench.Machine.Live);
        Assert.Equal(0, Boot(bench).Attempts);
    }

    [Fact]
    public async Task A_module_that_is_damaged_is_fetched_again_by_patch_without_a_patch()
    {
        await using var bench = await StartAsync();
        bench.Machine.Restart("second-boot");
        File.AppendAllText(bench.Machine.StateFolder.ContentPath(FakeMachine.BuildId, bench.Ledger().Wanted!), "x");
        await bench.FailAsync(1, "load-persisted");
        await bench.MustAsync("patch");
        Assert.Equal(["a.patch"], bench.LivePatches());
        Assert.Equal("ELP0950", (await bench.FailAsync(2, "patch"))[0].Code);
        bench.Machine.Restart("third-boot");
        await bench.MustAsync("load-persisted");
        Assert.Single(bench.Machine.Live);
    }

    [Fact]
    public async Task A_clock_that_jumps_makes_no_boot_count_more_or_less()
    {
        await using var bench = await StartAsync();
        var attempts = 0;
        foreach (var years in (int[])[-30, 30])
        {
            bench.Machine.Restart($"crash-{years}");
            var machine = bench.Machine.Access with
            {
                Time = new ShiftedTime(TimeSpan.FromDays(365 * years)),
                ProbationTime = TimeSpan.FromHours(1),
            };
            var loading = new BootLoading(
                machine,
                bench.Machine.StateFolder,
                new Progress<Elivepatch.Model.Progress.StageEvent>()
            );
            Assert.True((await loading.LoadAsync(Cancellation)).Value.WasLoaded);
            Assert.Equal(++attempts, Boot(bench).Attempts);
        }

        bench.Machine.Restart("third-boot");
        Assert.Equal("ELP1208", (await bench.FailAsync(4, "load-persisted"))[0].Code);
        // One that stays up while the clock jumps is harmless all the same.
        await PersistAsync(bench);
        bench.Machine.Restart("fourth-boot");
        var run = new TestSession { Machine = bench.Machine.Access with { Time = new ShiftedTime(TimeSpan.FromDays(-365)) } };
        Assert.True(await run.RunAsync("load-persisted") == 0, run.Error);
        Assert.Equal(0, Boot(bench).Attempts);
    }

    [Fact]
    public async Task After_two_crashes_nothing_is_loaded_until_somebody_turns_it_on_again()
    {
        await using var bench = await StartAsync();
        await CrashAsync(bench, "first-crash");
        Assert.Equal(1, Boot(bench).Attempts);
        await CrashAsync(bench, "second-crash");
        bench.Machine.Restart("third-boot");
        Assert.Equal("ELP1208", (await bench.FailAsync(4, "load-persisted"))[0].Code);
        Assert.Empty(bench.Machine.Live);
        Assert.Contains("loading at boot is suspended", (await bench.MustAsync("status")).Output, StringComparison.Ordinal);
        var run = await bench.MustAsync("patch", bench.Patch("b.patch"));
        Assert.Contains("not loaded at boot: that is suspended", run.Output, StringComparison.Ordinal);
        await PersistAsync(bench);
        bench.Machine.Restart("fourth-boot");
        await bench.MustAsync("load-persisted");
        Assert.Equal(["a.patch", "b.patch"], bench.LivePatches());
    }

    [Fact]
    public async Task Planned_restarts_soon_after_boot_do_not_count()
    {
        await using var bench = await StartAsync();
        for (var boot = 1; boot <= 3; boot++)
        {
            bench.Machine.Restart($"short-boot-{boot}");
            await StopAsync(bench, () => bench.Machine.Live.Count == 1);
            Assert.Equal(0, Boot(bench).Attempts);
        }

        bench.Machine.Restart("last-boot");
        await bench.MustAsync("load-persisted");
        Assert.Single(bench.Machine.Live);
    }

    [Fact]
    public async Task A_planned_restart_during_the_transition_does_not_count()
    {
        await using var bench = await StartAsync();
        bench.Machine.Restart("second-boot");
        bench.Machine.IsStuck = true;
        await StopAsync(bench, () => bench.Machine.Loaded.Count == 2);
        Assert.Equal(0, Boot(bench).Attempts);
    }

    [Fact]
    public async Task A_planned_restart_does_not_excuse_the_crash_before_it()
    {
        await using var bench = await StartAsync();
        await CrashAsync(bench, "first-crash");
        bench.Machine.Restart("short-boot");
        await StopAsync(bench, () => bench.Machine.Live.Count == 1);
        Assert.Equal(1, Boot(bench).Attempts);
        await CrashAsync(bench, "second-crash");
        bench.Machine.Restart("last-boot");
        Assert.Equal("ELP1208", (await bench.FailAsync(4, "load-persisted"))[0].Code);
    }

    [Fact]
    public async Task Boots_that_have_no_name_are_counted_each()
    {
        await using var bench = await StartAsync();
        await CrashAsync(bench, "");
        await CrashAsync(bench, "");
        bench.Machine.Restart("");
        Assert.Equal("ELP1208", (await bench.FailAsync(4, "load-persisted"))[0].Code);
        Assert.Empty(bench.Machine.Live);
    }

    [Fact]
    public async Task One_boot_is_one_attempt_however_often_the_command_is_killed_in_it()
    {
        await using var bench = await StartAsync();
        await CrashAsync(bench, "second-boot");
        bench.Machine.Restart("second-boot");
        await KillAsync(bench);
        Assert.Equal(1, Boot(bench).Attempts);
    }

    [Fact]
    public async Task The_attempt_is_on_the_disk_before_anything_is_loaded()
    {
        await using var bench = await StartAsync();
        bench.Machine.Restart("second-boot");
        var attempts = -1;
        var calls = new KernelCalls(
            _ =>
            {
                attempts = Boot(bench).Attempts;
                return 8;
            },
            _ => 0,
            () => ""
        );
        var loading = new BootLoading(
            bench.Machine.Access with
            {
                Calls = calls,
            },
            bench.Machine.StateFolder,
            new Progress<Elivepatch.Model.Progress.StageEvent>()
        );
        Assert.Equal("ELP1203", (await loading.LoadAsync(Cancellation)).Problems[0].Code.Id);
        Assert.Equal(1, attempts);
        // The kernel refused it and the machine is up: that was no crash.
        Assert.Equal(0, Boot(bench).Attempts);
    }

    [Fact]
    public async Task A_transition_that_is_stuck_is_no_crash()
    {
        await using var bench = await StartAsync();
        bench.Machine.Restart("second-boot");
        bench.Machine.IsStuck = true;
        var running = bench.RunAsync("load-persisted");
        await Eventually.IsTrueAsync(() => bench.Machine.Loaded.Count == 2);
        Assert.Equal(1, Boot(bench).Attempts);
        bench.Machine.Write($"sys/kernel/livepatch/{bench.Machine.Loaded[1]}/enabled", "0\n");
        bench.Machine.IsStuck = false;
        var (status, run) = await running;
        Assert.Equal(4, status);
        Assert.Contains("ELP1212", run.Error, StringComparison.Ordinal);
        // It was taken away again: nothing is in the kernel that could bring the machine down.
        Assert.Equal(0, Boot(bench).Attempts);
    }

    [Fact]
    public async Task A_livepatch_of_another_origin_is_not_replaced_at_boot()
    {
        await using var bench = await StartAsync();
        bench.Machine.Restart("second-boot");
        bench.Machine.LoadForeign("vendor_fix");
        Assert.Equal("ELP1210", (await bench.FailAsync(4, "load-persisted"))[0].Code);
        Assert.Equal(["vendor_fix"], bench.Machine.Live);
    }

    [Fact]
    public async Task Nothing_can_be_persisted_where_nothing_is_live_or_no_unit_could_run_it()
    {
        await using var bench = await PatchBench.StartAsync();
        Assert.Equal("ELP1214", (await bench.FailAsync(2, "persist"))[0].Code);
        await bench.MustAsync("patch", bench.Patch("a.patch"));
        foreach (var command in new[] { "/opt/my tools/elivepatch", "/usr/bin/dotnet", "elivepatch", "/opt/%n/elivepatch" })
        {
            var run = bench.Machine.NewSession();
            run.Variables["ELIVEPATCH_COMMAND"] = command;
            Assert.Equal(2, await run.RunAsync("persist"));
            Assert.Contains("ELP1214", run.Error, StringComparison.Ordinal);
        }
        Directory.Delete(bench.Machine.PathOf("etc/systemd/system"));
        Assert.Contains(
            "is this machine booted by systemd or OpenRC?",
            (await bench.FailAsync(2, "persist"))[0].Reason,
            StringComparison.Ordinal
        );
    }

    [Theory]
    [InlineData("{\"format\":1,")]
    [InlineData("{\"format\":7}")]
    [InlineData("")]
    public async Task A_damaged_note_of_loading_at_boot_is_set_aside_by_turning_it_off(string content)
    {
        await using var bench = await StartAsync();
        var path = bench.Machine.Write("var/lib/elivepatch/boot.json", content);
        var problem = (await bench.FailAsync(1, "load-persisted"))[0];
        Assert.Equal("ELP1207", problem.Code);
        Assert.Contains("`elivepatch persist --off`", problem.Remedy, StringComparison.Ordinal);
        // What another damaged one left is not written over.
        bench.Machine.Write("var/lib/elivepatch/boot.json.damaged-1", "earlier");
        var output = (await bench.MustAsync("persist", "--off")).Output;
        Assert.Equal(
            $"nothing is loaded at boot any more\nthe file that records loading at boot was damaged, and is now {path}.damaged-2\n",
            output
        );
        Assert.Equal(content, File.ReadAllText(path + ".damaged-2"));
        Assert.False(Boot(bench).IsOn);
        Assert.False(File.Exists(bench.Machine.PathOf("etc/systemd/system/elivepatch.service")));
        await PersistAsync(bench);
        bench.Machine.Restart("second-boot");
        await bench.MustAsync("load-persisted");
        Assert.Single(bench.Machine.Live);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task The_service_manager_is_told_when_it_is_live(bool isAbstract)
    {
        await using var bench = await StartAsync();
        bench.Machine.Restart("second-boot");
        var name = isAbstract ? "@elivepatch-test-" + Guid.NewGuid() : bench.Scratch.PathOf("notify");
        using var listener = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(isAbstract ? "\0" + name[1..] : name));
        var run = bench.Machine.NewSession();
        run.Variables["NOTIFY_SOCKET"] = name;
        Assert.Equal(0, await run.RunAsync("load-persisted"));
        var buffer = new byte[100];
        Assert.Equal(
            $"READY=1\nSTATUS={bench.Machine.Live[0]} is live",
            Encoding.UTF8.GetString(buffer, 0, listener.Receive(buffer))
        );
    }

    [Fact]
    public async Task The_boot_does_not_wait_for_a_transition_that_is_stuck()
    {
        await using var bench = await StartAsync();
        bench.Machine.Restart("second-boot");
        bench.Machine.IsStuck = true;
        var path = bench.Scratch.PathOf("notify");
        using var listener = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(path));
        var run = new TestSession { Machine = bench.Machine.Access with { BootPatience = TimeSpan.FromMilliseconds(1) } };
        run.Variables["NOTIFY_SOCKET"] = path;
        var running = run.RunAsync("load-persisted");
        var buffer = new byte[1000];
        var first = Encoding.UTF8.GetString(buffer, 0, await listener.ReceiveAsync(buffer, Cancellation));
        Assert.Equal("READY=1\nSTATUS=still at it; the boot goes on", first);
        Assert.False(running.IsCompleted);
        bench.Machine.IsStuck = false;
        Assert.Equal(0, await running);
        var second = Encoding.UTF8.GetString(buffer, 0, await listener.ReceiveAsync(buffer, Cancellation));
        Assert.Equal($"READY=1\nSTATUS={bench.Machine.Live[0]} is live", second);
    }

    [Fact]
    public async Task A_probe_that_is_in_the_way_early_and_gone_later_is_waited_for()
    {
        await using var bench = await StartAsync();
        bench.Machine.Restart("second-boot");
        bench.Machine.LoadError = 16;
        bench.Machine.LoadErrors = 3;
        bench.Machine.LoadComplaint =
            "[    9.000000] livepatch: failed to register ftrace handler for function 'vfs_read' (-16)\n";
        var path = bench.Scratch.PathOf("notify");
        using var listener = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(path));
        var run = bench.Machine.NewSession();
        run.Variables["NOTIFY_SOCKET"] = path;
        Assert.True(await run.RunAsync("load-persisted") == 0, run.Error);
        Assert.Single(bench.Machine.Live);
        Assert.Equal(0, Boot(bench).Attempts);
        Assert.Equal(
            3,
            run.Error.Split('\n')
                .Count(l => l.StartsWith("not now, again in 0 s: ELP1221 livepatch_a_", StringComparison.Ordinal))
        );
        // The boot is not kept waiting, and whoever looks sees why.
        var buffer = new byte[1000];
        var first = Encoding.UTF8.GetString(buffer, 0, listener.Receive(buffer));
        Assert.StartsWith("READY=1\nSTATUS=not now, again in 0 s: ELP1221 ", first, StringComparison.Ordinal);
        Assert.EndsWith("already diverted by something else: vfs_read", first, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_stays_in_the_way_is_not_waited_for_without_end_and_no_crash()
    {
        await using var bench = await StartAsync();
        bench.Machine.Restart("second-boot");
        bench.Machine.LoadError = 12;
        Assert.Equal("ELP1221", (await bench.FailAsync(75, "load-persisted"))[0].Code);
        Assert.Equal(0, Boot(bench).Attempts);
        Assert.Equal(bench.Machine.Access.BootPauses.Count + 1, bench.Machine.Log.Split("it is broken").Length - 1);
    }

    [Fact]
    public async Task What_does_not_go_away_is_not_tried_again()
    {
        await using var bench = await StartAsync();
        bench.Machine.Restart("second-boot");
        bench.Machine.LoadError = 8;
        Assert.Equal("ELP1203", (await bench.FailAsync(4, "load-persisted"))[0].Code);
        Assert.Equal(1, bench.Machine.Log.Split("it is broken").Length - 1);
    }

    [Fact]
    public async Task Another_elivepatch_at_work_is_waited_for()
    {
        await using var bench = await StartAsync();
        bench.Machine.Restart("second-boot");
        var making = bench.Machine.StateFolder.LockActivation().Value;
        var run = new TestSession
        {
            Machine = bench.Machine.Access with { BootPauses = [.. Enumerable.Repeat(TimeSpan.FromMilliseconds(5), 4000)] },
        };
        var running = run.RunAsync("load-persisted");
        await Eventually.IsTrueAsync(() => run.Error.Contains("ELP1209", StringComparison.Ordinal));
        making.Dispose();
        Assert.Equal(0, await running);
        Assert.Single(bench.Machine.Live);
    }

    [Fact]
    public async Task A_try_that_finds_the_transition_of_the_one_before_still_going_on_waits_for_its_end()
    {
        await using var bench = await StartAsync();
        bench.Machine.Restart("second-boot");
        bench.Machine.IsStuck = true;
        // The first try is killed while the transition goes on.
        using var kill = new CancellationTokenSource();
        var first = new BootLoading(
            bench.Machine.Access,
            bench.Machine.StateFolder,
            new Progress<Elivepatch.Model.Progress.StageEvent>()
        ).LoadAsync(kill.Token);
        await Eventually.IsTrueAsync(() => bench.Machine.Loaded.Count == 2);
        await kill.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first);
        var run = bench.Machine.NewSession();
        var second = run.RunAsync("load-persisted");
        await Eventually.IsTrueAsync(() => run.Error.Contains("go live", StringComparison.Ordinal));
        Assert.Equal("", run.Output);
        bench.Machine.IsStuck = false;
        Assert.Equal(0, await second);
        Assert.Equal(2, bench.Machine.Loaded.Count);
        Assert.Single(bench.Machine.Live);
    }

    private static async Task<PatchBench> StartAsync(Action<PatchBench>? prepare = null)
    {
        var bench = await PatchBench.StartAsync();
        prepare?.Invoke(bench);
        await bench.MustAsync("patch", bench.Patch("a.patch"));
        await PersistAsync(bench);
        return bench;
    }

    private static async Task PersistAsync(PatchBench bench)
    {
        var run = bench.Machine.NewSession();
        run.Variables["ELIVEPATCH_COMMAND"] = "/usr/local/sbin/elivepatch";
        Assert.True(await run.RunAsync("persist") == 0, run.Error);
    }

    // The command loads, and is never heard of again.
    private static async Task CrashAsync(PatchBench bench, string boot)
    {
        bench.Machine.Restart(boot);
        await KillAsync(bench);
    }

    private static async Task KillAsync(PatchBench bench)
    {
        var loading = new BootLoading(
            bench.Machine.Access,
            bench.Machine.StateFolder,
            new Progress<Elivepatch.Model.Progress.StageEvent>()
        );
        Assert.True((await loading.LoadAsync(Cancellation)).Value.WasLoaded);
    }

    // The command is told to end as soon as it has come so far.
    private static async Task StopAsync(PatchBench bench, Func<bool> hasComeSoFar)
    {
        using var stop = new CancellationTokenSource();
        var before = Boot(bench).Attempts;
        var run = new TestSession { Machine = bench.Machine.Access with { ProbationTime = TimeSpan.FromHours(1) } };
        var running = run.RunAsync(stop.Token, "load-persisted");
        await Eventually.IsTrueAsync(hasComeSoFar);
        Assert.Equal(before + 1, Boot(bench).Attempts);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running);
    }

    private static BootLedger Boot(PatchBench bench) => bench.Machine.StateFolder.ReadBoot().Value;
}
