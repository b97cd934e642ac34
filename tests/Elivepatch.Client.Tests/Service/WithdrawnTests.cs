using System.Text.Json;
using Elivepatch.Client.Tests.Machine;
using Elivepatch.Protocol;
using Elivepatch.Protocol.Api;
using Elivepatch.Protocol.Manifests;

namespace Elivepatch.Client.Tests.Service;

/// <summary>A livepatch is live, and the server that built it withdraws it.</summary>
public sealed class WithdrawnTests
{
    private static readonly ProblemReport rule = new(
        "ELP0610",
        "the kernel has no such function to patch",
        "gone (rule patch-old-functions)",
        "m"
    )
    {
        Kind = "mismatch",
    };

    [Fact]
    public async Task A_report_tells_the_machine_which_keeps_it_and_shows_it_without_a_server()
    {
        await using var bench = await PatchBench.StartAsync();
        await bench.MustAsync("patch", bench.Patch("a.patch"));
        Withdraw(bench);
        var run = await bench.MustAsync("status", "--report", "--machine", "m");
        AssertShown(bench, run.Output);
        Assert.Equal(bench.Ledger().Livepatches[0].Sha256, bench.Server.Reports[0].Livepatches[0].Sha256);
        var path = Path.Combine(bench.Machine.State, "kernels", FakeMachine.BuildId, "withdrawn.json");
        var written = File.GetLastWriteTimeUtc(path);

        await bench.MustAsync("status", "--report", "--machine", "m");
        Assert.Equal(written, File.GetLastWriteTimeUtc(path));
        await bench.Server.DisposeAsync();
        AssertShown(bench, (await bench.MustAsync("status")).Output);
        var (status, check) = await bench.RunAsync("status", "--check");
        Assert.Equal(2, status);
        Assert.Matches("^CRITICAL: livepatch_a_[0-9a-f]+ was withdrawn by [^\n]+, and is live\n$", check.Output);
        var json = JsonDocument
            .Parse((await bench.MustAsync("status", "--json")).Output)
            .RootElement.GetProperty("livepatches")[0]
            .GetProperty("withdrawn");
        Assert.Equal("ELP0610", json.GetProperty("problems")[0].GetProperty("code").GetString());
        Assert.Contains("elivepatch patch", json.GetProperty("remedy").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Only_what_the_servers_key_has_signed_is_believed()
    {
        await using var bench = await PatchBench.StartAsync();
        await bench.MustAsync("patch", bench.Patch("a.patch"));
        Withdraw(bench, key: SigningKey.Create());
        var run = await bench.MustAsync("status", "--report", "--machine", "m");
        Assert.DoesNotContain("WITHDRAWN", run.Output, StringComparison.Ordinal);
        Assert.Contains("ELP1103", run.Output, StringComparison.Ordinal);

        // A manifest is signed by the same key and is no notice.
        bench.Server.Withdrawals[0] = bench.Server.Withdrawals[0] with
        {
            PayloadType = Statement.PayloadType,
        };
        Assert.Contains(
            "ELP1102",
            (await bench.MustAsync("status", "--report", "--machine", "m")).Output,
            StringComparison.Ordinal
        );
        Assert.False(File.Exists(Path.Combine(bench.Machine.State, "kernels", FakeMachine.BuildId, "withdrawn.json")));
    }

    [Fact]
    public async Task A_key_that_was_rotated_since_is_reached_by_endorsement()
    {
        await using var bench = await PatchBench.StartAsync();
        await bench.MustAsync("patch", bench.Patch("a.patch"));
        bench.Server.Rotate(isEndorsed: true);
        Withdraw(bench);
        AssertShown(bench, (await bench.MustAsync("status", "--report", "--machine", "m")).Output);
    }

    [Fact]
    public async Task Patch_asks_about_what_is_live_already_and_replaces_it_where_it_is_withdrawn()
    {
        await using var bench = await PatchBench.StartAsync();
        await bench.MustAsync("patch", bench.Patch("a.patch"));
        var first = Assert.Single(bench.Machine.Live);
        Assert.Contains(
            "is live already",
            (await bench.MustAsync("patch", bench.Patch("a.patch"))).Output,
            StringComparison.Ordinal
        );
        Withdraw(bench);
        var run = await bench.MustAsync("patch", bench.Patch("a.patch"));
        Assert.Contains($"no longer live: {first} was withdrawn by {bench.Server.Url}", run.Output, StringComparison.Ordinal);
        var second = Assert.Single(bench.Machine.Live);
        Assert.NotEqual(first, second);
        Assert.Equal(["a.patch"], bench.LivePatches());
        Assert.DoesNotContain("WITHDRAWN", (await bench.MustAsync("status")).Output, StringComparison.Ordinal);
        Assert.Contains(
            "is live already",
            (await bench.MustAsync("patch", bench.Patch("a.patch"))).Output,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public async Task Patch_without_a_patch_has_a_withdrawn_livepatch_built_anew()
    {
        await using var bench = await PatchBench.StartAsync();
        await bench.MustAsync("patch", bench.Patch("a.patch"), bench.Patch("b.patch"));
        Assert.Equal("ELP0950", (await bench.FailAsync(2, "patch"))[0].Code);
        Withdraw(bench);
        await bench.MustAsync("status", "--report", "--machine", "m");
        var result = JsonDocument.Parse((await bench.MustAsync("patch", "--json")).Output).RootElement;
        Assert.Equal("live", result.GetProperty("state").GetString());
        Assert.Equal("ELP0610", result.GetProperty("withdrawn")[0].GetProperty("problems")[0].GetProperty("code").GetString());
        Assert.Equal(["a.patch", "b.patch"], bench.LivePatches());
        Assert.Single(bench.Machine.Live);
        Assert.Equal("ELP0950", (await bench.FailAsync(2, "patch"))[0].Code);
    }

    [Fact]
    public async Task A_further_patch_says_that_what_it_replaces_was_withdrawn()
    {
        await using var bench = await PatchBench.StartAsync();
        await bench.MustAsync("patch", bench.Patch("a.patch"));
        Withdraw(bench);
        var run = await bench.MustAsync("patch", bench.Patch("b.patch"));
        Assert.Contains("was withdrawn by", run.Output, StringComparison.Ordinal);
        Assert.Equal(["a.patch", "b.patch"], bench.LivePatches());
    }

    [Fact]
    public async Task Where_it_cannot_be_built_anew_what_is_live_and_withdrawn_is_named_with_the_way_out()
    {
        await using var bench = await PatchBench.StartAsync();
        await bench.MustAsync("patch", bench.Patch("a.patch"));
        var live = bench.Machine.Live[0];
        Withdraw(bench);
        bench.Server.End = b => b with { State = BuildState.Refused, Problems = [rule] };
        var problems = await bench.FailAsync(5, "patch", bench.Patch("a.patch"));
        Assert.Equal(["ELP0610", "ELP1218"], problems.Select(p => p.Code));
        Assert.Contains($"`elivepatch disable {live}`", problems[1].Remedy, StringComparison.Ordinal);
        Assert.Equal([live], bench.Machine.Live);
        await bench.MustAsync("disable", live);
        Assert.Empty(bench.Machine.Live);
    }

    [Fact]
    public async Task What_is_live_already_is_so_without_a_server()
    {
        await using var bench = await PatchBench.StartAsync();
        await bench.MustAsync("patch", bench.Patch("a.patch"));
        bench.Server.Instead["GET /api/v1/withdrawals/*"] = context =>
            FakeServer.ProblemAsync(context, 404, new ProblemReport("ELP1010", "t", "r", "m") { Kind = "usage" });
        Assert.Contains(
            "is live already",
            (await bench.MustAsync("patch", bench.Patch("a.patch"))).Output,
            StringComparison.Ordinal
        );
        await bench.Server.DisposeAsync();
        Assert.Contains(
            "is live already",
            (await bench.MustAsync("patch", bench.Patch("a.patch"))).Output,
            StringComparison.Ordinal
        );
        Assert.Single(bench.Server.Submissions);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_build_that_is_withdrawn_while_it_is_followed_is_not_loaded(bool isSeen)
    {
        await using var bench = await PatchBench.StartAsync();
        if (isSeen)
        {
            bench.Server.End = b => b with { State = BuildState.Withdrawn, Problems = [rule] };
        }
        else
        {
            bench.Server.Instead["GET /api/v1/builds/0/artifact"] = context =>
                FakeServer.ProblemAsync(
                    context,
                    410,
                    new ProblemReport("ELP1073", ServiceProblems.LivepatchWithdrawn.Title, "ELP0610 gone", "m")
                    {
                        Kind = "refused",
                        Temporary = true,
                    }
                );
        }

        var problem = Assert.Single(await bench.FailAsync(75, "patch", bench.Patch("a.patch")));
        Assert.Equal("ELP1073", problem.Code);
        Assert.Contains("ELP0610", problem.Reason, StringComparison.Ordinal);
        Assert.Empty(bench.Machine.Live);
    }

    [Fact]
    public async Task A_livepatch_that_is_known_to_be_withdrawn_is_not_loaded_at_boot()
    {
        await using var bench = await PatchBench.StartAsync();
        await bench.MustAsync("patch", bench.Patch("a.patch"));
        await bench.MustAsync("persist");
        Withdraw(bench);
        Assert.DoesNotContain(
            "loaded again at boot",
            (await bench.MustAsync("status", "--report", "--machine", "m")).Output,
            StringComparison.Ordinal
        );
        bench.Machine.Restart("second-boot");
        var problem = Assert.Single(await bench.FailAsync(4, "load-persisted"));
        Assert.Equal("ELP1218", problem.Code);
        Assert.Contains("gone (rule patch-old-functions)", problem.Reason, StringComparison.Ordinal);
        Assert.Empty(bench.Machine.Live);
        Assert.Equal(0, bench.Machine.StateFolder.ReadBoot().Value.Attempts);
        Assert.Contains("ELP1218", (await bench.MustAsync("status")).Output, StringComparison.Ordinal);
        Assert.Equal("ELP1218", (await bench.FailAsync(4, "persist"))[0].Code);

        // Built anew it is loaded at the next boot.
        await bench.MustAsync("patch");
        bench.Server.Withdrawals.Clear();
        Assert.Equal(["a.patch"], bench.LivePatches());
    }

    [Fact]
    public async Task Verify_believes_no_module_that_is_known_to_be_withdrawn_until_it_is_vouched_for_anew()
    {
        await using var bench = await PatchBench.StartAsync();
        await bench.MustAsync("patch", bench.Patch("a.patch"));
        var file = bench.Scratch.Write("a.ko", "");
        await bench.MustAsync("patch", "--no-load", "-o", file, bench.Patch("a.patch"));
        await bench.MustAsync("verify", file);
        Withdraw(bench);
        await bench.MustAsync("status", "--report", "--machine", "m");
        Assert.Equal("ELP1218", Assert.Single(await bench.FailAsync(4, "verify", file)).Code);

        // Rules that were wrong are mended, and the server signs a manifest for the same module again: the last word counts.
        bench.Server.Withdrawals.Clear();
        bench.Server.Issued = DateTimeOffset.UtcNow.AddMinutes(1);
        await bench.MustAsync("disable", bench.Machine.Live[0]);
        await bench.MustAsync("unload", bench.Machine.Loaded[0]);
        await bench.MustAsync("patch", bench.Patch("a.patch"));
        Assert.DoesNotContain("WITHDRAWN", (await bench.MustAsync("status")).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_older_manifest_of_a_withdrawn_module_is_not_believed()
    {
        await using var bench = await PatchBench.StartAsync();
        await bench.MustAsync("patch", bench.Patch("a.patch"));
        Withdraw(bench);
        await bench.MustAsync("status", "--report", "--machine", "m");
        await bench.MustAsync("disable", bench.Machine.Live[0]);
        await bench.MustAsync("unload", bench.Machine.Loaded[0]);
        Assert.Equal("ELP1218", (await bench.FailAsync(4, "patch", bench.Patch("a.patch")))[0].Code);
        Assert.Empty(bench.Machine.Live);
    }

    [Fact]
    public async Task A_damaged_list_of_withdrawn_livepatches_is_told_and_trusted_for_nothing()
    {
        await using var bench = await PatchBench.StartAsync();
        await bench.MustAsync("patch", bench.Patch("a.patch"));
        await bench.MustAsync("persist");
        await File.WriteAllTextAsync(
            Path.Combine(bench.Machine.State, "kernels", FakeMachine.BuildId, "withdrawn.json"),
            "{",
            TestContext.Current.CancellationToken
        );
        Assert.Contains("ELP1207", (await bench.MustAsync("status")).Output, StringComparison.Ordinal);
        bench.Machine.Restart("second-boot");
        Assert.Equal("ELP1207", (await bench.FailAsync(1, "load-persisted"))[0].Code);
    }

    private static void AssertShown(PatchBench bench, string output)
    {
        var name = bench.Machine.Live[0];
        Assert.Contains($"  WITHDRAWN: {name} was withdrawn by {bench.Server.Url} on ", output, StringComparison.Ordinal);
        Assert.Contains(
            "ELP0610 the kernel has no such function to patch: gone (rule patch-old-functions)",
            output,
            StringComparison.Ordinal
        );
        Assert.Contains(
            $"Replace it with `elivepatch patch`, which has it rebuilt, or remove it with `elivepatch disable {name}`.",
            output,
            StringComparison.Ordinal
        );
    }

    // What is live now, as the server that built it says later.
    private static void Withdraw(PatchBench bench, SigningKey? key = null)
    {
        var live = bench.Ledger().Livepatches[^1];
        var notice = new WithdrawalNotice(live.Module, live.Sha256, FakeMachine.BuildId, DateTimeOffset.UtcNow, [rule]);
        bench.Server.Withdrawals.Add(
            (key ?? bench.Server.Key).Sign(
                WithdrawalNotice.PayloadType,
                JsonSerializer.SerializeToUtf8Bytes(notice, ManifestJson.Default.WithdrawalNotice)
            )
        );
    }
}
