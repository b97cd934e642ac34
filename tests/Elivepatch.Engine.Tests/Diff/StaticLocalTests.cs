using Elivepatch.Engine.Diff;
using Xunit;
using static Elivepatch.Engine.Tests.Diff.Patched;

namespace Elivepatch.Engine.Tests.Diff;

public sealed class StaticLocalTests
{
    private const string TwoOwners = """
        extern int limit;
        int f(int a) { static int count; return count += a; }
        int g(int a) { static int count; return count -= a; }
        """;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_static_local_keeps_its_value(bool debug)
    {
        var diff = Compare(TwoOwners, TwoOwners.Replace("count += a", "count += a * 7", StringComparison.Ordinal), debug: debug);
        Assert.Equal(["f"], diff.Changed());
        Assert.Empty(diff.Problems);
        Assert.Equal(["f"], diff.Included());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void It_is_matched_by_its_owner_and_not_by_its_number(bool debug)
    {
        // A function in front renumbers everything behind it.
        var after = TwoOwners
            .Replace("int f(", "int e(int a) { static int count; return count ^= a; }\nint f(", StringComparison.Ordinal)
            .Replace("count -= a", "count -= a * 3", StringComparison.Ordinal);
        var diff = Compare(TwoOwners, after, debug: debug);
        Assert.Equal(["g"], diff.Changed());
        Assert.Empty(diff.Problems);
        var g = diff.Changed[0];
        var (old, now) = (
            g.Before!.References.First(r => r.TargetName.StartsWith("count", StringComparison.Ordinal)).Piece!,
            g.After.References.First(r => r.TargetName.StartsWith("count", StringComparison.Ordinal)).Piece!
        );
        Assert.Same(old, diff.Correlation.BeforeOf(now));
    }

    [Fact]
    public void A_vanished_static_local_is_refused()
    {
        var diff = Compare(
            TwoOwners,
            TwoOwners.Replace("static int count; return count += a;", "return limit + a;", StringComparison.Ordinal)
        );
        Assert.Equal([406], diff.Numbers());
    }

    [Theory]
    [InlineData("static int count;\nreturn count += a;", "\nreturn limit + a;", true)]
    [InlineData("static int count;\nreturn count += a;", "static int calls;\nreturn calls += a;", false)] // another name for the same state
    [InlineData("static int count;\nreturn count += a;", "int count = 0;\nreturn count += a;", false)] // the compiler needs no place for it
    [InlineData("static int count;\nreturn count += a;", "static int count;\nreturn 3;", false)]
    [InlineData("static int count;\nreturn count += a;", "\nstatic int calls; g(calls++); return limit + a;", false)]
    public void A_static_local_whose_declaration_the_patch_removes_is_left_out(string old, string now, bool isLeftOut)
    {
        var before = $"extern int limit;\nint g(int a);\nint f(int a)\n{{\n{old}\n}}\nint g(int a) {{ return a; }}\n";
        var after = before.Replace(old, now, StringComparison.Ordinal);

        var diff = CompareChangedLines(before, after, 5, 6);

        Assert.Equal(isLeftOut, diff.Problems.Count == 0);
        Assert.Equal(isLeftOut ? ["the removal of f::count: the running kernel keeps it, for old code only"] : [], diff.LeftOut);
        if (isLeftOut)
        {
            Assert.Equal([406], CompareChangedLines(before, after, 6).Numbers());
        }
    }

    [Fact]
    public void A_static_local_that_moves_to_another_function_is_not_mistaken_for_the_old_one()
    {
        var before =
            "extern int limit;\nint f(int a) { static int count; return count += a; }\nint g(int a) { return a + limit; }\n";
        var after =
            "extern int limit;\nint f(int a) { return a + limit; }\nint g(int a) { static int count; return count += a; }\n";
        Assert.NotEmpty(Compare(before, after).Problems);
    }

    [Fact]
    public void A_third_static_local_of_one_name_in_one_function_is_refused()
    {
        var before = "int f(int a) { if (a) { static int n; return n += a; } else { static int n; return n -= 3; } }\n";
        var after = before.Replace(
            "int f(int a) {",
            "int f(int a) { if (a == 9) { static int n; return n ^= 5; }",
            StringComparison.Ordinal
        );
        var diff = Compare(before, after);
        Assert.Contains(407, diff.Problems.Concat(Include.Run(diff).Problems).Select(p => p.Code.Number));
    }

    // As DO_ONCE() used twice in one function.
    private const string TwoOfOneName = """
        int f(int a)
        {
            { static int n; a ^= ++n; }
            { static int n; a += n--; }
            return a;
        }
        """;

    [Fact]
    public void Static_locals_of_one_name_in_one_function_are_told_by_the_lines_that_the_patch_leaves_alone()
    {
        var diff = CompareLines(TwoOfOneName, TwoOfOneName.Replace("return a;", "return a ^ 3;", StringComparison.Ordinal), 5);
        Assert.Equal(["f"], diff.Included());
        Assert.All(
            diff.After("n"),
            n =>
                Assert.Equal(
                    diff.Correlation.Before.DeclarationOf(diff.Correlation.BeforeOf(n)!),
                    diff.Correlation.After.DeclarationOf(n)
                )
        );
    }

    [Fact]
    public void A_third_one_on_a_line_of_the_patch_is_new()
    {
        var after = TwoOfOneName.Replace("return a;", "{ static int n; return a ^ n++; }", StringComparison.Ordinal);
        var diff = CompareLines(TwoOfOneName, after, 5);
        Assert.Equal(2, diff.After("n").Count(n => diff.Correlation.BeforeOf(n) is not null && !diff.Correlation.IsAmbiguous(n)));
        Assert.Equal(2, diff.Included().Length);
    }

    [Fact]
    public void Static_locals_of_one_name_on_lines_that_the_patch_changes_are_not_told_apart()
    {
        var swapped = TwoOfOneName
            .Replace("a ^= ++n;", "a += n--;+", StringComparison.Ordinal)
            .Replace("a += n--; }", "a ^= ++n; }", StringComparison.Ordinal)
            .Replace("a += n--;+", "a += n--;", StringComparison.Ordinal);
        Assert.Equal(
            [407],
            Include.Run(CompareLines(TwoOfOneName, swapped, 3, 4)).Problems.Select(p => p.Code.Number).Distinct()
        );
    }

    [Theory]
    [InlineData("net/x.h", "net/x.h", true)]
    [InlineData("net/sub/../x.h", "net/x.h", true)]
    [InlineData("./net/./x.h", "net/x.h", true)]
    [InlineData("net/y.h", "net/x.h", false)]
    [InlineData("../net/y.h", "net/x.h", true)]
    [InlineData("/usr/y.h", "net/x.h", true)]
    public void A_line_of_a_patched_file_is_known_by_every_way_to_it(string declared, string patched, bool isDoubtful)
    {
        var lines = new StableLines(new Dictionary<string, IReadOnlySet<int>> { [patched] = new HashSet<int> { 3 } });
        Assert.Equal(!isDoubtful, lines.IsStable(new(declared, 3)));
    }

    [Fact]
    public void A_static_local_of_a_function_that_is_inlined_keeps_its_value()
    {
        var before = """
            static inline int next(void) { static int serial; return ++serial; }
            int f(int a) { return next() + a; }
            int g(int a) { return next() - a; }
            """;
        var diff = Compare(before, before.Replace("next() - a", "next() * a", StringComparison.Ordinal));
        Assert.Equal(["g"], diff.Changed());
        Assert.Equal(["g"], diff.Included());
    }

    [Fact]
    public void A_new_static_local_comes_with_the_livepatch()
    {
        var diff = Compare("int f(int a) { return a; }\n", "int f(int a) { static int seen; return a + seen++; }\n");
        Assert.Empty(diff.Problems);
        Assert.Contains(diff.Included(), n => n.StartsWith("seen", StringComparison.Ordinal));
    }

    [Fact]
    public void A_constant_of_a_function_is_the_kernels_own_where_it_is_equal()
    {
        var before =
            "extern int use(const int *, int);\nint f(int a) { static const int t[4] = { 1, 2, 3, 4 }; return use(t, a); }\n";
        var diff = Compare(before, before.Replace("use(t, a)", "use(t, a + 1)", StringComparison.Ordinal));
        Assert.Equal(["f"], diff.Included());
    }

    [Fact]
    public void The_name_of_the_function_is_copied_freshly()
    {
        var before = "extern int printk(const char *, ...);\nint f(int a) { return printk(\"%s\", __func__) + a; }\n";
        Assert.Contains(
            Compare(before, before.Replace("+ a", "- a", StringComparison.Ordinal)).Included(),
            n => n.StartsWith("__func__", StringComparison.Ordinal)
        );
    }
}
