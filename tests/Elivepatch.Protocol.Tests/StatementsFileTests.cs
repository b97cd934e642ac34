using System.Text;
using Elivepatch.Model;
using Elivepatch.Model.Statements;
using Elivepatch.Protocol.Statements;

namespace Elivepatch.Protocol.Tests;

/// <summary>Statements files: what an author writes is understood, and what nobody needs is refused where it stands.</summary>
public sealed class StatementsFileTests
{
    private const string Entry = "- layout-is-safe: struct box\n  unit: fs/box.c\n  reason: it is so\n";

    [Fact]
    public void Each_entry_states_one_thing_and_why()
    {
        var statements = Read(
            """
            # For fix.patch.
            ---
            - layout-is-safe: struct eventfd_ctx
              unit: fs/eventfd.c
              reason: >
                The new member lies in padding,
                and is read only after it was written.
            - reason: "nobody reads it: \u2713"
              unit: 'fs/drop_caches.c'
              static-local-may-go: drop_caches_sysctl_handler::stfu
            - { leave-out-init: proc_loadavg_init, unit: fs/proc/loadavg.c, reason: the mode stays as it is }
            """
        );

        Assert.Equal(
            [
                new(
                    StatementKind.LayoutIsSafe,
                    "fs/eventfd.c",
                    "struct eventfd_ctx",
                    "The new member lies in padding, and is read only after it was written."
                ),
                new(
                    StatementKind.StaticLocalMayGo,
                    "fs/drop_caches.c",
                    "drop_caches_sysctl_handler::stfu",
                    "nobody reads it: \u2713"
                ),
                new(StatementKind.LeaveOutInit, "fs/proc/loadavg.c", "proc_loadavg_init", "the mode stays as it is"),
            ],
            statements
        );
    }

    [Fact]
    public void Every_kind_has_a_key() =>
        Assert.All(
            StatementKinds.Words,
            word =>
            {
                var name = word == "static-local-may-go" ? "f::x" : "x";
                Assert.Equal(
                    StatementKinds.Parse(word),
                    Assert.Single(Read($"- {word}: {name}\n  unit: fs/x.c\n  reason: it is so\n")).Kind
                );
            }
        );

    [Fact]
    public void A_list_may_be_empty() => Assert.Empty(Read("[]\n"));

    [Fact]
    public void The_entry_that_a_refusal_suggests_is_taken_once_it_has_a_reason()
    {
        var target = new StatementTarget(StatementKind.LayoutIsSafe, "fs/eventfd.c", "struct eventfd_ctx");
        var suggested = string.Join('\n', target.YamlLines);

        Assert.Contains("has no reason", Refusal(suggested), StringComparison.Ordinal);
        Assert.Equal(target, Assert.Single(Read(suggested.Replace("  # say why", " it is so", StringComparison.Ordinal))).Target);
    }

