using Xunit;
using static Elivepatch.Engine.Tests.Diff.Patched;

namespace Elivepatch.Engine.Tests.Diff;

public sealed class LiftToCallersTests
{
    // `inline` of the kernel means this; the compiler emits such functions all the same.
    private const string Source = """
        #define untraced __attribute__((no_instrument_function, noinline))
        extern int slow(int);
        static untraced int body(int a) { return slow(a) + slow(a + 1) * 3; }
        int caller(int a) { return body(a) + 5; }
        int other(int a) { return slow(a) - 1; }
        """;

    private static readonly string changed = Source.Replace("* 3", "* 4", StringComparison.Ordinal);

    [Fact]
    public void A_static_function_without_an_ftrace_entry_is_brought_by_its_callers()
    {
        var diff = Compare(Source, changed);
        Assert.Empty(diff.Problems);
        Assert.Equal([("body", false), ("caller", true)], diff.Changed.Select(c => (c.After.Name, c.IsDiverted)));
        Assert.Equal([("body", null), ("caller", "body")], diff.Changed.Select(c => (c.After.Name, c.LiftedFrom?.Name)));
        Assert.Equal(["body", "caller"], diff.Included().Order(StringComparer.Ordinal));
        Assert.All(diff.Changed, c => Assert.True(c.IsSeenOnStacks));
    }

    [Fact]
    public void Callers_without_an_ftrace_entry_are_brought_by_their_callers()
    {
        const string more =
            "static untraced int middle(int a) { return body(a) * body(a + 1); }\nint caller(int a) { return middle(a) + middle(2); }\n";
        var before = Source.Replace("int caller(int a) { return body(a) + 5; }\n", more, StringComparison.Ordinal);
        var diff = Compare(before, before.Replace("* 3", "* 4", StringComparison.Ordinal));
        Assert.Empty(diff.Problems);
        Assert.Equal(
            [("body", false), ("middle", false), ("caller", true)],
            diff.Changed.Select(c => (c.After.Name, c.IsDiverted))
        );
    }

    [Fact]
    public void A_function_that_is_jumped_to_is_not_seen_on_stacks()
    {
        var before = Source.Replace("return body(a) + 5;", "return body(a + 5);", StringComparison.Ordinal);
        var diff = Compare(before, before.Replace("* 3", "* 4", StringComparison.Ordinal));
        Assert.Equal([("body", false), ("caller", true)], diff.Changed.Select(c => (c.After.Name, c.IsSeenOnStacks)));
    }

    [Fact]
    public void A_function_that_a_lifted_one_jumps_to_is_seen_where_that_one_is_called()
    {
        const string more =
            "static untraced int middle(int a) { slow(a); return body(a); }\nint caller(int a) { return middle(a) + middle(2); }\n";
        var before = Source.Replace("int caller(int a) { return body(a) + 5; }\n", more, StringComparison.Ordinal);
        var diff = Compare(before, before.Replace("* 3", "* 4", StringComparison.Ordinal));
        Assert.All(diff.Changed, c => Assert.True(c.IsSeenOnStacks));
    }

    [Theory]
    [InlineData("int other(int a)", "int (*pointer)(int) = body;\nint other(int a)", "pointer holds its address")]
    [InlineData(
        "int other(int a) { return slow(a) - 1; }",
        "int other(int (**a)(int)) { *a = body; return 1; }",
        "other holds its address"
    )]
    [InlineData("static untraced int body", "untraced int body", "callers in other units")]
    [InlineData(
        "int other(int a)",
        "asm(\".pushsection .initcall1.init,\\\"a\\\"\\n.quad body\\n.popsection\");\nint other(int a)",
        ".initcall1.init holds its address"
    )]
    public void Whoever_else_may_run_the_old_one_is_named(string old, string now, string reason)
    {
        var before = Source.Replace(old, now, StringComparison.Ordinal);
        var problem = Assert.Single(Compare(before, before.Replace("* 3", "* 4", StringComparison.Ordinal)).Problems);
        Assert.Equal(408, problem.Code.Number);
        Assert.Contains(reason, problem.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void The_code_of_an_alternative_counts_as_that_of_its_function()
    {
        const string alternative = """
            int patched(void)
            {
                asm volatile("1: nop; nop; nop; nop; nop\n"
                             ".pushsection .altinstructions,\"a\"\n.long 1b - .\n.long 2f - .\n.word 1\n.byte 5\n.byte 5\n.popsection\n"
                             ".pushsection .altinstr_replacement,\"ax\"\n2: call body\n.popsection" ::: "memory");
                return slow(1);
            }
            int other(int a)
            """;
        var before = Source.Replace("int other(int a)", alternative, StringComparison.Ordinal);
        var diff = Compare(before, before.Replace("* 3", "* 4", StringComparison.Ordinal));
        Assert.Equal(["body", "caller", "patched"], diff.Changed());
    }

    [Fact]
    public void A_unit_without_any_ftrace_entry_says_so()
    {
        var before = Source
            .Replace("int caller", "untraced int caller", StringComparison.Ordinal)
            .Replace("int other", "untraced int other", StringComparison.Ordinal);
        var problem = Assert.Single(Compare(before, before.Replace("* 3", "* 4", StringComparison.Ordinal)).Problems);
        Assert.Contains("its unit is compiled without ftrace entries", problem.Reason, StringComparison.Ordinal);
        Assert.Contains("caller (calls body, which cannot be diverted)", problem.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void A_call_in_a_cold_part_is_not_seen_on_stacks()
    {
        var before = Source.Replace(
            "return body(a) + 5;",
            "if (__builtin_expect(a == 7, 0)) { slow(1); slow(2); return body(a) + 5; } return a;",
            StringComparison.Ordinal
        );
        var diff = Compare(before, before.Replace("* 3", "* 4", StringComparison.Ordinal), "-freorder-blocks-and-partition");
        var body = Assert.Single(diff.Changed, c => c.After.Name == "body");
        Assert.Equal(diff.Changed.Single(c => c.After.Name == "caller").After.Cold is null, body.IsSeenOnStacks);
    }

    [Fact]
    public void A_caller_that_disappears_is_named()
    {
        const string more = "static untraced int middle(int a) { return body(a); }\nint caller(int a) { return middle(a); }\n";
        var before = Source.Replace("int caller(int a) { return body(a) + 5; }\n", more, StringComparison.Ordinal);
        var diff = Compare(
            before,
            before
                .Replace("* 3", "* 4", StringComparison.Ordinal)
                .Replace("return middle(a);", "return body(a);", StringComparison.Ordinal)
                .Replace("static untraced int middle(int a) { return body(a); }\n", "", StringComparison.Ordinal)
        );
        Assert.Contains(
            diff.Problems,
            p => p.Reason.Contains("and middle, which calls it, is removed", StringComparison.Ordinal)
        );
    }
}
