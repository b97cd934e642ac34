using Elivepatch.Protocol;
using Elivepatch.Protocol.Api;

namespace Elivepatch.Client.Tests.Service;

/// <summary><c>status --report</c>.</summary>
public sealed class StatusReportTests
{
    [Fact]
    public async Task The_trusted_server_is_told_what_status_shows()
    {
        await using var bench = await PatchBench.StartAsync();
        bench.Machine.Write("proc/sys/kernel/hostname", "web-01\n");
        bench.Machine.IsStuck = true;
        bench.Machine.LoadForeign("vendor_fix", inTransition: true);
        bench.Machine.AddTask(77, "evil\u001b[31m\u202e", 0, "do_select+0x1/0x2");
        var run = await bench.MustAsync("status", "--report");
        Assert.EndsWith($"reported to {bench.Server.Url} as web-01\n", run.Output, StringComparison.Ordinal);
        var report = Assert.Single(bench.Server.Reports);
        Assert.Equal(
            ("web-01", Machine.FakeMachine.Release, Machine.FakeMachine.BuildId, "off"),
            (report.Name, report.Release, report.BuildId, report.Boot)
        );
        var livepatch = Assert.Single(report.Livepatches);
        Assert.Equal(
            ("vendor_fix", LivepatchStates.GoingLive, false, 1, 1),
            (livepatch.Name, livepatch.State, livepatch.IsOurs, livepatch.FunctionCount, livepatch.BlockingCount)
        );
        Assert.Equal(["evil?[31m? (77)"], livepatch.Blocking);
        Assert.Equal(["vmlinux/meminfo_proc_show"], livepatch.Functions);
    }

    [Fact]
    public async Task A_livepatch_of_ours_is_reported_with_its_patches()
    {
        await using var bench = await PatchBench.StartAsync();
        await bench.MustAsync("patch", bench.Patch("a.patch"));
        await bench.MustAsync("status", "--report", "--machine", "db-02", "--json");
        var report = Assert.Single(bench.Server.Reports);
        Assert.Equal("db-02", report.Name);
        var livepatch = Assert.Single(report.Livepatches);
        Assert.Equal((LivepatchStates.Live, true, "a.patch"), (livepatch.State, livepatch.IsOurs, livepatch.Patches[0].Name));
    }

    [Fact]
    public async Task Text_of_any_length_is_cut_to_what_a_server_takes()
    {
        await using var bench = await PatchBench.StartAsync();
        bench.Machine.IsStuck = true;
        bench.Machine.LoadForeign("vendor_fix", inTransition: true);
        for (var i = 1; i <= 30; i++)
        {
            bench.Machine.AddTask(i, new string('x', 62) + "\U0001F600", 0, "f+0x1/0x2");
        }

        await bench.MustAsync("status", "--report", "--machine", "m");
        var livepatch = Assert.Single(bench.Server.Reports).Livepatches[0];
        Assert.Equal((30, MachineReport.MostTasks), (livepatch.BlockingCount, livepatch.Blocking.Count));
        Assert.All(livepatch.Blocking, name => Assert.Equal(new string('x', 62) + "\U0001F600", name));
    }

    [Fact]
    public async Task What_cannot_be_reported_says_why()
    {
        await using var bench = await PatchBench.StartAsync();
        bench.Machine.Write("proc/sys/kernel/hostname", "a\u001bb");
        Assert.Equal("ELP0950", (await bench.FailAsync(2, "status", "--server", bench.Server.Url))[0].Code);
        Assert.Contains("--machine", (await bench.FailAsync(2, "status", "--report"))[0].Remedy, StringComparison.Ordinal);
        Assert.Equal(
            "ELP0950",
            (await bench.FailAsync(2, "status", "--report", "--machine", "x ", "--server", "nonsense"))[0].Code
        );
        bench.Server.Instead["POST /api/v1/machines"] = context =>
            FakeServer.ProblemAsync(context, 403, new ProblemReport("ELP1005", "t", "r", "m") { Kind = "usage" });
        Assert.Equal("ELP1005", (await bench.FailAsync(2, "status", "--report", "--machine", "m"))[0].Code);
        Assert.Empty(bench.Server.Reports);
    }

    [Fact]
    public async Task A_machine_that_trusts_no_server_reports_to_none()
    {
        await using var bench = await PatchBench.StartAsync(trusts: false);
        Assert.Contains(
            "no server is named",
            (await bench.FailAsync(2, "status", "--report", "--machine", "m"))[0].Reason,
            StringComparison.Ordinal
        );
        await bench.MustAsync("status", "--report", "--machine", "m", "--server", bench.Server.Url);
        Assert.Single(bench.Server.Reports);
    }
}
