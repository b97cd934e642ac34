using Elivepatch.Engine.Diff;
using Elivepatch.Engine.Tests.Diff;
using Elivepatch.Model;
using Elivepatch.Model.Statements;
using Xunit;
using static Elivepatch.Engine.Tests.Diff.Patched;

namespace Elivepatch.Engine.Tests.Statements;

/// <summary>Each kind of statement lifts the one refusal that it is about, for the one thing that it names.</summary>
public sealed class LiftedRefusalsTests
{
    private const string Declarations = """
        extern int limit;
        extern int printk(const char *format, ...);
        #define noinline __attribute__((noinline))
        #define init __attribute__((section(".init.text")))
        #define EXPORT(name) asm(".section \".export_symbol\",\"a\"\n__export_symbol_" #name ":\n.asciz \"GPL\"\n.ascii \"\\0\"\n" \
            ".balign 8\n.quad " #name "\n.previous")
        #define PLAIN_EXPORT(name) asm(".section \".export_symbol\",\"a\"\n__export_symbol_" #name ":\n.asciz \"\"\n.ascii \"\\0\"\n" \
            ".balign 8\n.quad " #name "\n.previous")
        #define OLD_EXPORT(name) asm(".section \"__ksymtab_strings\",\"aMS\",%progbits,1\n__kstrtab_" #name ":\n.asciz \"" #name "\"\n" \
            "__kstrtabns_" #name ":\n.asciz \"\"\n.previous\n.section \"___ksymtab_gpl+" #name "\",\"a\"\n.balign 4\n__ksymtab_" #name ":\n" \
            ".long " #name " - .\n.long __kstrtab_" #name " - .\n.long __kstrtabns_" #name " - .\n.previous")

        """;

    public static TheoryData<int, string, string, StatementKind, string> Refusals { get; } =
        new()
        {
            {
                403,
                "int level = 3; int depth = 5;\nint f(void) { return level + depth; }",
                "int level = 4; int depth = 6;\nint f(void) { return level + depth * 2; }",
                StatementKind.LeaveOutInitialiser,
                "level"
            },
            {
                403,
                "int f(int a) { static int calls = 1, misses = 2; calls += a; misses -= a; return calls * misses; }",
                "int f(int a) { static int calls = 3, misses = 4; calls += a; misses -= a; return calls * misses; }",
                StatementKind.LeaveOutInitialiser,
                "f::calls"
            },
            {
                404,
                "init int one(void) { return limit; }\ninit int two(void) { return limit; }",
                "init int one(void) { return limit + 1; }\ninit int two(void) { return limit + 1; }",
                StatementKind.LeaveOutInit,
                "one"
            },
            {
                404,
                "__attribute__((section(\".init.data\"))) int wanted = 1, other = 1;",
                "__attribute__((section(\".init.data\"))) int wanted = 2, other = 2;",
                StatementKind.LeaveOutInit,
                "wanted"
            },
            {
                404,
                "int f(void) { return limit; }",
                "int f(void) { return limit; }\ninit int one(void) { return limit + 1; }\ninit int two(void) { return limit + 1; }",
                StatementKind.LeaveOutInit,
                "one"
            },
            {
                410,
                "int f(void) { return limit; }\nint g(void) { return 1; }\nEXPORT(f);\nEXPORT(g);",
                "int f(void) { return limit; }\nint g(void) { return 1; }\nPLAIN_EXPORT(f);\nPLAIN_EXPORT(g);",
                StatementKind.LeaveOutExport,
                "f"
            },
            {
                409,
                "struct box { int a; }; struct bag { int a; };\nint f(struct box *b, struct bag *c) { return b->a + c->a; }",
                "struct box { int a, b; }; struct bag { int a, b; };\nint f(struct box *b, struct bag *c) { return b->b + c->b; }",
                StatementKind.LayoutIsSafe,
                "struct box"
            },
            {
                409,
                "typedef struct { int a; } box_t; struct bag { int a; };\nint f(box_t *b, struct bag *c) { return b->a + c->a; }",
                "typedef struct { int a, b; } box_t; struct bag { int a, b; };\nint f(box_t *b, struct bag *c) { return b->b + c->b; }",
                StatementKind.LayoutIsSafe,
                "box_t"
            },
            {
                406,
                "int f(int a) { static int count; return count += a; }\nint g(int a) { static int count; return count -= a; }",
                "int f(int a) { return limit + a; }\nint g(int a) { return limit - a; }",
                StatementKind.StaticLocalMayGo,
                "f::count"
            },
        };

