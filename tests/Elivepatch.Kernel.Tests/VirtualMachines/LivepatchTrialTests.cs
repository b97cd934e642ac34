using Elivepatch.Kernel.Architectures;
using Elivepatch.Kernel.VirtualMachines;
using Xunit;

namespace Elivepatch.Kernel.Tests.VirtualMachines;

/// <summary>
/// Trials of modules written by hand on the stock kernel. The cases share boots; each test looks at one of them.
/// </summary>
public sealed class LivepatchTrialTests(LivepatchTrialTests.Trials trials) : IClassFixture<LivepatchTrialTests.Trials>
{
    [Fact]
    public void A_good_livepatch_passes_and_is_seen_at_work()
    {
        var report = trials["good"];

        Assert.Empty(report.Problems);
        Assert.Equal(
            [
                "before",
                "load says_one",
                "transition says_one",
                "during says_one",
                "load elivepatch_neutral",
                "transition elivepatch_neutral",
                "replace says_one",
                "after",
                "unload says_one",
                "after",
                "disable elivepatch_neutral",
                "unload elivepatch_neutral",
                "load elivepatch_again",
                "transition elivepatch_again",
                "disable elivepatch_again",
                "unload elivepatch_again",
            ],
            report.Phases.Select(p => p.ToString())
        );
        Assert.StartsWith("console=", Output(report, "before"), StringComparison.Ordinal);
        Assert.Equal("one\n", Output(report, "during says_one"));
        Assert.All(
            report.Phases.Where(p => p.Name == "after"),
            p => Assert.StartsWith("console=", p.Output, StringComparison.Ordinal)
        );
        Assert.True(report.TransitionSeconds > 0);
        Assert.Contains(report.KernelLog, l => l.Contains("'says_one': patching complete", StringComparison.Ordinal));
    }

    [Fact]
    public void A_livepatch_that_replaces_another_leaves_nothing_of_it()
    {
        var report = trials["replaced"];

        Assert.Empty(report.Problems);
        Assert.Equal("one\n", Output(report, "during says_one"));
        Assert.Equal("two\n", Output(report, "during says_two"));
        Assert.Contains(report.Phases, p => p.ToString() == "replace says_one");
    }

    [Fact]
    public void A_livepatch_that_keeps_itself_stays_in_memory_and_that_is_no_failure()
    {
        Assert.Empty(trials["kept"].Problems);
        Assert.Equal("one\n", Output(trials["kept"], "during keeps_itself"));
        Assert.Contains("keep keeps_itself", trials["kept"].Phases.Select(p => p.ToString()));
    }

    [Fact]
    public void A_literal_that_dangles_is_found_after_the_module_was_unloaded()
    {
        var problems = trials["dangles"].Problems;

        Assert.Contains(problems, p => p.Reason.Contains("'after'", StringComparison.Ordinal));
        Assert.Contains(trials["dangles"].Phases, p => p.ToString() == "unload dangles");
    }

    [Fact]
    public void A_file_and_a_program_of_the_case_can_be_used()
    {
        Assert.Empty(trials["files"].Problems);
        Assert.Equal("some text\n", Output(trials["files"], "before"));
    }

