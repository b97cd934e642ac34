using Elivepatch.Kernel.VirtualMachines;
using Xunit;

namespace Elivepatch.Kernel.Tests.VirtualMachines;

/// <summary>What a guest may tell of a case, and what follows from it.</summary>
public sealed class TrialReadingTests
{
    private const string Good = """
        ! 5.0 ready 6.12
        ! 5.1 case 0 0
        ! 5.2 phase before
        > hello
        ! 5.3 status 0
        ! 5.4 phase load fix
        ! 5.5 status 0
        ! 5.5 phase transition fix
        ! 6.5 status 0
        ! 6.5 phase during fix
        ! 6.6 status 0
        ! 6.7 phase disable fix
        ! 7.7 status 0
        ! 7.7 phase after
        ! 7.8 status 0
        ! 7.8 phase unload fix
        ! 7.9 status 0
        ! 7.9 phase after
        ! 7.9 status 0
        ! 8.0 done 0 45056
        ! 8.1 end 0
        """;

    private const string GoodLog = """
        [    5.100000] elivepatch n case 0
        [    5.450000] livepatch: 'fix': starting patching transition
        [    6.450000] livepatch: 'fix': patching complete
        [    8.000000] elivepatch n done 0
        [    8.100000] elivepatch n end
        """;

    [Fact]
    public void A_case_in_which_all_went_well_passes()
    {
        var report = Read(Good, GoodLog);

        Assert.Empty(report.Problems);
        Assert.True(report.Passed);
        Assert.Equal("hello\n", report.Phases[0].Output);
        Assert.Equal(1.0, report.TransitionSeconds);
        Assert.Equal(2, report.KernelLog.Count);
    }

    [Theory]
    [InlineData("during", 823)]
    [InlineData("load", 821)]
    [InlineData("transition", 822)]
    [InlineData("unload", 827)]
    [InlineData("after", 823)]
    public void A_phase_that_fails_fails_the_case(string phase, int problem)
    {
        var lines = Good.Split('\n').ToList();
        lines[lines.FindIndex(l => l.Contains($"phase {phase}", StringComparison.Ordinal)) + 1] = "! 6.6 status 1";

        Assert.Contains(Read(string.Join('\n', lines), GoodLog).Problems, p => p.Code.Number == problem);
    }

    [Fact]
    public void A_phase_that_is_not_heard_of_fails_the_case()
    {
        var lines = Good.Split('\n');
        for (var i = 2; i < lines.Length - 2; i++)
        {
            if (
                lines[i].Contains("phase disable", StringComparison.Ordinal)
                || !lines[i].Contains("phase", StringComparison.Ordinal)
            )
            {
                continue;
            }

            var without = lines.Where((_, at) => at != i && at != i + 1 + (lines[i + 1][0] == '>' ? 1 : 0));
            Assert.False(Read(string.Join('\n', without), GoodLog).Passed, lines[i]);
        }
    }

    [Fact]
    public void A_livepatch_that_keeps_itself_is_not_unloaded()
    {
        var kept = Good.Replace("phase unload fix", "phase keep fix", StringComparison.Ordinal);

        Assert.True(Read(kept, GoodLog).Passed);
        var problem = Assert.Single(
            Read(
                kept.Replace("! 7.9 status 0\n! 7.9 phase", "! 7.9 status 1\n! 7.9 phase", StringComparison.Ordinal),
                GoodLog
            ).Problems
        );
        Assert.Equal(VirtualMachineProblems.LivepatchNotKept, problem.Code);
    }

    [Fact]
    public void A_taint_that_no_livepatch_explains_fails_the_case()
    {
        var problem = Assert.Single(
            Read(Good.Replace("done 0 45056", "done 0 45568", StringComparison.Ordinal), GoodLog).Problems
        );

        Assert.Equal(VirtualMachineProblems.UnexpectedTaint, problem.Code);
        Assert.Contains("tainted W", problem.Reason, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("WARNING: CPU: 0 PID: 1 at mm/slub.c:1 f+0x1/0x2")]
    [InlineData("BUG: unable to handle page fault for address: ffff")]
    [InlineData("watchdog: BUG: soft lockup - CPU#0 stuck for 23s!")]
    [InlineData("INFO: task sleeper:123 blocked for more than 120 seconds.")]
    [InlineData("rcu: INFO: rcu_preempt self-detected stall on CPU")]
    [InlineData("BUG: KASAN: slab-out-of-bounds in f+0x1/0x2")]
    [InlineData("Oops: general protection fault, probably for non-canonical address")]
    [InlineData("Call Trace:")]
    public void A_complaint_in_the_log_fails_the_case(string message)
    {
        var log = GoodLog.Replace("[    8.000000]", $"[    7.000000] {message}\n[    8.000000]", StringComparison.Ordinal);

        var problem = Assert.Single(Read(Good, log).Problems);
        Assert.Equal(VirtualMachineProblems.KernelComplained, problem.Code);
        Assert.Contains(message, problem.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void A_complaint_of_the_boot_is_not_the_livepatchs()
    {
        Assert.True(Read(Good, "[    1.000000] WARNING: CPU: 0 at boot\n" + GoodLog).Passed);
    }

    [Fact]
    public void A_guest_that_dies_in_a_case_fails_that_case_and_says_where()
    {
        var cut = Good[..Good.IndexOf("! 6.6 status", StringComparison.Ordinal)];

        var report = Read(cut, GoodLog + "\n[    6.600000] last words", GuestEnding.Died);

        Assert.Equal(VirtualMachineProblems.GuestDied, report.Problems[0].Code);
        Assert.Contains("'during fix'", report.Problems[0].Reason, StringComparison.Ordinal);
        Assert.Contains("last words", report.Problems[0].Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void A_script_that_imitates_us_is_only_output()
    {
        var stream = GuestStream.ParseLine("> ! 5.0 done 0 0");

        Assert.True(stream!.IsOutput);
    }

    private static TrialReport Read(string channel, string console, GuestEnding ending = GuestEnding.Finished)
    {
        var stream = new GuestStream(1 << 20);
        stream.Append(System.Text.Encoding.UTF8.GetBytes(channel));
        var result = new GuestResult
        {
            Ending = ending,
            ExitStatus = 0,
            Events = stream.Events,
            Console = console,
            Files = new Dictionary<string, ReadOnlyMemory<byte>>(),
            Duration = TimeSpan.FromSeconds(9),
            Nonce = "n",
        };
        var outcome = TrialReading.Read(
            result,
            [
                new()
                {
                    Name = "one",
                    Modules = ["fix.ko"],
                    Script = "true",
                },
            ],
            [
                [new("fix", [])],
            ],
            [
                [],
            ]
        );
        return Assert.Single(outcome.Value);
    }
}