    [Theory]
    [InlineData("", "1:1: expected a list")]
    [InlineData("# nothing\n", "expected a list")]
    [InlineData("layout-is-safe: struct box\n", "1:1: expected a list")]
    [InlineData("- layout-is-safe\n", "1:3: expected a statement")]
    [InlineData("- []\n", "1:3: expected a statement")]
    [InlineData("- {}\n", "1:3: the entry states nothing")]
    [InlineData("- unit: fs/x.c\n  reason: it is so\n", "1:3: the entry states nothing")]
    [InlineData("- layout-is-safe: struct box\n  reason: it is so\n", "1:3: the entry has no unit")]
    [InlineData("- layout-is-safe: struct box\n  unit: fs/x.c\n", "1:3: the entry has no reason")]
    [InlineData("- layout-is-safe: struct box\n  unit: fs/x.c\n  reason: ~\n", "1:3: layout-is-safe: struct box has no reason")]
    [InlineData(Entry + "  force: yes\n", "4:3: `force` is not one of leave-out-initialiser")]
    [InlineData(Entry + "  reason: another\n", "4:3: reason is given twice")]
    [InlineData(Entry + "  unit: fs/y.c\n", "4:3: unit is given twice")]
    [InlineData(Entry + "  layout-is-safe: struct bag\n", "4:3: the entry states layout-is-safe already")]
    [InlineData(Entry + "  leave-out-export: f\n", "4:3: the entry states layout-is-safe already")]
    [InlineData(Entry + Entry, "4:3: layout-is-safe: struct box in fs/box.c is stated twice")]
    [InlineData("- layout-is-safe: [struct box]\n", "1:19: expected a text behind `layout-is-safe`")]
    [InlineData("- layout-is-safe: &a struct box\n", "1:19: anchors are not taken")]
    [InlineData("- &a layout-is-safe: struct box\n", "1:3: anchors are not taken")]
    [InlineData("&a\n" + Entry, "anchors are not taken")]
    [InlineData(Entry + "- *a\n", "4:3: expected a statement")]
    [InlineData("- layout-is-safe: *a\n", "1:19: expected a text")]
    [InlineData("- <<: *a\n", "1:7: expected a text")]
    [InlineData("- layout-is-safe: !!str struct box\n", "1:19: tags are not taken")]
    [InlineData("- !x {}\n", "1:3: tags are not taken")]
    [InlineData("!!seq\n" + Entry, "tags are not taken")]
    [InlineData("%YAML 1.1\n---\n" + Entry, "directives are not taken")]
    [InlineData("%TAG !e! tag:e,2000:\n---\n" + Entry, "directives are not taken")]
    [InlineData(Entry + "---\n" + Entry, "4:1: expected the end of the file: one document is taken")]
    [InlineData(Entry + "...\ngarbage\n", "expected the end of the file")]
    [InlineData("- layout-is-safe: struct box\n  unit: /etc/x.c\n  reason: it is so\n", "unit is not the path")]
    [InlineData("- layout-is-safe: \"struct\\nbox\"\n  unit: fs/x.c\n  reason: it is so\n", "does not name a type")]
    [InlineData("- layout-is-safe: struct box\n  unit: fs/x.c\n  reason: \"a\\e[31mred\"\n", "printable")]
    [InlineData("- layout-is-safe: struct box\n  unit: fs/x.c\n  reason: |\n    two\n    lines\n", "printable")]
    [InlineData("- \"a\u202eb\": x\n", "this is not one of")]
    [InlineData("- layout-is-safe: 'struct box\n", ":")]
    [InlineData("- layout-is-safe: struct box\n\tunit: x\n", ":")]
    [InlineData("- {layout-is-safe: struct box", ":")]
    public void What_is_no_statement_is_refused_at_its_place(string text, string why) =>
        Assert.Contains(why, Refusal(text), StringComparison.Ordinal);

    [Fact]
    public void What_is_too_large_deep_or_many_is_refused()
    {
        Assert.Contains("at most 65536", Refusal(new string('#', StatementsFile.LargestFile + 1)), StringComparison.Ordinal);
        Assert.Contains("expected a statement", Refusal(new string('[', StatementsFile.LargestFile)), StringComparison.Ordinal);
        Assert.Contains("expected a text", Refusal("- layout-is-safe: " + new string('{', 60_000)), StringComparison.Ordinal);
        var many = string.Concat(
            Enumerable
                .Range(0, StatementRules.MostStatements)
                .Select(i => Entry.Replace("box", $"b{i}", StringComparison.Ordinal))
        );
        Assert.Equal(StatementRules.MostStatements, Read(many).Count);
        Assert.Contains("769:3: at most 256 statements", Refusal(many + Entry), StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_no_text_is_refused()
    {
        Assert.Contains("is not UTF-8", Refusal([0x2d, 0x20, 0xff]), StringComparison.Ordinal);
        Assert.NotEmpty(Refusal([0, 0, 0]));
    }

    [Fact]
    public void Whatever_is_cut_out_or_put_in_is_read_or_refused()
    {
        var bytes = Encoding.UTF8.GetBytes(Entry + "- { leave-out-init: x, unit: fs/x.c, reason: \"so\" }\n");
        foreach (var put in "\0\t\n!%&*-:>?[]{|}~\"'"u8.ToArray())
        {
            for (var i = 0; i < bytes.Length; i++)
            {
                _ = StatementsFile.Parse([.. bytes[..i], put, .. bytes[i..]], "x.yaml");
                _ = StatementsFile.Parse(bytes.AsSpan(0, i), "x.yaml");
            }
        }
    }

    private static IReadOnlyList<AuthorStatement> Read(string text)
    {
        var outcome = StatementsFile.Parse(Encoding.UTF8.GetBytes(text), "x.yaml");
        return outcome.TryGet(out var statements)
            ? statements.All
            : throw new InvalidOperationException(outcome.Problems[0].ToString());
    }

    private static string Refusal(string text) => Refusal(Encoding.UTF8.GetBytes(text));

    private static string Refusal(byte[] text)
    {
        var problem = Assert.Single(StatementsFile.Parse(text, "x.yaml").Problems);
        Assert.Equal(StatementProblems.StatementsUnreadable, problem.Code);
        Assert.StartsWith("x.yaml", problem.Reason, StringComparison.Ordinal);
        return problem.Reason;
    }
}
