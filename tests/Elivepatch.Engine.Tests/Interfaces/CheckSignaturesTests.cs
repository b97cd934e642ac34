using Elivepatch.Model;
using Elivepatch.Model.Statements;
using Xunit;
using static Elivepatch.Engine.Tests.Interfaces.Checked;

namespace Elivepatch.Engine.Tests.Interfaces;

public sealed class CheckSignaturesTests
{
    private const string Exports = "0x12345678\tshow\tvmlinux\tEXPORT_SYMBOL\t\n0x00000007\tlevel\tvmlinux\tEXPORT_SYMBOL\t\n";

    private const string Declarations = "extern int helper(int);\n";

    // How EXPORT_SYMBOL() writes it since 6.4 and before, where Module.symvers is not known.
    private const string ExportSymbol =
        "asm(\".section .export_symbol,\\\"a\\\"\\n__export_symbol_show: .asciz \\\"\\\"\\n.asciz \\\"\\\"\\n.balign 8\\n.quad show\\n.previous\");\n";

    private const string Ksymtab =
        "asm(\".section ___ksymtab+show,\\\"a\\\"\\n.balign 4\\n__ksymtab_show: .long show - .\\n.long 0\\n.long 0\\n.previous\");\n";

    [Theory]
    [InlineData("int show(int a) { return helper(a); }", "int show(int a, int b) { return helper(a + b); }")]
    [InlineData(
        "int show(int a, long b) { return helper(a + (int)b); }",
        "int show(long b, int a) { return helper(a + (int)b); }"
    )]
    [InlineData("int show(int a) { return helper(a); }", "long show(int a) { return helper(a) - 1L; }")]
    [InlineData("void show(int a) { helper(a); }", "int show(int a) { return helper(a); }")]
    [InlineData("int show(int a) { return helper(a); }", "int show(int a, ...) { return helper(a); }")]
    [InlineData(
        "typedef int key; int show(key a) { return helper(a > 0); }",
        "typedef unsigned long key; int show(key a) { return helper(a > 0); }"
    )]
    [InlineData(
        "struct s { int a, b; }; int show(struct s s) { return helper(s.b); }",
        "struct s { int x, y, b; }; int show(struct s s) { return helper(s.b); }"
    )]
    [InlineData(
        "struct s { int a; }; int show(struct s *s) { return helper(s->a); }",
        "struct t { int a; }; int show(struct t *s) { return helper(s->a); }"
    )]
    [InlineData(
        "enum e { A }; int show(enum e e) { return helper(e == A); }",
        "enum e { A, B = 0x100000000 }; int show(enum e e) { return helper(e == A); }"
    )]
    [InlineData("int level = 3;", "unsigned level = 3;")]
    [InlineData("long level;", "void *level;")]
    [InlineData("struct s { int a; } level;", "struct s { unsigned a; } level;")]
    public void A_changed_type_of_an_export_is_refused(string before, string after)
    {
        var problem = Assert.Single(Check(Declarations + before, Declarations + after, exports: Exports));
        Assert.Equal(433, problem.Code.Number);
    }

    [Fact]
    public void Both_declarations_and_the_checksum_are_named()
    {
        var problem = Assert.Single(
            Check(
                Declarations + "int show(int a) { return helper(a); }",
                Declarations + "int show(int a, char *b) { return helper(a + *b); }",
                exports: Exports
            )
        );
        Assert.Equal(
            "unit.c: int show(int) becomes int show(int, char *): 1 parameters become 2; modules of the checksum 0x12345678 use it the old way",
            problem.Reason
        );
    }

    [Theory]
    [InlineData("int show(int a) { return helper(a); }", "int show(int number) { return helper(number + 1); }")]
    [InlineData("int show(char *a) { return helper(*a); }", "int show(const char *a) { return helper(*a + 1); }")]
    [InlineData("typedef int key; int show(key a) { return helper(a); }", "int show(int a) { return helper(a + 1); }")]
    [InlineData(
        "struct s { int a; }; int show(struct s *s) { return helper(s->a); }",
        "struct s { int a, b; }; int show(struct s *s) { return helper(s->a + 1); }"
    )]
    [InlineData("int level = 3;", "typedef int key; key level = 3;")]
    [InlineData(
        "static int level(int a) { return helper(a); } int use(int a) { return level(a); }",
        "static int level(int a, int b) { return helper(a + b); } int use(int a) { return level(a, a * 3); }"
    )]
    public void An_export_whose_users_are_still_right_is_no_problem(string before, string after) =>
        Assert.Empty(Check(Declarations + before, Declarations + after, exports: Exports));