    [Theory]
    [MemberData(nameof(Refusals))]
    public void A_statement_lifts_its_refusal_and_not_its_neighbours(
        int number,
        string before,
        string after,
        StatementKind kind,
        string name
    )
    {
        var (old, now) = (Declarations + before + "\n", Declarations + after + "\n");
        var refused = Compare(old, now);
        var statement = new AuthorStatement(kind, "unit.c", name, "it is so");

        var lifted = Compare(old, now, statement);

        Assert.Contains(refused.Problems, p => p.Code.Number == number && p.LiftedBy == statement.Target);
        Assert.DoesNotContain(lifted.Problems, p => p.LiftedBy == statement.Target);
        Assert.Equal(refused.Problems.Where(p => p.LiftedBy != statement.Target), lifted.Problems);
        Assert.Contains(lifted.Problems, p => p.Code.Number == number);
        Assert.Equal([statement], lifted.Statements.Used);
    }

    [Theory]
    [MemberData(nameof(Refusals))]
    public void What_the_refusals_name_lifts_all_of_them(int number, string before, string after, StatementKind kind, string name)
    {
        var (old, now) = (Declarations + before + "\n", Declarations + after + "\n");
        var named = Compare(old, now).Problems.Select(p => p.LiftedBy!).Distinct().ToList();
        Assert.Contains(new(kind, "unit.c", name), named);
        Assert.All(named, n => Assert.NotEqual(0, number));

        Assert.Empty(Compare(old, now, [.. named.Select(n => new AuthorStatement(n.Kind, n.Unit, n.Name, "it is so"))]).Problems);
    }

    [Fact]
    public void A_refusal_says_how_to_lift_it()
    {
        var problem = Assert.Single(Compare("int level = 3;\n", "int level = 4;\n").Problems);

        Assert.Contains("state leave-out-initialiser and why (--statements)", problem.Remedy, StringComparison.Ordinal);
        Assert.Equal(["- leave-out-initialiser: level", "  unit: unit.c", "  reason:  # say why"], problem.LiftedBy!.YamlLines);
    }

    [Fact]
    public void A_statement_of_another_unit_lifts_nothing()
    {
        var diff = Compare(
            "int level = 3;\n",
            "int level = 4;\n",
            new AuthorStatement(StatementKind.LeaveOutInitialiser, "other.c", "level", "it is so")
        );
        Assert.Equal([403], diff.Numbers());
        Assert.Empty(diff.Statements.Used);
    }

    [Fact]
    public void New_code_uses_the_kernels_copy_where_an_initialiser_is_left_out()
    {
        var before = Declarations + "int one(void) { return 1; }\nint (*op)(void) = one;\nint f(void) { return op() + limit; }\n";
        var after =
            Declarations
            + "int one(void) { return 1; }\nstatic int two(void) { return 2; }\nint (*op)(void) = two;\nint f(void) { return op() - limit; }\n";

        var diff = Compare(
            before,
            after,
            new AuthorStatement(StatementKind.LeaveOutInitialiser, "unit.c", "op", "set by a callback")
        );

        Assert.Empty(diff.Problems);
        Assert.Equal(["f"], diff.Included());
    }

    [Fact]
    public void A_datum_whose_size_changes_is_refused_whatever_is_stated()
    {
        var before = Declarations + "int table[] = { 1, 2 };\nint f(int i) { return table[i]; }\n";
        var statement = new AuthorStatement(StatementKind.LeaveOutInitialiser, "unit.c", "table", "it is so");

        var diff = Compare(before, before.Replace("{ 1, 2 }", "{ 1, 2, 3 }", StringComparison.Ordinal), statement);

        var problem = Assert.Single(diff.Problems);
        Assert.Equal(403, problem.Code.Number);
        Assert.Null(problem.LiftedBy);
        Assert.Contains("8 bytes of it, and any user of it would use 12", problem.Remedy, StringComparison.Ordinal);
        Assert.Equal([statement], diff.Statements.Rejected);
    }

    [Theory]
    [InlineData("static const int most = 5;\nconst int *bound = &most;\nint f(int a) { return a > most ? limit : 0; }\n")]
    [InlineData("const int most = 5;\nint f(int a) { return a > most ? limit : 0; }\n")]
    public void A_constant_is_refused_whatever_is_stated(string source)
    {
        var statement = new AuthorStatement(StatementKind.LeaveOutInitialiser, "unit.c", "most", "it is so");

        // The new code has the 7 in its instructions, and the running kernel's variable is 5.
        var diff = Compare(
            Declarations + source,
            Declarations + source.Replace("= 5", "= 7", StringComparison.Ordinal),
            statement
        );

        Assert.Equal(["f"], diff.Changed());
        var problem = Assert.Single(diff.Problems);
        Assert.Equal(403, problem.Code.Number);
        Assert.Null(problem.LiftedBy);
        Assert.Contains("it is constant", problem.Remedy, StringComparison.Ordinal);
    }

