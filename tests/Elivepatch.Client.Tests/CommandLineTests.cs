using System.CommandLine;

namespace Elivepatch.Client.Tests;

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
        Assert.StartsWith("ELP0950 the command line cannot be understood\n", run.Error, StringComparison.Ordinal);
        Assert.Contains("--help`", run.Error, StringComparison.Ordinal);
        Assert.Empty(run.Output);
    }

    public static TheoryData<string> Verbs => [.. Paths(CommandLine.CreateRoot(new TestSession().Session), "")];

    [Theory]
    [MemberData(nameof(Verbs))]
    public async Task Every_verb_has_a_help_that_teaches(string verb)
    {
        Assert.Equal(0, await run.RunAsync([.. verb.Split(' '), "--help"]));
        Assert.Contains("Usage:", run.Output, StringComparison.Ordinal);
        Assert.Matches(@"Examples?:\n  (sudo )?elivepatch " + verb, run.Output);
        Assert.Empty(run.Error);
    }

    [Fact]
    public async Task A_word_with_an_at_sign_reads_no_file()
    {
        Assert.Equal(2, await run.RunAsync("diff", "@/etc/hostname", "@/etc/hostname"));
        Assert.Contains("@/etc/hostname does not exist", run.Error, StringComparison.Ordinal);
    }

    private static IEnumerable<string> Paths(Command command, string prefix) =>
        command.Subcommands.SelectMany(c => c.Subcommands.Count > 0 ? Paths(c, $"{prefix}{c.Name} ") : [prefix + c.Name]);
}
