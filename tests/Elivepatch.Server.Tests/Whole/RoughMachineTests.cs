using System.Text.RegularExpressions;
using Elivepatch.Kernel.Import;
using Elivepatch.Kernel.VirtualMachines;
using Elivepatch.Model;
using static Elivepatch.Server.Tests.Builds.Workbench;
using static Elivepatch.Server.Tests.Whole.StockCapture;

namespace Elivepatch.Server.Tests.Whole;

/// <summary>
/// The published command in guests that run stock kernels, and a server of its own: what a machine does after its first
/// livepatch, with other things at work that use the same parts of the kernel.
/// </summary>
public sealed class RoughMachineTests
{
    private const string FullReason = "it publishes the command and boots kernels: ./test --full runs it";

    private const string LoadavgWords = """
        --- a/fs/proc/loadavg.c
        +++ b/fs/proc/loadavg.c
        @@ -16,7 +16,7 @@

         	get_avenrun(avnrun, FIXED_1/200, 0);

        -	seq_printf(m, "%lu.%02lu %lu.%02lu %lu.%02lu %u/%d %d\n",
        +	seq_printf(m, "load %lu.%02lu %lu.%02lu %lu.%02lu %u/%d %d\n",
         		LOAD_INT(avnrun[0]), LOAD_FRAC(avnrun[0]),
         		LOAD_INT(avnrun[1]), LOAD_FRAC(avnrun[1]),
         		LOAD_INT(avnrun[2]), LOAD_FRAC(avnrun[2]),

        """;

    // Changes a function in which a task can wait for as long as it likes.
    private const string VforkMessage = """
        --- a/kernel/fork.c
        +++ b/kernel/fork.c
        @@ -1623,6 +1623,8 @@
         	killed = wait_for_completion_state(vfork, state);
         	cgroup_leave_frozen(false);

        +	if (killed == -EINVAL)
        +		pr_info("vfork: killed\n");
         	if (killed) {
         		task_lock(child);
         		child->vfork_done = NULL;

        """;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory(Skip = FullReason, SkipType = typeof(WholeWayTests), SkipUnless = nameof(WholeWayTests.IsFull))]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_second_patch_replaces_the_first_comes_back_after_it_was_disabled_and_needs_nothing_to_be_quiet(
        bool isOlder
    )
    {
        Check(await RunAsync(isOlder ? TestKernels.Older : TestKernels.Stock, "second-patch.sh"));
    }

    [Fact(Skip = FullReason, SkipType = typeof(WholeWayTests), SkipUnless = nameof(WholeWayTests.IsFull))]
    public async Task A_transition_that_stalls_can_be_waited_for_killed_over_and_turned_around()
    {
        Check(await RunAsync(TestKernels.Stock, "stalled-transition.sh"));
    }

    [Fact(Skip = FullReason, SkipType = typeof(WholeWayTests), SkipUnless = nameof(WholeWayTests.IsFull))]
    public async Task A_livepatch_outlives_suspend_and_where_none_can_be_loaded_the_cause_is_named()
    {
        Check(await RunAsync(TestKernels.Stock, "odd-machine.sh"));
    }

    private static void Check(Outcome<GuestResult> result) =>
        Assert.True(
            result.Succeeded && result.Value.ExitStatus == 0,
            result.TryGet(out var ended) ? ended.Output + ended.Failure : string.Join('\n', result.Problems)
        );

    // The machine, with the command, the patches, an ordinary module, and what watches it.
    private static async Task<Outcome<GuestResult>> RunAsync(string kernel, string script)
    {
        var cache = TestCache();
        var record = Get(await new DebianImport(cache, KernelBoot.ReadFactsAsync).RunAsync(kernel, Cancellation));
        var modules = Get(await PackagedModules.OpenAsync(cache, record.Facts.Release, record.Facts.Origin, Cancellation));
        using var scratch = new Scratch();
        var state = scratch.PathOf("state");
        using var server = await ServerProcess.StartAsync(
            [],
            state,
            options: ["--cache-folder", cache.FullPath, "--test-policy", "off"]
        );
        var key = Regex.Match(server.Greeting, @"public key +(\S+)").Groups[1].Value;
        var command = Path.Combine(Repository.Root, "artifacts", "publish", "elivepatch");
        await DaemonProgram.RunAsync(Path.Combine(Repository.Root, "scripts", "publish-client"));
        var job = new GuestJob
        {
            Architecture = record.Facts.Architecture,
            Kernel = record.BootImagePath!,
            Script =
                await File.ReadAllTextAsync(SourceOf("machine.sh"), Cancellation)
                + await File.ReadAllTextAsync(SourceOf(script), Cancellation),
            Files =
            [
                GuestFile.Text("settings", $"server=http://{GuestNetwork.Host}:{server.AddressOf("http").Port}\nkey={key}\n"),
                GuestFile.Text("token", server.Secret!),
                GuestFile.Text("loadavg-words.patch", LoadavgWords),
                GuestFile.Text("vfork-message.patch", VforkMessage),
                new(
                    "softirqs-small.patch",
                    await File.ReadAllBytesAsync(Path.Combine(Repository.Root, "examples", "softirqs-small.patch"), Cancellation)
                ),
                new("config", await File.ReadAllBytesAsync(record.ConfigPath, Cancellation)),
                new("elivepatch", await File.ReadAllBytesAsync(command, Cancellation), Executable: true),
                await CompileAsync("observers", scratch),
                await CompileAsync("sleeper", scratch),
                new("dummy.ko", Get(await modules.ReadAsync("dummy", Cancellation))),
                .. Get(await GuestLibraries.OfAsync(command, Cancellation)),
            ],
            Network = Get(await GuestNetwork.FromModulesAsync(modules, Cancellation)),
            Memory = 2048,
            Timeout = TimeSpan.FromMinutes(30),
            SilenceLimit = TimeSpan.FromMinutes(10),
        };
        return await VirtualMachine.RunAsync(job, Cancellation);
    }

    private static async Task<GuestFile> CompileAsync(string name, Scratch scratch)
    {
        var program = scratch.PathOf(name);
        await DaemonProgram.RunAsync("gcc", "-static", "-O2", "-Wall", "-o", program, SourceOf(name + ".c"));
        return new(name, await File.ReadAllBytesAsync(program, Cancellation), Executable: true);
    }

    private static string SourceOf(string name) =>
        Path.Combine(Repository.Root, "tests", "Elivepatch.Server.Tests", "Whole", name);
}