    [Fact]
    public void A_module_that_the_kernel_refuses_is_reported_with_what_the_kernel_says()
    {
        var problem = Assert.Single(trials["refused"].Problems);

        Assert.Equal(VirtualMachineProblems.LivepatchNotLoaded, problem.Code);
        Assert.Contains("'there_is_no_such_function' not found", problem.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void A_script_that_fails_fails_the_case()
    {
        var problem = Assert.Single(trials["fails"].Problems);

        Assert.Equal(VirtualMachineProblems.TrialScriptFailed, problem.Code);
        Assert.Contains("'during says_one' had exit status 7", problem.Reason, StringComparison.Ordinal);
        Assert.Contains("unload says_one", trials["fails"].Phases.Select(p => p.ToString()));
    }

    [Fact]
    public void A_script_that_does_not_end_is_killed()
    {
        Assert.Equal(VirtualMachineProblems.TrialScriptTimedOut, Assert.Single(trials["hangs"].Problems).Code);
    }

    [Fact]
    public void A_warning_of_the_kernel_fails_the_case()
    {
        var problems = trials["warns"].Problems;

        Assert.Contains(
            problems,
            p => p.Code == VirtualMachineProblems.KernelComplained && p.Reason.Contains("told so", StringComparison.Ordinal)
        );
        Assert.Contains(
            problems,
            p => p.Code == VirtualMachineProblems.UnexpectedTaint && p.Reason.Contains('W', StringComparison.Ordinal)
        );
    }

    [Fact]
    public void A_transition_that_does_not_end_names_the_task_that_blocks_it()
    {
        var report = trials["stuck"];

        Assert.Contains(report.Problems, p => p.Code == VirtualMachineProblems.TransitionStuck);
        var task = Assert.Single(report.BlockingTasks);
        Assert.Equal("sleeper", task.Name);
        Assert.Contains(task.Stack, frame => frame.Contains("sys_pause", StringComparison.Ordinal));
    }

    [Fact]
    public void A_guest_that_dies_fails_its_case_with_the_end_of_its_console()
    {
        var problems = trials["oopses"].Problems;

        Assert.Equal(VirtualMachineProblems.GuestDied, problems[0].Code);
        Assert.Contains("'during oopses'", problems[0].Reason, StringComparison.Ordinal);
        Assert.Contains("Kernel panic", problems[0].Reason, StringComparison.Ordinal);
        Assert.Contains(problems, p => p.Reason.Contains("NULL pointer dereference", StringComparison.Ordinal));
    }

    [Fact]
    public void A_case_after_one_that_killed_its_guest_gets_a_fresh_one()
    {
        Assert.Empty(trials["last"].Problems);
    }

    [Fact]
    public void Progress_is_told_line_by_line()
    {
        Assert.Equal("boot the kernel", trials.Progress[0]);
        Assert.Contains("good: load says_one", trials.Progress);
        Assert.Contains("good:   one", trials.Progress);
    }

    [Fact]
    public async Task A_file_that_is_no_module_is_refused_before_anything_is_booted()
    {
        var request = new TrialRequest
        {
            Architecture = KernelArchitectures.X8664,
            Kernel = "/bin/true",
            Cases = [new() { Name = "x", Modules = ["/bin/true"] }],
        };

        var outcome = await LivepatchTrial.RunAsync(request, TestContext.Current.CancellationToken);

        Assert.Equal(VirtualMachineProblems.TrialInvalid, Assert.Single(outcome.Problems).Code);
    }

    private static string Output(TrialReport report, string phase) =>
        Assert.Single(report.Phases, p => p.ToString() == phase).Output;

    /// <summary>All cases, tried once.</summary>
    public sealed class Trials(StockKernel stock) : IAsyncLifetime
    {
        private const string Show = "cat /proc/cmdline";
        private const string Resources = "cat /proc/cmdline; cat /proc/iomem >/dev/null";
        private readonly TrialModules modules = new(stock);
        private readonly List<string> progress = [];
        private IReadOnlyList<TrialReport> reports = [];

        public IReadOnlyList<string> Progress => progress;

        public TrialReport this[string name] => reports.Single(r => r.Case == name);

        public async ValueTask InitializeAsync()
        {
            await modules.InitializeAsync();
            var record = await stock.RecordAsync();
            var request = new TrialRequest
            {
                Architecture = record.Facts.Architecture,
                Kernel = record.BootImagePath!,
                Cases =
                [
                    Case("good", Show, "says_one"),
                    Case("replaced", Show, "says_one", "says_two"),
                    Case("files", "cat some/text; [ -x sleeper ]", "says_one") with
                    {
                        Files = [GuestFile.Text("some/text", "some text\n"), new("sleeper", modules.Sleeper, Executable: true)],
                    },
                    Case("refused", Show, "patches_nothing"),
                    Case("fails", "[ $1 != during ] || exit 7", "says_one"),
                    Case("hangs", "[ $1 != during ] || sleep 1000", "says_one") with
                    {
                        ScriptTimeout = TimeSpan.FromSeconds(2),
                    },
                    Case("warns", Show, "warns"),
                    // Shorter than the 15 seconds after which the kernel wakes tasks that lag behind.
                    Case("stuck", "./sleeper & sleep 1", "patches_pause") with
                    {
                        Files = [new("sleeper", modules.Sleeper, Executable: true)],
                        TransitionTimeout = TimeSpan.FromSeconds(5),
                    },
                    Case("kept", Show, "keeps_itself"),
                    Case("dangles", Resources, "dangles"),
                    Case("oopses", Show, "oopses"),
                    Case("last", Show, "says_two"),
                ],
                OnProgress = progress.Add,
            };
            reports = StockKernel.Get(await LivepatchTrial.RunAsync(request, CancellationToken.None));
        }

        public ValueTask DisposeAsync() => modules.DisposeAsync();

        private TrialCase Case(string name, string script, params string[] livepatches) =>
            new()
            {
                Name = name,
                Modules = [.. livepatches.Select(l => modules[l])],
                Script = script,
            };
    }
}
