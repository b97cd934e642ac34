using Elivepatch.Engine;
using Elivepatch.Model;
using Elivepatch.Protocol;
using Elivepatch.Terminal;

namespace Elivepatch.Author.Tests;

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
              what to do: {DiffProblems.ChangedData.Remedy}
            ELP0404 __init or __exit code or data changed
              a.c: z
              what to do: leave it

            """,
            Text(
                new(DiffProblems.ChangedData, "a.c: x"),
                new(DiffProblems.ChangedData, "a.c: y\nand more\n"),
                new(DiffProblems.ChangedInit, "a.c: z", "leave it")
            )
        );
    }

    [Fact]
    public void What_an_author_could_state_is_shown_ready_to_be_copied()
    {
        var problem = new Problem(DiffProblems.ChangedLayout, "a.c: struct box: b was added", "keep it")
        {
            LiftedBy = new(StatementKind.LayoutIsSafe, "a.c", "struct box"),
        };
        Assert.Equal(
            """
            ELP0409 the layout of a structure changed
              a.c: struct box: b was added
              what to do: keep it
                - layout-is-safe: struct box
                  unit: a.c
                  reason:  # say why

            """,
            Text(problem)
        );
    }

    [Fact]
    public void What_an_author_could_state_travels_with_the_problem()
    {
        var problem = new Problem(DiffProblems.ChangedLayout, "a.c: struct box: b was added")
        {
            LiftedBy = new(StatementKind.LayoutIsSafe, "a.c", "struct box"),
        };
        var report = Assert.Single(ProblemReport.Of([problem]));
        Assert.Equal(new("layout-is-safe", "a.c", "struct box"), report.LiftedBy);
        Assert.Equal(problem.LiftedBy, report.ToProblem().LiftedBy);

        // Of a newer server, or of one that is not what it should be.
        Assert.Null((report with { LiftedBy = new("force", "a.c", "x") }).ToProblem().LiftedBy);
        Assert.Null((report with { LiftedBy = new("layout-is-safe", "a.c", "x\n- leave-out-export: y") }).ToProblem().LiftedBy);
        Assert.Null((report with { LiftedBy = new(null!, null!, null!) }).ToProblem().LiftedBy);
    }

    [Fact]
    public void Control_characters_of_others_do_not_reach_the_terminal() =>
        Assert.Contains(
            @"  \x1b[2Jname" + "\n",
            Text(new Problem(DiffProblems.ChangedData, "\x1b[2Jname")),
            StringComparison.Ordinal
        );

    private static string Text(params Problem[] problems)
    {
        var writer = new StringWriter();
        ProblemText.Write(writer, problems);
        return writer.ToString();
    }
}
