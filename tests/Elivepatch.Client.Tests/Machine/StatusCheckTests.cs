using System.Text.Json;
using Elivepatch.Client.Tests.Service;
using Elivepatch.Machine;

namespace Elivepatch.Client.Tests.Machine;

/// <summary><c>status --check</c>: one line and a status for a monitoring system.</summary>
public sealed class StatusCheckTests
{
    private const string Ledger = $"var/lib/elivepatch/kernels/{FakeMachine.BuildId}/ledger.json";

    [Fact]
    public async Task All_is_well_where_nothing_is_wanted_and_where_it_is_live()
    {
        await using var bench = await PatchBench.StartAsync();
        await ExpectAsync(bench, 0, $"OK: no livepatch is wanted for {FakeMachine.Release}");
        await bench.MustAsync("patch", bench.Patch("a.patch"));
        await ExpectAsync(bench, 0, $"OK: {bench.Machine.Live.Single()} live");
    }

    [Fact]
    public async Task What_is_wanted_and_not_live_is_critical()
    {
        await using var bench = await PatchBench.StartAsync();
        await bench.MustAsync("patch", bench.Patch("a.patch"));
        var name = bench.Machine.Live.Single();
        bench.Machine.Restart("second-boot");
        await ExpectAsync(bench, 2, $"CRITICAL: {name} is wanted and not live (a.patch; loading at boot is off)");
    }

    [Fact]
    public async Task What_somebody_disabled_is_not_missed()
    {
        await using var bench = await PatchBench.StartAsync();
        await bench.MustAsync("patch", bench.Patch("a.patch"));
        await bench.MustAsync("disable", bench.Machine.Live.Single());
        await ExpectAsync(bench, 0, $"OK: no livepatch is wanted for {FakeMachine.Release}");
    }

    [Theory]
    [InlineData(10, 100_000, 1, "WARNING: {0} is going live, 1 to go: sleepy (7)")]
    [InlineData(3600, 3600, 2, "CRITICAL: {0} is going live for 60 minutes, 1 to go: sleepy (7)")]
    // It was accepted long ago, and is loaded at boot just now.
    [InlineData(3600, 20, 1, "WARNING: {0} is going live, 1 to go: sleepy (7)")]
    public async Task A_transition_is_a_warning_until_it_is_known_to_be_stuck(int accepted, int up, int status, string line)
    {
        await using var bench = await PatchBench.StartAsync();
        bench.Machine.IsStuck = true;
        bench.Machine.AddTask(7, "sleepy", 0);
        await bench.FailAsync(75, "patch", bench.Patch("a.patch"), "--transition-limit", "0");
        bench.Machine.Write("proc/uptime", $"{up}.25 1.00\n");
        var late = bench.Machine.Access with { Time = new ShiftedTime(TimeSpan.FromSeconds(accepted)) };
        var run = new TestSession { Machine = late };
        Assert.Equal(status, await run.RunAsync("status", "--check"));
        Assert.Equal(string.Format(null, line, bench.Machine.Loaded[0]) + "\n", run.Output);
    }

    [Fact]
    public async Task Of_the_transition_of_others_it_is_not_known_how_long_it_lasts()
    {
        await using var bench = await PatchBench.StartAsync();
        bench.Machine.IsStuck = true;
        bench.Machine.LoadForeign("vendor_fix", inTransition: true);
        bench.Machine.Write("proc/uptime", "100000.25 1.00\n");
        await ExpectAsync(bench, 1, "WARNING: vendor_fix is going live");
    }

    [Fact]
    public async Task Loading_at_boot_that_will_not_happen_is_a_warning()
    {
        await using var bench = await PatchBench.StartAsync();
        await bench.MustAsync("patch", bench.Patch("a.patch"));
        var run = bench.Machine.NewSession();
        run.Variables["ELIVEPATCH_COMMAND"] = "/usr/local/sbin/elivepatch";
        Assert.Equal(0, await run.RunAsync("persist"));
        await ExpectAsync(bench, 0, $"OK: {bench.Machine.Live.Single()} live");
        Assert.Null(bench.Machine.StateFolder.Write(new BootLedger { IsOn = true, Attempts = 2 }));
        await ExpectAsync(
            bench,
            1,
            "WARNING: loading at boot is suspended after crashes; `elivepatch persist` turns it on again"
        );
        Assert.Null(bench.Machine.StateFolder.Write(new BootLedger { IsOn = true }));
        File.Delete(bench.Machine.PathOf("etc/systemd/system/multi-user.target.wants/elivepatch.service"));
        Assert.Contains(
            "is missing or not enabled; run `elivepatch persist`",
            (await CheckAsync(bench, 1)).Output,
            StringComparison.Ordinal
        );
    }

    [Theory]
    [InlineData(Ledger)]
    [InlineData("var/lib/elivepatch/boot.json")]
    public async Task A_damaged_list_is_critical(string file)
    {
        await using var bench = await PatchBench.StartAsync();
        bench.Machine.Write(file, "{\n\n");
        var run = await CheckAsync(bench, 2);
        Assert.StartsWith("CRITICAL: ELP1207 ", run.Output, StringComparison.Ordinal);
        Assert.Single(run.Output.TrimEnd('\n').Split('\n'));
    }

    [Fact]
    public async Task Where_nothing_can_be_told_it_is_unknown()
    {
        await using var bench = await PatchBench.StartAsync();
        Assert.StartsWith(
            "UNKNOWN: ELP0950 --check asks no server",
            (await CheckAsync(bench, 3, "--report")).Output,
            StringComparison.Ordinal
        );
        Directory.Delete(bench.Machine.PathOf("sys/kernel/livepatch"));
        Assert.StartsWith(
            "UNKNOWN: 6.12.5-gentoo-r1 cannot be live patched",
            (await CheckAsync(bench, 3)).Output,
            StringComparison.Ordinal
        );
        File.Delete(bench.Machine.PathOf("sys/kernel/notes"));
        Assert.StartsWith("UNKNOWN: ELP1202 ", (await CheckAsync(bench, 3)).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Scripts_get_the_findings_as_data_the_worst_first()
    {
        await using var bench = await PatchBench.StartAsync();
        await bench.MustAsync("patch", bench.Patch("a.patch"));
        bench.Machine.Restart("second-boot");
        bench.Machine.IsStuck = true;
        bench.Machine.LoadForeign("vendor_fix", inTransition: true);
        var report = JsonDocument.Parse((await CheckAsync(bench, 2, "--json")).Output).RootElement;
        Assert.Equal("Critical", report.GetProperty("state").GetString());
        Assert.Equal(
            ["Critical", "Warning"],
            report.GetProperty("findings").EnumerateArray().Select(f => f.GetProperty("state").GetString())
        );
    }

    private static async Task ExpectAsync(PatchBench bench, int status, string line) =>
        Assert.Equal(line + "\n", (await CheckAsync(bench, status)).Output);

    private static async Task<TestSession> CheckAsync(PatchBench bench, int status, params string[] words)
    {
        var run = bench.Machine.NewSession();
        var actual = await run.RunAsync(["status", "--check", .. words]);
        Assert.True(actual == status, $"{actual}: {run.Output}{run.Error}");
        return run;
    }
}
