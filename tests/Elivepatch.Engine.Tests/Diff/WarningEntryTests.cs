using Elivepatch.Engine.Diff;
using Xunit;
using static Elivepatch.Engine.Tests.Diff.Patched;

namespace Elivepatch.Engine.Tests.Diff;

/// <summary>Code that hands the address of its own entry of <c>__bug_table</c> to a warning.</summary>
public sealed class WarningEntryTests
{
    // As arch/x86/include/asm/bug.h has it from Linux 6.19 on, the label of the entry aside.
    internal const string Declarations = """
        extern void warn(void *, ...);
        extern int limit;
        #define ENTRY(label, format, number) ({ void *bug; \
            asm volatile("lea " label "(%%rip), %0\n1:\n.pushsection __bug_table,\"aw\"\n" label ":\n.long 1b - ., %c1 - ., %c2 - .\n" \
                ".word %c3, 9\n.popsection" : "=r"(bug) : "i"(format), "i"("unit.c"), "i"(number)); bug; })
        #define WARN(label, format, number, ...) warn(ENTRY(label, format, number), ##__VA_ARGS__)

        """;

    private const string Source =
        Declarations
        + """
            void first(int a) { if (a > limit) WARN("warn1", "first %d", 11, a); }
            void second(int a) { if (a < limit) WARN("warn2", "second %d", 12, a); WARN("warn3", "third", 13); }

            """;

    [Fact]
    public void A_warning_that_only_moved_to_another_line_is_the_same() =>
        Assert.Empty(Compare(Source, Source.Replace(", 12,", ", 99,", StringComparison.Ordinal)).Changed());

    [Fact]
    public void An_entry_further_up_in_the_table_is_the_same()
    {
        var after = Source.Replace(
            "void first",
            "void added(int a) { WARN(\"warn0\", \"added\", 10); }\nvoid first",
            StringComparison.Ordinal
        );
        Assert.Empty(Compare(Source, after).Changed());
    }

    [Theory]
    [InlineData("second %d", "second: %d")]
    [InlineData(".word %c3, 9", ".word %c3, 8")]
    public void What_a_warning_says_is_part_of_its_function(string old, string now) =>
        Assert.Contains("second", Compare(Source, Source.Replace(old, now, StringComparison.Ordinal)).Changed());

    [Fact]
    public void What_the_entry_refers_to_comes_along()
    {
        var diff = Compare(Source, Source.Replace("a < limit", "a <= limit", StringComparison.Ordinal));
        var pieces = Value(Include.Run(diff)).Pieces;
        Assert.Equal(["second"], pieces.Where(p => p.IsCode).Select(p => p.Name));
        Assert.Equal(3, pieces.Count(p => !p.IsCode));
    }

    [Theory]
    [InlineData("lea warn1(%%rip), %0")]
    [InlineData("lea warn2+4(%%rip), %0")]
    public void What_is_not_the_codes_own_entry_is_refused(string load)
    {
        var after =
            Source
            + "void third(void) { void *b; asm(\""
            + load
            + "\" : \"=r\"(b)); WARN(\"warn4\", \"fourth\", 14); warn(b); }\n";
        var problem = Assert.Single(Include.Run(Compare(Source, after)).Problems);
        Assert.Equal(DiffProblems.UnknownSection, problem.Code);
        Assert.StartsWith(
            "unit.c: third refers to an entry of __bug_table, which describes ",
            problem.Reason,
            StringComparison.Ordinal
        );
    }
}
