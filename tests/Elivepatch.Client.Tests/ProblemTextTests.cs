using Elivepatch.Engine;
using Elivepatch.Terminal;

namespace Elivepatch.Client.Tests;

/// <summary>How problems look, and which exit status they give.</summary>
public sealed class ProblemTextTests
{
    [Fact]
    public void Problems_of_one_kind_share_a_title()
    {
        Assert.Equal(
            $"""
            ELP0403 an initialiser of existing data changed
              a.c: x
              a.c: y
              and more
              what to do: {ProblemCodes.ChangedData.Remedy}
            ELP0404 code or data that is used only while the kernel starts changed
              a.c: z
              what to do: leave it

            """,
            Text(new(ProblemCodes.ChangedData, "a.c: x"), new(ProblemCodes.ChangedData, "a.c: y\nand more\n"), new(ProblemCodes.ChangedInit, "a.c: z", "leave it")));
    }

    [Fact]
    public void Control_characters_of_others_do_not_reach_the_terminal() =>
        Assert.Contains(@"  \x1b[2Jname" + "\n", Text(new Problem(ProblemCodes.ChangedData, "\x1b[2Jname")), StringComparison.Ordinal);

    [Theory]
    [InlineData(0)]
    [InlineData(1, 401)]
    [InlineData(2, 950)]
    [InlineData(3, 400)]
    [InlineData(4, 403)]
    [InlineData(5, 301)]
    [InlineData(5, 403, 301)]
    [InlineData(4, 400, 404)]
    public void The_weightiest_problem_gives_the_exit_status(int status, params int[] numbers) =>
        Assert.Equal(status, ExitStatus.Of(numbers.Select(n => new Problem(ProblemCodes.All.First(c => c.Number == n), ""))));

    private static string Text(params Problem[] problems)
    {
        var writer = new StringWriter();
        ProblemText.Write(writer, problems);
        return writer.ToString();
    }
}