    [Theory]
    [InlineData(ExportSymbol)]
    [InlineData(Ksymtab)]
    public void The_unit_itself_says_what_it_exports(string export)
    {
        var before = Declarations + "int show(int a) { return helper(a); }\n";
        Assert.Equal(
            [433],
            Check(before + export, before.Replace("int a)", "long a)", StringComparison.Ordinal) + export).Numbers()
        );
        Assert.Empty(Check(before, before.Replace("int a)", "long a)", StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData("static int act(int a) { return helper(a); }\nint (*ops[])(int) = { act };\n")]
    [InlineData(
        "static int act(int a) { return helper(a); }\nextern void call_later(void *);\nvoid use(void) { call_later(act); }\n"
    )]
    [InlineData(
        "static int act(int a) { return helper(a); }\nstatic __attribute__((used, section(\"_ftrace_events\"))) void *event = act;\n"
    )]
    [InlineData(
        "int act(int a) { return helper(a); }\nasm(\".section .BTF_ids,\\\"a\\\"\\n.local __BTF_ID__func__act__17\\n__BTF_ID__func__act__17: .zero 4\\n.previous\");\n"
    )]
    public void A_changed_signature_behind_a_pointer_is_refused(string source)
    {
        var kernel = "int call_later_calls;\nvoid call_later(void *f) { call_later_calls++; }\n";
        var before = Declarations + source;
        var after = before
            .Replace("act(int a) { return helper(a)", "act(long a) { return helper(a > 7)", StringComparison.Ordinal)
            .Replace("(*ops[])(int)", "(*ops[])(long)", StringComparison.Ordinal);
        Assert.Equal([434], Check(before, after, kernel).Numbers());
        Assert.Empty(Check(before, before.Replace("return helper(a)", "return helper(a + 7)", StringComparison.Ordinal), kernel));
    }

    [Fact]
    public void A_statement_is_about_modules_and_not_about_pointers()
    {
        const string stored = "int (*ops[])(int) = { (void *)show };\n";
        const string before = Declarations + "int show(int a) { return helper(a); }\n";
        const string after = Declarations + "int show(int a, int b) { return helper(a + b); }\n";
        var statement = new AuthorStatement(StatementKind.SignatureIsCompatible, "unit.c", "show", "it is so");

        Assert.Empty(Check([(before, after)], exports: Exports, statements: statement));
        Assert.Equal([433, 434], Check([(before + stored, after + stored)], exports: Exports).Numbers());
        var problem = Assert.Single(Check([(before + stored, after + stored)], exports: Exports, statements: statement));
        Assert.Equal(434, problem.Code.Number);
        Assert.Null(problem.LiftedBy);
        Assert.Equal([434], Check([(before + stored, after + stored)], statements: statement).Numbers());
    }

    [Fact]
    public void A_changed_signature_that_another_unit_declares_by_itself_is_refused()
    {
        var before = Declarations + "int act(int a) { return helper(a); }\n";
        var after = before.Replace(
            "act(int a) { return helper(a)",
            "act(long a) { return helper(a > 7)",
            StringComparison.Ordinal
        );
        Assert.Equal([434], Check(before, after, "extern int act(int);\nint other(int a) { return act(a) + 1; }\n").Numbers());
        Assert.Empty(Check(before, after));
    }

    [Fact]
    public void Callers_that_are_compiled_again_are_no_problem()
    {
        var before = Declarations + "int act(int a) { return helper(a); }\n";
        var after = before.Replace(
            "act(int a) { return helper(a)",
            "act(long a) { return helper(a > 7)",
            StringComparison.Ordinal
        );
        const string caller = "extern int act(int);\nint other(int a) { return act(a) + 1; }\n";
        Assert.Empty(Check([(before, after), (caller, caller.Replace("act(int)", "act(long)", StringComparison.Ordinal))]));
    }
}
