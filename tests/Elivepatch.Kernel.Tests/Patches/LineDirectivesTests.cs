using System.Globalization;
using System.Text;
using Elivepatch.Kernel.Patches;
using Xunit;

namespace Elivepatch.Kernel.Tests.Patches;

public sealed class LineDirectivesTests
{
    [Fact]
    public void An_added_line_is_made_up_for_at_the_next_end_of_a_statement()
    {
        var after = Insert("a;\nb;\nc;\n", "a;\nnew;\nb;\nc;\n");
        Assert.Equal("a;\nnew;\n#line 2\nb;\nc;\n", after);
    }

    [Fact]
    public void A_removed_line_is_made_up_for() => Assert.Equal("a;\n#line 3\nc;\n", Insert("a;\nb;\nc;\n", "a;\nc;\n"));

    [Fact]
    public void A_replaced_line_needs_nothing() => Assert.Equal("a;\nB;\nc;\n", Insert("a;\nb;\nc;\n", "a;\nB;\nc;\n"));

    [Fact]
    public void Two_changes_that_make_up_for_each_other_in_unsafe_text_need_nothing() =>
        Assert.Equal(
            "f(new,\nb,\nd);\ne;\n",
            Insert("f(\nb,\nc,\nd);\ne;\n", "f(new,\nb,\nd);\ne;\n").Replace("#line 5\n", "", StringComparison.Ordinal)
        );

    [Theory]
    // In an open parenthesis, a comment, a continued line, a statement that goes on.
    [InlineData("f(a,\nb,\nc);\nd;\n", "f(a,\nnew,\nb,\nc);\nd;\n", "f(a,\nnew,\nb,\nc);\n#line 4\nd;\n")]
    [InlineData("/* a\n b */\nc;\n", "/* a\n new\n b */\nc;\n", "/* a\n new\n#line 2\n b */\nc;\n", false)]
    [InlineData(
        "#define A \\\n b \\\n c\nd;\n",
        "#define A \\\n new \\\n b \\\n c\nd;\n",
        "#define A \\\n new \\\n b \\\n c\n#line 4\nd;\n"
    )]
    [InlineData("x = a\n + b;\nc;\n", "x = a\n + new\n + b;\nc;\n", "x = a\n + new\n + b;\n#line 3\nc;\n")]
    public void A_directive_stands_only_where_it_is_harmless(string before, string after, string expected, bool same = true)
    {
        if (same)
        {
            Assert.Equal(expected, Insert(before, after));
        }
        else
        {
            Assert.NotEqual(expected, Insert(before, after));
        }
    }

    [Fact]
    public void Branches_of_a_conditional_may_each_open_a_parenthesis()
    {
        const string before = "#ifdef A\nif (f(a)\n#else\nif (f(b)\n#endif\n && c) {\nd;\n}\ne;\n";
        Assert.Equal(
            before
                .Replace("d;\n", "d;\nnew;\n", StringComparison.Ordinal)
                .Replace("}\n", "#line 8\n}\n", StringComparison.Ordinal),
            Insert(before, before.Replace("d;\n", "d;\nnew;\n", StringComparison.Ordinal))
        );
    }

    [Fact]
    public void A_quote_in_a_comment_opens_no_literal() =>
        Assert.Equal("a; // don't\nnew;\n#line 2\nb;\n", Insert("a; // don't\nb;\n", "a; // don't\nnew;\nb;\n"));

    [Fact]
    public void Every_line_that_stays_keeps_its_number_after_a_directive()
    {
        var random = new Random(7);
        for (var round = 0; round < 300; round++)
        {
            var before = Enumerable.Range(1, 60).Select(n => $"line{n};").ToList();
            var after = new List<string>();
            foreach (var line in before)
            {
                if (random.Next(10) == 0)
                {
                    after.AddRange(Enumerable.Range(0, random.Next(1, 4)).Select(i => $"new{random.Next()}{i};"));
                }

                if (random.Next(10) != 0)
                {
                    after.Add(line);
                }
            }
            var number = 1;
            foreach (var line in Insert(Join(before), Join(after)).Split('\n', StringSplitOptions.RemoveEmptyEntries))
            {
                if (line.StartsWith("#line ", StringComparison.Ordinal))
                {
                    number = int.Parse(line[6..], CultureInfo.InvariantCulture);
                    continue;
                }
                if (line.StartsWith("line", StringComparison.Ordinal))
                {
                    Assert.Equal($"line{number};", line);
                }

                number++;
            }
        }
    }