    [Fact]
    public void An_address_inside_of_a_function_is_refused_whatever_is_stated()
    {
        var before = Declarations + "int f(void) { return limit; }\nvoid *place[] = { (char *)f + 4 };\n";
        var statement = new AuthorStatement(StatementKind.LeaveOutInitialiser, "unit.c", "place", "it is so");

        var problem = Assert.Single(
            Compare(before, before.Replace("f + 4", "f + 8", StringComparison.Ordinal), statement).Problems
        );

        Assert.Equal(403, problem.Code.Number);
        Assert.Null(problem.LiftedBy);
        Assert.Contains("leads into the old code", problem.Remedy, StringComparison.Ordinal);
    }

    [Fact]
    public void A_static_local_that_only_the_compiler_removed_is_refused_whatever_is_stated()
    {
        var before = Declarations + "int f(int a) { static int mode = 1; if (a) mode = 2; return mode; }\n";
        var statement = new AuthorStatement(StatementKind.StaticLocalMayGo, "unit.c", "f::mode", "it is so");

        // The new code returns 1 for ever, and the running kernel may be in mode 2.
        var diff = Compare(before, before.Replace("if (a) mode = 2;", "", StringComparison.Ordinal), statement);

        var problem = Assert.Single(diff.Problems);
        Assert.Equal(406, problem.Code.Number);
        Assert.Contains("f() still declares mode", problem.Remedy, StringComparison.Ordinal);
        Assert.Null(problem.LiftedBy);
    }

    [Fact]
    public void A_static_buffer_that_becomes_automatic_may_go()
    {
        var before = Declarations + "int f(int a) { static char text[64]; text[a] = 1; printk(text); return a; }\n";
        var statement = new AuthorStatement(StatementKind.StaticLocalMayGo, "unit.c", "f::text", "written before it is read");

        Assert.Empty(Compare(before, before.Replace("static char", "char", StringComparison.Ordinal), statement).Problems);
    }

    [Fact]
    public void New_code_cannot_refer_to_an_init_function_that_is_left_out()
    {
        var before = Declarations + "int f(void) { return limit; }\n";
        var after = Declarations + "init noinline int fresh(void) { return limit + 9; }\nint f(void) { return fresh(); }\n";

        var diff = Compare(before, after, new AuthorStatement(StatementKind.LeaveOutInit, "unit.c", "fresh", "it is so"));

        Assert.Empty(diff.Problems);
        Assert.Equal(511, Assert.Single(Include.Run(diff).Problems).Code.Number);
    }

    [Fact]
    public void A_struct_inside_another_is_stated_for_each_that_changes()
    {
        var before =
            Declarations + "struct in { int a; }; struct out { struct in i; int b; };\nint f(struct out *o) { return o->b; }\n";
        var after = before.Replace("int a; }", "int a, c; }", StringComparison.Ordinal);
        var inner = new AuthorStatement(StatementKind.LayoutIsSafe, "unit.c", "struct in", "it is so");

        Assert.Equal([409], Compare(before, after, inner).Numbers());
        Assert.Empty(Compare(before, after, inner, inner with { Name = "struct out" }).Problems);
    }

    [Fact]
    public void A_variable_that_grows_with_its_struct_is_refused_though_the_layout_is_stated()
    {
        var before = Declarations + "struct box { int a; } boxes = { 1 };\nint f(void) { return boxes.a; }\n";
        var after = before.Replace("int a; }", "int a, c; }", StringComparison.Ordinal);

        Assert.Equal(
            [403],
            Compare(before, after, new AuthorStatement(StatementKind.LayoutIsSafe, "unit.c", "struct box", "it is so")).Numbers()
        );
    }

