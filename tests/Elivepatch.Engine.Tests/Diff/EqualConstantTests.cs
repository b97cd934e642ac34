using Elivepatch.Engine.Diff;
using Elivepatch.Engine.Units;
using Xunit;
using static Elivepatch.Engine.Tests.Diff.Patched;

namespace Elivepatch.Engine.Tests.Diff;

/// <summary>Pointers to constants are compared (<c>file->f_op == &amp;ops</c>): equal content is not the same object.</summary>
public sealed class EqualConstantTests
{
    private const string BodyOfF = "static const struct ops ops = { common }; return give(&ops, a);";
    private const string BodyOfG = "static const struct ops ops = { common }; return give(&ops, a + 1);";
    private const string New = "int h(int a) { static const struct ops ops = { common }; return give(&ops, a * 3); }\n";

    private const string Two = $$"""
        struct ops { int (*call)(int); };
        extern int common(int), give(const struct ops *, int);
        int f(int a) { {{BodyOfF}} }
        int g(int a) { {{BodyOfG}} }

        """;

    [Theory]
    [InlineData("give(&ops, a)", "give(&ops, a + 7)", "f")]
    [InlineData("give(&ops, a + 1)", "give(&ops, a + 7)", "g")]
    public void Each_function_keeps_its_own(string old, string changed, string function)
    {
        // A constant in front renumbers both.
        var diff = Compare(
            Two,
            Two.Replace(old, changed, StringComparison.Ordinal)
                .Replace("int f(", New.Replace(" h(", " e(", StringComparison.Ordinal) + "int f(", StringComparison.Ordinal)
        );
        var inclusion = Value(Include.Run(diff));
        var (before, after) = (diff.Changed[0].Before!, diff.Changed[0].After);
        Assert.Equal(function, after.Name);
        Assert.Same(ConstantOf(before), TwinOf(inclusion, ConstantOf(after)));
    }

    [Fact]
    public void An_equal_constant_of_a_new_function_is_a_new_object()
    {
        var diff = Compare(Two, Two + New);
        AssertCopied(diff, "h");
    }

    [Fact]
    public void A_constant_that_a_function_did_not_have_before_is_a_new_object()
    {
        AssertCopied(Compare(Two.Replace(BodyOfG, "return common(a);", StringComparison.Ordinal), Two), "g");
    }

    [Fact]
    public void A_constant_that_moves_to_another_function_is_a_new_object()
    {
        // What f had stays the kernel's, and whoever got a pointer to it still has that one.
        var before = Two.Replace(BodyOfG, "return common(a);", StringComparison.Ordinal);
        var after = Two.Replace(BodyOfF, "return common(a) + 2;", StringComparison.Ordinal);
        AssertCopied(Compare(before, after), "g");
    }

    [Fact]
    public void A_constant_that_only_changes_its_declaring_function_is_the_kernels_own()
    {
        var after = Two.Replace(
            $"int f(int a) {{ {BodyOfF} }}",
            $"static inline int ask(int a) {{ {BodyOfF} }}\nint f(int a) {{ return ask(a) + 5; }}",
            StringComparison.Ordinal
        );
        var diff = Compare(Two, after);
        var inclusion = Value(Include.Run(diff));
        Assert.Equal(["f"], diff.Changed());
        Assert.Same(ConstantOf(diff.Changed[0].Before!), TwinOf(inclusion, ConstantOf(diff.Changed[0].After)));
    }

    [Theory]
    [InlineData("give(&ops, a)", new[] { 428 })]
    [InlineData("ops.room[a & 7]", new int[0])]
    public void Several_equal_ones_of_one_function_are_refused_where_it_matters_which(string use, int[] numbers)
    {
        var source = $$"""
            struct ops { int (*call)(int); int room[8]; };
            extern int common(int), give(const struct ops *, int), limit;
            int f(int a)
            {
                if (a > limit) { static const struct ops ops = { common, { 1, 2 } }; return {{use}} + 9; }
                { static const struct ops ops = { common, { 1, 2 } }; return {{use}} - 2; }
            }

            """;
        var diff = Compare(source, source.Replace("+ 9", "+ 11", StringComparison.Ordinal));
        Assert.Equal(numbers, diff.Problems.Concat(Include.Run(diff).Problems).Select(p => p.Code.Number).Distinct());
    }

    [Fact]
    public void Several_of_one_function_with_other_content_are_told_apart_by_it()
    {
        var source = """
            struct ops { int (*call)(int); int room[8]; };
            extern int common(int), give(const struct ops *, int), limit;
            int f(int a)
            {
                if (a > limit) { static const struct ops ops = { common, { 1 } }; return give(&ops, a) + 9; }
                { static const struct ops ops = { common, { 2 } }; return give(&ops, a) - 2; }
            }

            """;
        var diff = Compare(source, source.Replace("+ 9", "+ 11", StringComparison.Ordinal));
        Assert.Equal(["f"], diff.Included());
    }

    private static void AssertCopied(UnitDiff diff, string function)
    {
        var inclusion = Value(Include.Run(diff));
        var constant = ConstantOf(inclusion.Pieces.Single(p => p.Name == function));
        Assert.True(inclusion.Contains(constant));
        Assert.Empty(inclusion.KernelTwins);
    }

    private static Piece ConstantOf(Piece function) =>
        function.References.Select(r => r.Piece).First(p => p?.IsConstant == true)!;

    private static Piece? TwinOf(Inclusion inclusion, Piece after) =>
        inclusion.Contains(after)
            ? null
            : inclusion.Diff.Correlation.BeforeOf(after) ?? inclusion.KernelTwins.GetValueOrDefault(after);
}
