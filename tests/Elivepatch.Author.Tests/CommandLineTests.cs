using System.CommandLine;
using Elivepatch.Terminal;

namespace Elivepatch.Author.Tests;

/// <summary>What all verbs share: help, usage errors, exit statuses.</summary>
public sealed class CommandLineTests
{
    private readonly TestSession run = new();

    [Theory]
    [InlineData]
    [InlineData("frobnicate")]
    [InlineData("diff", "only-one.o")]
    [InlineData("diff", "--frobnicate", "a.o", "b.o")]
    public async Task A_command_line_that_makes_no_sense_has_status_2(params string[] words)
    {
        Assert.Equal(2, await run.RunAsync(words));
        Assert.StartsWith("ELP0950 invalid command line\n", run.Error, StringComparison.Ordinal);
        Assert.Matches("  what to do: Read `elivepatch( diff)? --help`.\n", run.Error);
        Assert.Empty(run.Output);
    }

    public static TheoryData<string> Verbs => [.. Paths(CommandLine.CreateRoot(new TestSession().Session), "")];

    [Theory]
    [MemberData(nameof(Verbs))]
    public async Task Every_verb_has_a_help_that_teaches(string verb)
    {
        Assert.Equal(0, await run.RunAsync([.. verb.Split(' '), "--help"]));
        Assert.Contains($"Usage:\n  elivepatch {verb}", run.Output, StringComparison.Ordinal);
        Assert.Matches(@"Examples?:\n  (.* \| )?(sudo )?elivepatch " + verb, run.Output);
        Assert.Empty(run.Error);
    }

    [Fact]
    public async Task The_program_has_the_verbs_that_the_other_one_names()
    {
        Assert.Equal(
            AuthorVerbs.All.Select(v => (v.Name, v.Summary)),
            CommandLine.CreateRoot(run.Session).Subcommands.Select(c => (c.Name, c.Description ?? ""))
        );
        Assert.Equal(0, await run.RunAsync("--help"));
        Assert.Equal(0, await run.RunAsync("--version"));
    }

    [Fact]
    public async Task A_word_with_an_at_sign_reads_no_file()
    {
        Assert.Equal(2, await run.RunAsync("diff", "@/etc/hostname", "@/etc/hostname"));
        Assert.Contains("@/etc/hostname does not exist", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_failure_that_nobody_expected_is_one_line_to_report()
    {
        var failing = run.Session with
        {
            Variable = name => name == "ELIVEPATCH_CACHE" ? throw new InvalidOperationException("first\nsecond") : null,
        };
        Assert.Equal(1, await CommandLine.RunAsync(["kernel", "list"], failing));
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
        var failing = run.Session with
        {
            Variable = name => name == "ELIVEPATCH_DEBUG" ? "1" : throw new InvalidOperationException("first"),
        };
        Assert.Equal(1, await CommandLine.RunAsync(["kernel", "list"], failing));
        Assert.Contains("   at ", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_disk_that_is_full_is_told_as_one()
    {
        var failing = run.Session with { Variable = _ => throw new IOException("No space left on device", 28) };
        Assert.Equal(1, await CommandLine.RunAsync(["kernel", "list"], failing));
        Assert.StartsWith("ELP0905 ", run.Error, StringComparison.Ordinal);
    }

    private static IEnumerable<string> Paths(Command command, string prefix) =>
        command.Subcommands.SelectMany(c => c.Subcommands.Count > 0 ? Paths(c, $"{prefix}{c.Name} ") : [prefix + c.Name]);
}
