using Elivepatch.Model;
using Elivepatch.Model.Statements;
using Xunit;

namespace Elivepatch.Engine.Tests.Statements;

public sealed class StatementRulesTests
{
    private static readonly AuthorStatement good = new(
        StatementKind.LayoutIsSafe,
        "fs/eventfd.c",
        "struct eventfd_ctx",
        "the member lies in padding"
    );

    [Theory]
    [InlineData(StatementKind.LayoutIsSafe, "struct eventfd_ctx")]
    [InlineData(StatementKind.LayoutIsSafe, "box_t")]
    [InlineData(StatementKind.LayoutIsSafe, "f::calls")]
    [InlineData(StatementKind.StaticLocalMayGo, "drop_caches_sysctl_handler::stfu")]
    [InlineData(StatementKind.LeaveOutInitialiser, "files_stat")]
    [InlineData(StatementKind.LeaveOutInitialiser, "f::calls")]
    [InlineData(StatementKind.LeaveOutInit, "proc_loadavg_init")]
    [InlineData(StatementKind.LeaveOutExport, "seq_printf")]
    [InlineData(StatementKind.PatchFunctionToo, "helper.isra.0")]
    [InlineData(StatementKind.SignatureIsCompatible, "vfs_read")]
    public void A_statement_names_one_thing(StatementKind kind, string name) =>
        Assert.Null(StatementRules.Check(good with { Kind = kind, Name = name }));

    [Theory]
    [InlineData(StatementKind.LayoutIsSafe, "struct")]
    [InlineData(StatementKind.LayoutIsSafe, "struct *")]
    [InlineData(StatementKind.LayoutIsSafe, "f::")]
    [InlineData(StatementKind.LayoutIsSafe, "struct f::calls")]
    [InlineData(StatementKind.StaticLocalMayGo, "stfu")]
    [InlineData(StatementKind.LeaveOutInitialiser, "*")]
    [InlineData(StatementKind.LeaveOutInit, "")]
    [InlineData(StatementKind.LeaveOutExport, "a b")]
    [InlineData(StatementKind.PatchFunctionToo, "f\n")]
    [InlineData((StatementKind)99, "f")]
    public void What_names_no_thing_of_its_kind_is_refused(StatementKind kind, string name) =>
        Assert.NotNull(StatementRules.Check(good with { Kind = kind, Name = name }));

    [Theory]
    [InlineData("")]
    [InlineData("/etc/passwd.c")]
    [InlineData("fs/../../x.c")]
    [InlineData("fs//x.c")]
    [InlineData("fs/eventfd.h")]
    [InlineData("fs/event fd.c")]
    [InlineData("fs/eventfd.c\n")]
    public void A_unit_is_a_source_file_of_the_kernel(string unit) =>
        Assert.NotNull(StatementRules.Check(good with { Unit = unit }));

    [Theory]
    [InlineData("")]
    [InlineData("  \u00a0")]
    [InlineData("two\nlines")]
    [InlineData("a bell \u0007")]
    [InlineData("turned \u202e around")]
    [InlineData("half a pair \ud800")]
    [InlineData("a private one \ue000")]
    public void A_reason_is_a_line_of_printable_text(string reason) =>
        Assert.NotNull(StatementRules.Check(good with { Reason = reason }));

    [Fact]
    public void A_reason_may_be_in_any_language_and_has_an_end()
    {
        Assert.Null(StatementRules.Check(good with { Reason = "Füllbytes, は安全です 👍" }));
        Assert.Null(StatementRules.Check(good with { Reason = new('x', StatementRules.LongestReason) }));
        Assert.NotNull(StatementRules.Check(good with { Reason = new('x', StatementRules.LongestReason + 1) }));
    }

    [Fact]
    public void A_thing_is_stated_once_and_there_are_so_many()
    {
        Assert.Contains(
            "is stated twice",
            StatementRules.Check([good, good with { Reason = "another" }]),
            StringComparison.Ordinal
        );
        Assert.Null(StatementRules.Check([good, good with { Unit = "fs/other.c" }]));
        var many = Enumerable
            .Range(0, StatementRules.MostStatements + 1)
            .Select(i => good with { Name = $"struct s{i}" })
            .ToList();
        Assert.Null(StatementRules.Check([.. many.Skip(1)]));
        Assert.NotNull(StatementRules.Check(many));
    }

    [Fact]
    public void Nothing_missing_is_taken_for_a_statement()
    {
        Assert.NotNull(StatementRules.Check([null!]));
        Assert.NotNull(StatementRules.Check(good with { Unit = null! }));
        Assert.NotNull(StatementRules.Check(good with { Name = null! }));
        Assert.NotNull(StatementRules.Check(good with { Reason = null! }));
    }

    [Fact]
    public void A_statement_that_nothing_used_is_a_problem_that_names_it()
    {
        var other = good with { Name = "struct misspelt" };
        var statements = Elivepatch.Engine.Tests.Diff.Patched.Value(AuthorStatements.Of([good, other]));

        var problem = Assert.Single(statements.FindUnused([good]));

        Assert.Equal("ELP0445: layout-is-safe: struct misspelt in fs/eventfd.c", problem.ToString());
    }

    [Fact]
    public void Every_kind_has_a_word() =>
        Assert.All(Enum.GetValues<StatementKind>(), k => Assert.Equal(k, StatementKinds.Parse(StatementKinds.WordOf(k)!)));
}