    [Fact]
    public void A_table_that_only_start_up_code_refers_to_may_keep_its_size()
    {
        var before =
            Declarations
            + "static int table[2] = { 1, 2 };\ninit int *start(void) { return table; }\nint f(void) { return limit; }\n";
        var after = before.Replace("table[2] = { 1, 2 }", "table[3] = { 1, 2, 3 }", StringComparison.Ordinal);
        var statement = new AuthorStatement(StatementKind.LeaveOutInitialiser, "unit.c", "table", "it is so");
        Assert.Equal([403], Compare(before, after).Numbers());
        Assert.Empty(Compare(before, after, statement).Problems);

        var problem = Assert.Single(
            Compare(before, after.Replace("return limit;", "return table[limit];", StringComparison.Ordinal), statement).Problems
        );
        Assert.Equal(403, problem.Code.Number);
        Assert.Contains("f would use 12", problem.Remedy, StringComparison.Ordinal);

        var held = "int *holder = table;\n";
        problem = Assert.Single(Compare(before + held, after + held, statement).Problems);
        Assert.Contains("holder would use 12", problem.Remedy, StringComparison.Ordinal);
        Assert.Equal(
            [403],
            Compare(
                    before.Replace("static int table", "int table", StringComparison.Ordinal),
                    after.Replace("static int table", "int table", StringComparison.Ordinal),
                    statement
                )
                .Numbers()
        );
    }

    [Fact]
    public void A_member_that_is_added_to_a_hole_is_told_from_one_that_moves_others()
    {
        var before = Declarations + "struct box { char a; long b; };\nint f(struct box *x) { return x->b; }\n";
        var problem = Assert.Single(Compare(before, before.Replace("char a;", "char a, c;", StringComparison.Ordinal)).Problems);
        Assert.Equal(409, problem.Code.Number);
        Assert.Contains("c lies in what was padding", problem.Reason, StringComparison.Ordinal);
        problem = Assert.Single(Compare(before, before.Replace("char a;", "char c, a;", StringComparison.Ordinal)).Problems);
        Assert.DoesNotContain("padding", problem.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void A_function_is_patched_too()
    {
        var source = Declarations + "int f(void) { return limit; }\nint g(void) { return limit + 1; }\n";
        var diff = Compare(
            source,
            source,
            new AuthorStatement(StatementKind.PatchFunctionToo, "unit.c", "g", "it tests the function itself")
        );

        Assert.Equal(["g"], diff.Changed());
        Assert.True(Assert.Single(diff.Changed).IsOnRequest);
        Assert.Single(diff.Statements.Used);
    }

    [Fact]
    public void A_function_to_patch_that_is_not_there_is_refused()
    {
        var diff = Compare(
            Declarations,
            Declarations,
            new AuthorStatement(StatementKind.PatchFunctionToo, "unit.c", "g", "it is so")
        );
        Assert.Equal([416], diff.Numbers());
    }

    [Fact]
    public void Several_static_locals_of_one_name_cannot_be_stated()
    {
        var before =
            Declarations + "int f(int a) { if (a) { static int n; return n += a; } else { static int n; return n -= 3; } }\n";
        var diff = Compare(before, Declarations + "int f(int a) { return limit; }\n");
        Assert.All(diff.Problems, p => Assert.Null(p.LiftedBy));
        Assert.Equal([406], diff.Numbers());
    }

    [Fact]
    public void An_export_that_changes_its_licence_is_named()
    {
        var before = Declarations + "int f(void) { return limit; }\nEXPORT(f);\n";
        var after = before.Replace("asciz \\\"GPL\\\"", "asciz \\\"\\\"", StringComparison.Ordinal);
        Assert.Equal(new(StatementKind.LeaveOutExport, "unit.c", "f"), Assert.Single(Compare(before, after).Problems).LiftedBy);
    }

    [Theory]
    [InlineData("", "EXPORT(f);", "the new export of f: modules find it in a kernel that was built with it")]
    [InlineData("EXPORT(f);", "", "the removal of the export of f: modules still find it")]
    [InlineData(
        "OLD_EXPORT(g);",
        "OLD_EXPORT(f);\nOLD_EXPORT(g);",
        "the new export of f: modules find it in a kernel that was built with it"
    )]
    public void An_export_that_comes_or_goes_is_left_out_and_told(string before, string after, string told)
    {
        const string functions = Declarations + "int f(void) { return limit; }\nint g(void) { return 1; }\n";
        var diff = Compare(
            functions + before + "\n",
            functions.Replace("return limit", "return limit + 1", StringComparison.Ordinal) + after + "\n"
        );
        Assert.Empty(diff.Problems);
        Assert.Equal([told], diff.LeftOut);
        Assert.Equal(["f"], diff.Included());
    }

    [Fact]
    public void Whoever_states_that_an_export_is_left_out_says_nothing_wrong()
    {
        var before = Declarations + "int f(void) { return limit; }\n";
        var diff = Compare(
            before,
            before + "EXPORT(f);\n",
            new AuthorStatement(StatementKind.LeaveOutExport, "unit.c", "f", "it is so")
        );
        Assert.Single(diff.Statements.Used);
    }
}
