using Elivepatch.Engine.Diff;
using Xunit;
using static Elivepatch.Engine.Tests.Diff.Patched;

namespace Elivepatch.Engine.Tests.Diff;

/// <summary>The livepatch's copy of a literal is equal to no pointer of the kernel.</summary>
public sealed class ComparedLiteralTests
{
    private const string Declarations = """
        extern int limit;
        extern void take(const char *, const char *);
        extern const char *names[];
        static const char *unknown = "(unknown)";
        const char *name(int a) { return a ? names[a] : unknown; }

        """;

    [Theory]
    [InlineData("int use(const char *a) { return a == unknown ? limit : 0; }")]
    [InlineData("int use(const char *a) { const char *u = unknown; take(u, a); return a == u ? limit : 0; }")]
    [InlineData("int use(const char *a, int b) { return a == (b ? unknown : \"other\"); }")]
    [InlineData("long use(const char *a) { return a - unknown; }")]
    [InlineData("int use(int a) { return names[a] != unknown; }")]
    public void A_comparison_with_a_literal_is_refused(string function) =>
        Assert.Equal([435], Include.Run(Compare(Declarations, Declarations + function)).Problems.Select(p => p.Code.Number));

    [Fact]
    public void A_function_that_stays_and_compares_is_named()
    {
        const string before = Declarations + "int known(const char *a) { return a != unknown; }\n";
        var problem = Assert.Single(
            Include.Run(Compare(before, before.Replace("a ? names[a]", "a > 1 ? names[a]", StringComparison.Ordinal))).Problems
        );
        Assert.Equal(435, problem.Code.Number);
        Assert.Equal(
            "unit.c: known compares a pointer with the literal \"(unknown)\", and name brings another copy",
            problem.Reason
        );
    }

    [Theory]
    [InlineData("int use(const char *a) { take(a, unknown); return limit; }")]
    [InlineData("int use(const char *a) { take(a, a ? a : unknown); return limit == 9; }")]
    [InlineData("int use(const char *a) { return __builtin_strcmp(a, \"x\") == 0; }")]
    [InlineData("int use(int a) { return \"abcdef\"[a] == limit; }")]
    public void Other_uses_are_no_problem(string function) =>
        Assert.Empty(Include.Run(Compare(Declarations, Declarations + function)).Problems);
}
