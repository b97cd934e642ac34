using System.Text;
using Dapper;
using Elivepatch.Builder;
using Elivepatch.Builder.Jobs;
using Elivepatch.Builder.Sources;
using Elivepatch.Kernel;
using Elivepatch.Model;
using Elivepatch.Protocol;
using Elivepatch.Protocol.Api;

namespace Elivepatch.Server.Tests.Builds;

public sealed class BuildIntakeTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("../fix.patch")]
    [InlineData("/etc/passwd")]
    [InlineData("a/b.patch")]
    [InlineData("..")]
    [InlineData("-fix.patch")]
    [InlineData("fix\n.patch")]
    [InlineData("fix patch")]
    [InlineData("")]
    public async Task A_name_that_is_no_plain_file_name_is_refused(string name) =>
        await RefusedAsync(ServerProblems.RequestMalformed, s => s with { Patches = [new(name, [1])] });

    [Fact]
    public async Task Nothing_to_make_live_is_refused()
    {
        await RefusedAsync(ServerProblems.RequestMalformed, s => s with { Patches = [] });
        await RefusedAsync(ServerProblems.RequestMalformed, s => s with { Patches = null! });
        await RefusedAsync(ServerProblems.RequestMalformed, s => s with { Patches = [null!] });
        await RefusedAsync(ServerProblems.RequestMalformed, s => s with { BasePatches = [new("a.patch", null!)] });
    }

    [Fact]
    public async Task Too_much_is_refused()
    {
        await RefusedAsync(ServiceProblems.RequestTooLarge, s => s with { Patches = [.. Enumerable.Repeat(s.Patches[0], 501)] });
        await RefusedAsync(ServiceProblems.RequestTooLarge, s => s with { Patches = [new("a.patch", new byte[(16 << 20) + 1])] });
        await RefusedAsync(
            ServiceProblems.RequestTooLarge,
            s => s with { Patches = [.. Enumerable.Repeat(new PatchFile("a.patch", new byte[15 << 20]), 9)] }
        );
        await RefusedAsync(ServiceProblems.RequestTooLarge, s => s with { Script = new string('x', 300_000) });
    }

    [Fact]
    public async Task A_module_is_named_once_with_the_digest_of_a_file_that_was_sent()
    {
        var digest = new string('a', 64);
        await RefusedAsync(ServerProblems.RequestMalformed, s => s with { Modules = [new("../x", digest)] });
        await RefusedAsync(ServerProblems.RequestMalformed, s => s with { Modules = [new("loop", "../x")] });
        await RefusedAsync(ServerProblems.RequestMalformed, s => s with { Modules = [null!] });
        await RefusedAsync(ServerProblems.RequestMalformed, s => s with { Modules = [new("loop", digest), new("loop", digest)] });
        await RefusedAsync(
            ServerProblems.RequestMalformed,
            s => s with { Modules = [.. Enumerable.Range(0, 101).Select(i => new ModuleFile($"m{i}", digest))] }
        );
        await RefusedAsync(ServiceProblems.KernelIncomplete, s => s with { Modules = [new("loop", digest)] });
    }

    [Fact]
    public async Task The_file_of_a_module_is_for_the_builds_of_the_token_that_sent_it()
    {
        using var bench = await Workbench.OpenAsync();
        await bench.AddKernelAsync();
        var blob = (await bench.Blobs.PutAsync("a module"u8.ToArray(), Cancellation)).Value;
        var part = KernelParts.OfModule("loop");
        await bench.Kernels.SetPartAsync(
            new(Workbench.KernelId, "mine", part, blob, 8, DateTimeOffset.UtcNow),
            100,
            Cancellation
        );
        var submission = Workbench.Submission() with { Modules = [new("loop", blob)] };
        Assert.Equal(
            ServiceProblems.KernelIncomplete,
            (await bench.Intake.SubmitAsync(submission, "other", "name", Cancellation)).Problems.Single().Code
        );
        Assert.True((await bench.Intake.SubmitAsync(submission, "mine", "name", Cancellation)).Succeeded);
        // A build keeps what it is made of, whatever becomes of the parts.
        var other = (await bench.Blobs.PutAsync("another"u8.ToArray(), Cancellation)).Value;
        await bench.Kernels.SetPartAsync(
            new(Workbench.KernelId, "mine", part, other, 7, DateTimeOffset.UtcNow),
            100,
            Cancellation
        );
        Assert.Equal(
            1,
            await bench.Database.ReadAsync(
                c => c.ExecuteScalarAsync<long>("SELECT COUNT(*) FROM build_modules WHERE blob = @blob", new { blob }),
                Cancellation
            )
        );
        await bench.Kernels.SetPartAsync(
            new(Workbench.KernelId, "mine", part, blob, 8, DateTimeOffset.UtcNow),
            100,
            Cancellation
        );
        // What somebody else has built with it is not for whoever knows its digest.
        Assert.False((await bench.Intake.SubmitAsync(submission, "other", "name", Cancellation)).Succeeded);
        Assert.False(
            (
                await bench.Intake.SubmitAsync(submission with { Modules = [new("dummy", blob)] }, "mine", "name", Cancellation)
            ).Succeeded
        );
    }

    [Fact]
    public async Task A_name_that_is_no_module_name_is_refused() =>
        await RefusedAsync(KernelProblems.ModuleNameUnusable, s => s with { Name = "../x" });

    [Fact]
    public async Task A_script_with_a_nul_is_refused() =>
        await RefusedAsync(ServerProblems.RequestMalformed, s => s with { Script = "true\0" });

    [Theory]
    [InlineData("--- a/Makefile\n+++ b/Makefile\n")]
    [InlineData("--- a/fs/x.c\n+++ b/scripts/setlocalversion\n")]
    [InlineData("diff --git a/drivers/net/Kconfig b/drivers/net/Kconfig\n")]
    [InlineData("rename from fs/x.c\nrename to tools/objtool/check.c\n")]
    [InlineData("*** a/fs/Kbuild\n--- b/fs/Kbuild\n")]
    [InlineData("Index: Makefile\n")]
    [InlineData("Index:Makefile\n")]
    [InlineData("   --- a/Makefile\n   +++ b/Makefile\n")]
    [InlineData("--- \"a/\\115akefile\"\n+++ \"b/\\115akefile\"\n")]
    [InlineData("--- a/./usr/gen_init_cpio.c\n+++ b/./usr/gen_init_cpio.c\n")]
    [InlineData("--- a/arch/x86/tools/relocs.c\n+++ b/arch/x86/tools/relocs.c\r\n")]
    [InlineData("--- a/fs/Makefile.lib\t2020-01-01\n")]
    [InlineData("--- a/kernel/gen_kheaders.sh\n")]
    public async Task A_base_patch_that_changes_the_build_needs_the_operators_leave(string patch)
    {
        await RefusedAsync(
            ServerProblems.BuildPatchForbidden,
            s => s with { BasePatches = [new("base.patch", Encoding.UTF8.GetBytes(patch))] }
        );
        using var bench = await Workbench.OpenAsync(new() { AllowBuildPatches = true });
        await bench.AddKernelAsync();
        var submission = Workbench.Submission() with { BasePatches = [new("base.patch", Encoding.UTF8.GetBytes(patch))] };
        Assert.True((await bench.Intake.SubmitAsync(submission, "token", "name", Cancellation)).Succeeded);
    }

    [Fact]
    public async Task A_base_patch_of_code_is_taken()
    {
        using var bench = await Workbench.OpenAsync();
        await bench.AddKernelAsync();
        var patch = "--- a/fs/proc/meminfo.c\n+++ b/fs/proc/meminfo.c\n@@ -1 +1 @@\n-int toolset;\n+int tools;\n"u8.ToArray();
        Assert.True(
            (
                await bench.Intake.SubmitAsync(
                    Workbench.Submission() with
                    {
                        BasePatches = [new("base.patch", patch)],
                    },
                    "t",
                    "n",
                    Cancellation
                )
            ).Succeeded
        );
    }

    [Fact]
    public async Task A_kernel_that_nobody_told_of_is_refused()
    {
        using var bench = await Workbench.OpenAsync();
        Refused(
            RecordProblems.KernelUnknown,
            await bench.Intake.SubmitAsync(Workbench.Submission(), "token", "name", Cancellation)
        );
    }

    [Fact]
    public async Task A_compiler_that_is_not_here_is_answered_at_once_with_what_is()
    {
        using var bench = await Workbench.OpenAsync();
        await bench.AddKernelAsync(compiler: "gcc-99 (Elsewhere 99.1.0-1) 99.1.0");
        var problem = Refused(
            CompileProblems.CompilerMissing,
            await bench.Intake.SubmitAsync(Workbench.Submission(), "token", "name", Cancellation)
        );
        Assert.Contains("99.1.0", problem.Reason, StringComparison.Ordinal);
        Assert.Contains("/usr/bin/gcc", problem.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_kernel_without_source_is_refused_with_what_was_tried()
    {
        using var bench = await Workbench.OpenAsync(sources: [new(SourceOrigin.Tree, "*", "/no/such/tree")]);
        await bench.AddKernelAsync();
        var problem = Refused(
            ServiceProblems.KernelIncomplete,
            await bench.Intake.SubmitAsync(Workbench.Submission(), "token", "name", Cancellation)
        );
        Assert.Contains("/no/such/tree", problem.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Where_tests_are_required_a_kernel_without_boot_image_is_refused()
    {
        using var bench = await Workbench.OpenAsync(new() { Trial = TrialPolicy.Required });
        await bench.AddKernelAsync();
        Refused(
            BuilderProblems.TestImpossible,
            await bench.Intake.SubmitAsync(Workbench.Submission(), "token", "name", Cancellation)
        );
    }

    [Fact]
    public async Task A_hundred_equal_submissions_at_once_are_one_build()
    {
        using var bench = await Workbench.OpenAsync();
        await bench.AddKernelAsync();
        var builds = await Task.WhenAll(Enumerable.Range(0, 100).Select(i => bench.SubmitAsync("same", $"token{i}")));
        Assert.Single(builds.Select(b => b.Id).Distinct());
        Assert.Single(await bench.Builds.ListAsync(null, null, 10, Cancellation));
    }

    [Fact]
    public async Task Two_patches_of_one_name_are_two_builds()
    {
        using var bench = await Workbench.OpenAsync();
        await bench.AddKernelAsync();
        Assert.NotEqual((await bench.SubmitAsync("a")).Id, (await bench.SubmitAsync("b")).Id);
    }

    [Fact]
    public async Task A_token_may_not_fill_the_queue()
    {
        using var bench = await Workbench.OpenAsync(new() { OpenBuildsPerToken = 3 });
        await bench.AddKernelAsync();
        var outcomes = await Task.WhenAll(
            Enumerable
                .Range(0, 10)
                .Select(i => bench.Intake.SubmitAsync(Workbench.Submission($"patch {i}"), "greedy", "name", Cancellation))
        );
        Assert.Equal(3, outcomes.Count(o => o.Succeeded));
        Assert.All(outcomes.Where(o => !o.Succeeded), o => Refused(ServiceProblems.TooManyRequests, o));
        // What waits already may be asked for again, and others are not concerned.
        var waiting = outcomes.First(o => o.Succeeded).Value;
        Assert.Equal(waiting.Id, (await bench.SubmitAsync($"patch {Array.FindIndex(outcomes, o => o.Succeeded)}", "greedy")).Id);
        await bench.SubmitAsync("of another", "modest");
    }

    [Fact]
    public async Task Two_clients_with_one_name_for_different_patches_get_two_builds_and_two_livepatches()
    {
        using var bench = await Workbench.OpenAsync();
        await bench.AddKernelAsync();
        // One file name, one module name, two contents.
        var one = Workbench.Get(
            await bench.Intake.SubmitAsync(Workbench.Submission("one") with { Name = "fix" }, "token one", "one", Cancellation)
        );
        var two = Workbench.Get(
            await bench.Intake.SubmitAsync(Workbench.Submission("two") with { Name = "fix" }, "token two", "two", Cancellation)
        );
        Assert.NotEqual(one.Id, two.Id);
        Assert.Equal(one.Patches[0].Name, two.Patches[0].Name);
        Assert.NotEqual(one.Patches[0].Sha256, two.Patches[0].Sha256);

        using var dispatcher = bench.Dispatcher(
            (order, _, _) =>
                Task.FromResult(
                    new BuildProduct { Module = order.Submission.Name, Artifact = order.Submission.Patches[0].Content }
                )
        );
        await dispatcher.StartAsync(Cancellation);
        var (first, second) = (await bench.EndOfAsync(one.Id), await bench.EndOfAsync(two.Id));
        await dispatcher.StopAsync(Cancellation);
        Assert.Equal(("fix", "fix"), (first.End!.Module, second.End!.Module));
        Assert.Equal("one"u8.ToArray(), await bench.Blobs.ReadAsync(first.End.Artifact!, Cancellation));
        Assert.Equal("two"u8.ToArray(), await bench.Blobs.ReadAsync(second.End.Artifact!, Cancellation));
        // Each one's next request is answered with its own.
        Assert.Equal(
            first.End.Artifact,
            Workbench
                .Get(
                    await bench.Intake.SubmitAsync(
                        Workbench.Submission("one") with
                        {
                            Name = "fix",
                        },
                        "token two",
                        "two",
                        Cancellation
                    )
                )
                .End!.Artifact
        );
    }

    [Fact]
    public async Task A_waiting_build_is_cancelled_at_once_and_can_be_asked_for_again()
    {
        using var bench = await Workbench.OpenAsync();
        await bench.AddKernelAsync();
        var build = await bench.SubmitAsync();
        Assert.Equal(BuildState.Cancelled, (await bench.Intake.CancelAsync(build.Id, Cancellation))!.State);
        Assert.Equal(BuildState.Queued, (await bench.SubmitAsync()).State);
        Assert.Null(await bench.Intake.CancelAsync("no such", Cancellation));
    }

    private static async Task RefusedAsync(ProblemCode code, Func<BuildSubmission, BuildSubmission> change)
    {
        using var bench = await Workbench.OpenAsync();
        await bench.AddKernelAsync();
        Refused(code, await bench.Intake.SubmitAsync(change(Workbench.Submission()), "token", "name", Cancellation));
        Assert.Empty(await bench.Builds.ListAsync(null, null, 10, Cancellation));
    }

    private static Problem Refused<T>(ProblemCode code, Outcome<T> outcome)
    {
        Assert.False(outcome.Succeeded);
        Assert.Equal(code, outcome.Problems[0].Code);
        return outcome.Problems[0];
    }
}