    [Fact]
    public void A_change_in_a_branch_is_made_up_for_behind_it_as_well() =>
        Assert.Equal(
            "#ifdef A\na;\nnew;\n#line 3\nb;\n#else\n#line 5\nc;\n#endif\n#line 7\nd;\n",
            Insert("#ifdef A\na;\nb;\n#else\nc;\n#endif\nd;\n", "#ifdef A\na;\nnew;\nb;\n#else\nc;\n#endif\nd;\n")
        );

    [Fact]
    public void A_change_outside_of_all_conditionals_is_made_up_for_once() =>
        Assert.Equal(
            "new;\n#line 1\na;\n#if A\nb;\n#endif\nc;\n",
            Insert("a;\n#if A\nb;\n#endif\nc;\n", "new;\na;\n#if A\nb;\n#endif\nc;\n")
        );

    // Whatever branches are compiled: every line that is compiled and was there before has the number that it had.
    [Fact]
    public void Every_line_that_stays_keeps_its_number_in_and_behind_branches_that_are_not_compiled()
    {
        var random = new Random(11);
        for (var round = 0; round < 300; round++)
        {
            var before = new List<string>();
            for (int n = 1, depth = 0; n <= 80; n++)
            {
                var kind = random.Next(12);
                depth +=
                    kind == 0 ? 1
                    : kind == 1 && depth > 0 ? -1
                    : 0;
                before.Add(
                    kind switch
                    {
                        0 => $"#if {random.Next(2)}",
                        1 when before.Count(l => l[..3] == "#if") > before.Count(l => l[..3] == "#en") => "#endif",
                        2
                            when depth > 0
                                && !before[before.FindLastIndex(l => l[..3] is "#if" or "#en" or "#el")]
                                    .StartsWith("#e", StringComparison.Ordinal) => "#else",
                        _ => $"line{n};",
                    }
                );
            }

            before.AddRange(Enumerable.Repeat("#endif", before.Count(l => l[..3] == "#if") - before.Count(l => l[..3] == "#en")));
            var after = new List<string>();
            foreach (var line in before)
            {
                if (random.Next(12) == 0)
                {
                    after.AddRange(Enumerable.Range(0, random.Next(1, 4)).Select(i => $"new{random.Next()}{i};"));
                }

                if (random.Next(12) != 0 || line[0] == '#')
                {
                    after.Add(line);
                }
            }

            var numbered = LineDirectives.Insert([.. before.Select(l => l + "\n")], [.. after.Select(l => l + "\n")]);
            List<(string Line, int Number)> compiled = [.. Compiled(numbered.Lines.Select(l => l.TrimEnd('\n')))];
            Assert.All(
                compiled,
                c => Assert.True(!IsOld(c.Line) || c.Line == $"line{c.Number};", $"round {round}: {c.Line} is line {c.Number}")
            );
            // A number that is not doubtful is that of the one line.
            Assert.All(
                compiled.Where(c => !numbered.Ambiguous.Contains(c.Number)),
                c => Assert.True(IsOld(c.Line), $"round {round}: {c.Line} is line {c.Number}")
            );
        }
    }

    private static bool IsOld(string line) => line.StartsWith("line", StringComparison.Ordinal);

    // What a preprocessor does with #if 0, #if 1, #else, #endif and #line.
    private static IEnumerable<(string Line, int Number)> Compiled(IEnumerable<string> lines)
    {
        var branches = new Stack<bool>();
        var number = 0;
        foreach (var line in lines)
        {
            number++;
            var isCompiled = branches.All(b => b);
            if (line.StartsWith("#if ", StringComparison.Ordinal))
            {
                branches.Push(line.EndsWith('1'));
            }
            else if (line == "#else")
            {
                branches.Push(!branches.Pop());
            }
            else if (line == "#endif")
            {
                branches.Pop();
            }
            else if (!isCompiled)
            {
                continue;
            }
            else if (line.StartsWith("#line ", StringComparison.Ordinal))
            {
                number = int.Parse(line[6..], CultureInfo.InvariantCulture) - 1;
            }
            else
            {
                yield return (line, number);
            }
        }
    }

    [Fact]
    public void Changes_are_found_however_many_there_are()
    {
        var before = Enumerable.Range(0, 9000).Select(n => $"a{n}\n").ToList();
        var after = Enumerable.Range(0, 9000).Select(n => $"b{n}\n").ToList();
        Assert.Equal([new LineChange(0, 9000, 0, 9000)], LineDiff.Compare(before, after));
    }

    private static string Join(IEnumerable<string> lines) => string.Concat(lines.Select(l => l + "\n"));

    private static string Insert(string before, string after) =>
        string.Concat(
            LineDirectives
                .Insert(SourceText.Lines(Encoding.ASCII.GetBytes(before)), SourceText.Lines(Encoding.ASCII.GetBytes(after)))
                .Lines
        );
}
