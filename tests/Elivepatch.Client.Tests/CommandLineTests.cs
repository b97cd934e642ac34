using Elivepatch.Terminal;

namespace Elivepatch.Client.Tests;

/// <summary>What all verbs share: help, usage errors, exit statuses.</summary>
public sealed class CommandLineTests
{
    private readonly TestSession run = new();

    [Theory]
    [InlineData]
    [InlineData("frobnicate")]
    [InlineData("verify", "one.ko", "two.ko")]
    [InlineData("verify", "--frobnicate", "a.ko")]
    public async Task A_command_line_that_makes_no_sense_has_status_2(params string[] words)
    {
        Assert.Equal(2, await run.RunAsync(words));
        Assert.StartsWith("ELP0950 invalid command line\n", run.Error, StringComparison.Ordinal);
        Assert.Contains("--help`", run.Error, StringComparison.Ordinal);
        Assert.Empty(run.Output);
    }

    public static TheoryData<string> Verbs =>
        [.. CommandLine.CreateRoot(new TestSession().Session).Subcommands.OfType<Verb>().Select(v => v.Name)];

    [Theory]
    [MemberData(nameof(Verbs))]
    public async Task Every_verb_has_a_help_that_teaches(string verb)
    {
        Assert.Equal(0, await run.RunAsync(verb, "--help"));
        Assert.Contains("Usage:", run.Output, StringComparison.Ordinal);
        Assert.Matches(@"Examples?:\n  (sudo )?elivepatch " + verb, run.Output);
        Assert.Empty(run.Error);
    }

    [Fact]
    public async Task The_help_lists_the_verbs_of_authors_and_says_whose_they_are()
    {
        Assert.Equal(0, await run.RunAsync("--help"));
        foreach (var verb in AuthorVerbs.All)
        {
            Assert.Matches($@"(?m)^  {verb.Name} +{verb.Summary} \(elivepatch-author\)$", run.Output);
        }

        Assert.Matches(
            "(?m)^  status +Shows what is live or in transition on this machine, and which tasks block a transition.$",
            run.Output
        );
    }

    [Fact]
    public async Task A_word_with_an_at_sign_reads_no_file()
    {
        Assert.Equal(2, await run.RunAsync("verify", "@/etc/hostname"));
        Assert.Contains("@/etc/hostname does not exist", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_failure_that_nobody_expected_is_one_line_to_report()
    {
        Assert.Equal(1, await FailAsync(new InvalidOperationException("first\nsecond")));
        Assert.StartsWith(
            "elivepatch: unexpected failure, please report it with the command line: InvalidOperationException: first second\n",
            run.Error,
            StringComparison.Ordinal
        );
        Assert.DoesNotContain("   at ", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Whoever_debugs_sees_the_stack_of_an_unexpected_failure()
    {
        run.Variables["ELIVEPATCH_DEBUG"] = "1";
        Assert.Equal(1, await FailAsync(new InvalidOperationException("first")));
        Assert.Contains("   at ", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_disk_that_is_full_is_told_as_one()
    {
        Assert.Equal(1, await FailAsync(new IOException("No space left on device", 28)));
        Assert.StartsWith(
            "ELP0952 the output file cannot be written\n  No space left on device\n",
            run.Error,
            StringComparison.Ordinal
        );
    }

    private Task<int> FailAsync(Exception failure)
    {
        var machine = run.Session.Machine with { Variable = _ => throw failure };
        return CommandLine.RunAsync(["status"], run.Session with { Machine = machine });
    }
}
