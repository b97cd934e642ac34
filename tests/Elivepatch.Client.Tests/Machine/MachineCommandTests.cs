using System.Text.Json;
using Elivepatch.Client.Output;
using Elivepatch.Client.Tests.Service;
using Elivepatch.Machine;
using Elivepatch.Model.Explanations;
using Elivepatch.Protocol.Manifests;

namespace Elivepatch.Client.Tests.Machine;

/// <summary><c>status</c>, <c>disable</c> and <c>unload</c>, for livepatches of any origin.</summary>
public sealed class MachineCommandTests : IDisposable
{
    private readonly FakeMachine machine = new();

    [Fact]
    public async Task A_machine_without_livepatches_says_so()
    {
        Assert.Equal(
            $"kernel {FakeMachine.Release}, build-id {FakeMachine.BuildId}\nno livepatch is loaded\nloading at boot is off\n",
            await MustAsync("status")
        );
        Directory.Delete(machine.PathOf("sys/kernel/livepatch"));
        Assert.Contains("it cannot be live patched", await MustAsync("status"), StringComparison.Ordinal);
        Assert.Contains("ELP1202", await FailAsync(1, "disable", "vendor_fix"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Foreign_livepatches_are_shown_with_what_blocks_them()
    {
        machine.IsStuck = true;
        machine.LoadForeign("vendor_fix", inTransition: true);
        machine.AddTask(77, "evil\u001b[31m", 0, "do_select+0x1/0x2");
        var text = await MustAsync("status");
        Assert.Contains(
            "vendor_fix: going live, of another origin\n  function vmlinux/meminfo_proc_show\n  1 task has not switched yet\n    task 77 (evil\\x1b[31m)\n      do_select+0x1/0x2\n",
            text,
            StringComparison.Ordinal
        );
        Assert.Contains("`elivepatch disable vendor_fix` reverses the transition", text, StringComparison.Ordinal);
        var status = JsonSerializer.Deserialize(await MustAsync("status", "--json"), ClientJson.Default.StatusReport)!;
        Assert.Equal(
            ("going live", 1, 77),
            (status.Livepatches[0].State, status.Livepatches[0].BlockingCount, status.Livepatches[0].Blocking[0].Id)
        );
    }

    [Fact]
    public async Task Each_module_that_a_livepatch_is_for_is_patched_or_waited_for_or_absent()
    {
        machine.Write("proc/sys/kernel/osrelease", FakeMachine.Release + "\n");
        machine.Write(
            $"lib/modules/{FakeMachine.Release}/modules.dep",
            "kernel/net/netfilter/nf_tables.ko.xz: kernel/net/netfilter/nfnetlink.ko.xz\nkernel/drivers/md/dm-mod.ko:\n"
        );
        machine.LoadForeign("vendor_fix");
        foreach (var module in new[] { "nf_tables", "dm_mod", "zfs", "btrfs" })
        {
            machine.Folder($"sys/kernel/livepatch/vendor_fix/{module}/function,1");
            machine.Write($"sys/kernel/livepatch/vendor_fix/{module}/patched", module == "nf_tables" ? "1\n" : "0\n");
        }

        machine.Write("sys/module/nf_tables/initstate", "live\n");
        machine.Write("sys/module/btrfs/initstate", "live\n");
        var text = await MustAsync("status");
        Assert.Contains("  module nf_tables: patched\n", text, StringComparison.Ordinal);
        Assert.Contains("  module dm_mod: not loaded; it is patched when it is\n", text, StringComparison.Ordinal);
        Assert.Contains("  module zfs: not installed here\n", text, StringComparison.Ordinal);
        Assert.Contains("  module btrfs: loaded and NOT patched; the kernel's log says why\n", text, StringComparison.Ordinal);

        // Kernels before 6.1 do not say; what is loaded is patched, or the livepatch would not be.
        File.Delete(machine.PathOf("sys/kernel/livepatch/vendor_fix/btrfs/patched"));
        var status = JsonSerializer.Deserialize(await MustAsync("status", "--json"), ClientJson.Default.StatusReport)!;
        Assert.Equal(
            [
                new("btrfs", PatchedModuleState.Patched),
                new("dm_mod", PatchedModuleState.Waiting),
                new("nf_tables", PatchedModuleState.Patched),
                new("zfs", PatchedModuleState.Absent),
            ],
            status.Livepatches[0].Modules.OrderBy(m => m.Name, StringComparer.Ordinal)
        );
    }

    [Fact]
    public async Task A_module_whose_file_is_replaced_by_another_build_is_told()
    {
        await using var bench = await PatchBench.StartAsync();
        bench.Server.Alter = s => WithObject(s, new("loop", "01020304", 1, false));
        await bench.MustAsync("patch", bench.Patch("a.patch"));
        var live = bench.Machine.Live.Single();
        bench.Machine.Folder($"sys/kernel/livepatch/{live}/loop/function,1");
        var modules = $"lib/modules/{FakeMachine.Release}";
        bench.Machine.Write($"{modules}/modules.dep", "loop.ko:\n");
        InstallModule(bench, "1,2,3,4");
        Assert.DoesNotContain("another build", (await bench.MustAsync("status")).Output, StringComparison.Ordinal);
        InstallModule(bench, "4,3,2,1");
        Assert.Contains(
            "  module loop: not loaded; it is patched when it is\n    the file that is installed now is another build",
            (await bench.MustAsync("status")).Output,
            StringComparison.Ordinal
        );
        Assert.Contains(
            $"{live} is for another build of loop than the one that is installed now",
            (await bench.RunAsync("status", "--check")).Run.Output,
            StringComparison.Ordinal
        );

        static Statement WithObject(Statement statement, ExplainedObject patched)
        {
            var definition = statement.Predicate.BuildDefinition;
            var made = definition.InternalParameters with { Objects = [patched] };
            return statement with
            {
                Predicate = statement.Predicate with { BuildDefinition = definition with { InternalParameters = made } },
            };
        }

        void InstallModule(PatchBench on, string buildId)
        {
            var code = $$"""
                asm(".section .note.gnu.build-id,\"a\",@note\n.long 4, 4, 3\n.asciz \"GNU\"\n.byte {{buildId}}\n.previous\n");
                int loop_module;
                """;
            File.Copy(on.Scratch.Compile("loop", code), on.Machine.PathOf($"{modules}/loop.ko"), overwrite: true);
        }
    }

    [Fact]
    public void A_module_of_the_same_name_that_is_another_build_is_a_stranger()
    {
        var (own, other) = (new string('a', 40), new string('b', 40));
        foreach (var (module, buildId) in new[] { ("same", own), ("stranger", other) })
        {
            machine.Folder($"sys/module/{module}/notes");
            File.WriteAllBytes(machine.PathOf($"sys/module/{module}/notes/.note.gnu.build-id"), FakeMachine.Note(buildId));
        }

        machine.Folder("sys/module/silent");
        var problem = Assert.Single(
            new LoadedLivepatches(machine.Access.Files).FindStrangers([
                new("vmlinux", null, 1, false),
                new("same", own, 1, false),
                new("stranger", own, 1, false),
                new("silent", own, 1, false),
                new("absent", own, 1, false),
                new("../../etc", own, 1, false),
            ])
        );
        Assert.Equal(MachineProblems.OtherModuleLoaded, problem.Code);
        Assert.Contains("stranger", problem.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_livepatch_is_disabled_and_then_unloaded()
    {
        machine.LoadForeign("vendor_fix");
        Assert.Contains("ELP1206", await FailAsync(4, "unload", "vendor_fix"), StringComparison.Ordinal);
        Assert.Equal(
            "vendor_fix: disabled; `elivepatch unload vendor_fix` removes its module\n",
            await MustAsync("disable", "vendor_fix")
        );
        Assert.Contains("vendor_fix: loaded, of another origin", await MustAsync("status"), StringComparison.Ordinal);
        Assert.Contains("it can be unloaded", await FailAsync(2, "disable", "vendor_fix"), StringComparison.Ordinal);
        Assert.Equal("vendor_fix: unloaded\n", await MustAsync("unload", "vendor_fix"));
        Assert.Contains("ELP1205", await FailAsync(2, "unload", "vendor_fix"), StringComparison.Ordinal);
        Assert.Empty(machine.Modules);
    }

    [Theory]
    [InlineData("../../etc")]
    [InlineData("")]
    [InlineData("a/b")]
    public async Task A_name_that_is_a_path_is_no_livepatch(string name)
    {
        Assert.Contains("ELP1205", await FailAsync(2, "disable", name), StringComparison.Ordinal);
        Assert.Contains("ELP1205", await FailAsync(2, "unload", name), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_module_that_is_no_livepatch_is_not_unloaded()
    {
        machine.Write("sys/module/ext4/taint", "\n");
        Assert.Contains("not a livepatch", await FailAsync(2, "unload", "ext4"), StringComparison.Ordinal);
        Assert.Equal(["ext4"], machine.Modules);
    }

    [Fact]
    public async Task A_transition_that_does_not_end_is_forced_only_when_that_is_asked_for()
    {
        machine.LoadForeign("vendor_fix");
        machine.IsStuck = true;
        machine.AddTask(9, "sleepy", 1, "old_function+0x1/0x2");
        var error = await FailAsync(75, "disable", "vendor_fix", "--transition-limit", "0");
        Assert.Contains("ELP1204", error, StringComparison.Ordinal);
        Assert.Contains("task 9 (sleepy)\n    old_function+0x1/0x2\n", error, StringComparison.Ordinal);
        Assert.Contains(
            "`elivepatch disable vendor_fix --force` ends it regardless and can bring the machine down",
            error,
            StringComparison.Ordinal
        );
        Assert.Equal("0", machine.Access.Files.ReadText("sys/kernel/livepatch/vendor_fix/force"));
        await Eventually.IsTrueAsync(() => machine.Access.Files.ReadText("sys/kernel/livepatch/vendor_fix/transition") == "1");
        Assert.Contains("vendor_fix: going away", await MustAsync("status"), StringComparison.Ordinal);
        Assert.Contains(
            "disabled by force",
            await MustAsync("disable", "vendor_fix", "--force", "--transition-limit", "0"),
            StringComparison.Ordinal
        );
    }

    [Fact]
    public async Task A_livepatch_whose_way_out_is_blocked_can_be_kept()
    {
        machine.LoadForeign("vendor_fix");
        machine.IsStuck = true;
        machine.AddTask(9, "sleepy", 1, "old_function+0x1/0x2");
        Assert.Contains(
            "`elivepatch enable vendor_fix` reverses the transition",
            await FailAsync(75, "disable", "vendor_fix", "--transition-limit", "0"),
            StringComparison.Ordinal
        );
        await Eventually.IsTrueAsync(() => machine.Access.Files.ReadText("sys/kernel/livepatch/vendor_fix/transition") == "1");
        Assert.Contains(
            "`elivepatch enable vendor_fix` reverses the transition",
            await MustAsync("status"),
            StringComparison.Ordinal
        );

        // The way back can be blocked as well.
        machine.AddTask(9, "sleepy", 0, "new_function+0x1/0x2");
        Assert.Contains(
            "not yet live again for all tasks",
            await FailAsync(75, "enable", "vendor_fix", "--transition-limit", "0"),
            StringComparison.Ordinal
        );
        machine.IsStuck = false;
        await Eventually.IsTrueAsync(() => machine.IsSettled);
        Assert.Equal(["vendor_fix"], machine.Live);
        Assert.Equal("vendor_fix: live\n", await MustAsync("enable", "vendor_fix"));
    }

    [Fact]
    public async Task To_enable_turns_a_transition_around_while_disable_waits()
    {
        machine.LoadForeign("vendor_fix");
        machine.IsStuck = true;
        var disabling = machine.NewSession();
        var waiting = disabling.RunAsync("disable", "vendor_fix");
        await Eventually.IsTrueAsync(() => machine.Access.Files.ReadText("sys/kernel/livepatch/vendor_fix/transition") == "1");
        var enabling = machine.NewSession().RunAsync("enable", "vendor_fix");
        await Eventually.IsTrueAsync(() => machine.Access.Files.ReadText("sys/kernel/livepatch/vendor_fix/enabled") == "1");
        machine.IsStuck = false;
        Assert.Equal(0, await enabling);
        Assert.Equal(4, await waiting);
        Assert.Contains("ELP1212", disabling.Error, StringComparison.Ordinal);
        Assert.Equal(["vendor_fix"], machine.Live);
    }

    [Fact]
    public async Task What_is_gone_cannot_be_enabled()
    {
        machine.LoadForeign("vendor_fix");
        await MustAsync("disable", "vendor_fix");
        var error = await FailAsync(2, "enable", "vendor_fix");
        Assert.Contains("its transition has completed", error, StringComparison.Ordinal);
        Assert.Contains("ELP1205", await FailAsync(2, "enable", "../../etc"), StringComparison.Ordinal);
        Assert.Empty(machine.Live);
    }

    [Fact]
    public async Task What_the_list_cannot_tell_the_kernel_does()
    {
        machine.LoadForeign("vendor_fix");
        machine.Write($"var/lib/elivepatch/kernels/{FakeMachine.BuildId}/ledger.json", "{");
        var text = await MustAsync("status");
        Assert.Contains("vendor_fix: live", text, StringComparison.Ordinal);
        Assert.Contains("ELP1207", text, StringComparison.Ordinal);
        // To disable has to be possible at any time.
        Assert.Contains(
            "vendor_fix is disabled, and comes back at the next boot where livepatches are loaded then: ",
            await FailAsync(1, "disable", "vendor_fix"),
            StringComparison.Ordinal
        );
        Assert.Empty(machine.Live);
    }

    [Fact]
    public async Task A_transition_that_moves_while_it_is_watched_is_seen_to_its_end()
    {
        machine.IsStuck = true;
        machine.LoadForeign("vendor_fix", inTransition: true);
        machine.AddTask(5, "worker", 0);
        var details = new List<string>();
        var watching = new TransitionWatch(machine.Access).WaitAsync(
            "vendor_fix",
            toLive: true,
            TimeSpan.FromSeconds(20),
            details.Add,
            TestContext.Current.CancellationToken
        );
        await Eventually.IsTrueAsync(() => details.Count > 0);
        machine.IsStuck = false;
        Assert.Equal(TransitionEnd.Done, await watching);
        Assert.Equal("1 task to go: worker (5)", details[0]);
    }

    public void Dispose() => machine.Dispose();

    private async Task<string> MustAsync(params string[] words)
    {
        var run = machine.NewSession();
        var status = await run.RunAsync(words);
        Assert.True(status == 0, run.Error + run.Output);
        return run.Output;
    }

    private async Task<string> FailAsync(int status, params string[] words)
    {
        var run = machine.NewSession();
        Assert.Equal(status, await run.RunAsync(words));
        return run.Error;
    }
}
