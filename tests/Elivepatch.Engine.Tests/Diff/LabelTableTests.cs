using Elivepatch.Engine.Diff;
using Elivepatch.Engine.Units;
using Xunit;
using static Elivepatch.Engine.Tests.Diff.Patched;

namespace Elivepatch.Engine.Tests.Diff;

public sealed class LabelTableTests
{
    private const string Interpreter = """
        extern int limit;
        int run(const unsigned char *p, int a)
        {
            static const void *const table[4] PLACE = { &&add, &&sub, &&mul, &&end };
            goto *table[*p++ & 3];
        add: a += 3; goto *table[*p++ & 3];
        sub: a -= limit; goto *table[*p++ & 3];
        mul: a *= 5; goto *table[*p++ & 3];
        end: return a;
        }
        int other(int a) { return a + limit; }

        """;

    private const string Switch = """
        extern int one(int), two(int), three(int), four(int), five(int);
        int run(int op, int a)
        {
            switch (op) {
            case 0: return one(a) + 1;
            case 1: return two(a) * 3;
            case 2: return three(a) - 5;
            case 3: return four(a) ^ 7;
            case 4: return five(a) / 9;
            case 5: return a;
            }
            return -1;
        }

        """;

    // The kernel's __annotate_jump_table of different versions, and no annotation.
    public static TheoryData<string> Places =>
        [
            "",
            "__attribute__((section(\".data.rel.ro.c_jump_table\")))",
            "__attribute__((section(\".rodata..c_jump_table,\\\"a\\\",@progbits #\")))",
        ];

    [Theory]
    [MemberData(nameof(Places))]
    public void A_table_of_labels_goes_with_its_function(string place)
    {
        var source = Interpreter.Replace("PLACE", place, StringComparison.Ordinal);
        var diff = Compare(source, source.Replace("a += 3", "a += 7", StringComparison.Ordinal));
        Assert.Equal(["run"], diff.Changed());
        Assert.Empty(diff.Problems);
        AssertOwnTable(diff);
    }

    [Fact]
    public void Labels_that_move_are_part_of_the_change_and_no_changed_data()
    {
        var diff = Compare(
            Interpreter,
            Interpreter.Replace("a += 3;", "a += p[1] * 17 + limit;", StringComparison.Ordinal),
            "-DPLACE="
        );
        Assert.Equal(["run"], diff.Changed());
        Assert.Empty(diff.Problems);
        AssertOwnTable(diff);
    }

    [Fact]
    public void Another_order_of_labels_is_another_function()
    {
        // The compiler moves no code for it: nothing but the table differs.
        var diff = Compare(
            Interpreter,
            Interpreter.Replace("&&add, &&sub", "&&sub, &&add", StringComparison.Ordinal),
            "-DPLACE="
        );
        Assert.Equal(["run"], diff.Changed());
        Assert.Empty(diff.Problems);
        AssertOwnTable(diff);
    }

    [Fact]
    public void The_table_of_a_function_that_stays_stays()
    {
        var diff = Compare(
            Interpreter,
            Interpreter.Replace("return a + limit", "return a - limit", StringComparison.Ordinal),
            "-DPLACE="
        );
        Assert.Equal(["other"], diff.Included());
    }

    [Fact]
    public void A_new_function_brings_its_table()
    {
        var diff = Compare(
            "extern int limit;\nint other(int a) { return a + limit; }\n",
            Interpreter.Replace("a + limit", "run((const unsigned char *)\"\\1\\2\", a)", StringComparison.Ordinal),
            "-DPLACE="
        );
        Assert.Empty(diff.Problems);
        AssertOwnTable(diff);
    }

    [Fact]
    public void The_table_of_a_switch_goes_with_its_function()
    {
        var diff = Compare(Switch, Switch.Replace("three(a) - 5", "three(a) - 6", StringComparison.Ordinal), "-fjump-tables");
        Assert.Equal(["run"], diff.Changed());
        AssertOwnTable(diff);
    }

    [Fact]
    public void Other_targets_of_a_switch_are_another_function()
    {
        var after = Switch
            .Replace("case 2:", "case :", StringComparison.Ordinal)
            .Replace("case 3:", "case 2:", StringComparison.Ordinal)
            .Replace("case :", "case 3:", StringComparison.Ordinal);
        var diff = Compare(Switch, after, "-fjump-tables");
        Assert.Equal(["run"], diff.Changed());
        AssertOwnTable(diff);
    }

    [Fact]
    public void A_table_that_is_written_is_refused()
    {
        var source = Interpreter
            .Replace("*const table", "*table", StringComparison.Ordinal)
            .Replace("mul: a *= 5;", "mul: a *= 5; table[0] = &&sub;", StringComparison.Ordinal);
        Assert.Equal([427], Refusals(source, source.Replace("a += 3", "a += 7", StringComparison.Ordinal)));
        Assert.Equal([427], Refusals(source, source.Replace("a += 3;", "a += p[1] * 17 + limit;", StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData("static", "int reader(int i) { return *inside[i]; }\n")]
    [InlineData("", "")]
    [InlineData("static", "struct { const char *const *p; } holder = { inside };\n")]
    public void Addresses_inside_a_function_that_others_use_are_refused(string linkage, string user)
    {
        var source = Interpreter + linkage + " const char *const inside[2] = { (char *)run + 8, (char *)run + 12 };\n" + user;
        Assert.Equal([426], Refusals(source, source.Replace("a += 3", "a += 7", StringComparison.Ordinal)));
    }

    [Fact]
    public void Distances_between_labels_are_plain_constants()
    {
        var source = """
            extern int limit;
            int run(const unsigned char *p, int a)
            {
                static const int table[3] = { &&add - &&add, &&sub - &&add, &&end - &&add };
                goto *(&&add + table[*p++ & 1]);
            add: a += 3; goto *(&&add + table[*p++ & 1]);
            sub: a -= limit; goto *(&&add + table[*p++ % 3]);
            end: return a;
            }

            """;

        // Equal distances are as good in the kernel's table; others are a changed initialiser.
        var diff = Compare(source, source.Replace("a += 3", "a += 7", StringComparison.Ordinal));
        Assert.Empty(diff.Problems);
        Assert.Equal(["run"], diff.Included());
        Assert.Equal([403], Refusals(source, source.Replace("a -= limit", "a -= limit * p[1] + 17", StringComparison.Ordinal)));
    }

    private static int[] Refusals(string before, string after)
    {
        var diff = Compare(before, after, "-DPLACE=");
        return [.. diff.Problems.Concat(Include.Run(diff).Problems).Select(p => p.Code.Number).Distinct().Order()];
    }

    // The function and one datum that leads into it, whose every reference leads to the copy.
    private static void AssertOwnTable(UnitDiff diff)
    {
        var inclusion = Value(Include.Run(diff));
        var table = Assert.Single(inclusion.Pieces, p => p.Kind is PieceKind.Variable or PieceKind.Unnamed);
        Assert.NotEmpty(table.References);
        Assert.All(
            table.References,
            r => Assert.Equal(("run", Destination.Livepatch), (r.TargetName, inclusion.DestinationOf(r)))
        );
        var uses = inclusion.Pieces.SelectMany(p => p.References).Where(r => r.Piece == table).ToList();
        Assert.NotEmpty(uses);
        Assert.All(uses, r => Assert.Equal(Destination.Livepatch, inclusion.DestinationOf(r)));
    }
}
