using Xunit;
using static Elivepatch.Engine.Tests.Interfaces.Checked;

namespace Elivepatch.Engine.Tests.Interfaces;

public sealed class CheckDefinitionsTests
{
    private const string Unit = "extern int helper(int);\nint show(int a) { return helper(a) * 3; }\n";

    private const string Defaults = """
        extern int helper(int);
        __attribute__((weak)) void idle_exit(void) { }
        __attribute__((weak)) int setting = 3;
        int strong(int a) { return a * 5; }
        int table[4] = { 1 };
        int loop(int a) { idle_exit(); return strong(a) + setting + table[a]; }
        """;

    [Fact]
    public void What_is_not_touched_is_no_problem() =>
        Assert.Empty(Check(Unit, Unit.Replace("* 3", "* 5", StringComparison.Ordinal), Defaults));

    [Theory]
    [InlineData("int fresh;\nint more(int a) { return a + fresh++; }")]
    [InlineData("int more(int a) __attribute__((alias(\"show\")));")]
    [InlineData(
        "static int own(int a) { return helper(a) * 7; }\nint use(int a) { return own(a); }\nint more(int a) __attribute__((alias(\"own\")));"
    )]
    [InlineData("asm(\".globl more\\n.set more, show\");")]
    public void A_new_name_is_no_problem(string definition) => Assert.Empty(Check(Unit, Unit + definition + "\n", Defaults));

    [Theory]
    [InlineData("void idle_exit(void) { helper(1); }")]
    [InlineData("__attribute__((weak)) void idle_exit(void) { helper(1); }")]
    [InlineData("int strong(int a) { return helper(a); }")]
    [InlineData("__attribute__((weak)) int strong(int a) { return helper(a); }")]
    [InlineData("int setting = 4;")]
    [InlineData("int table[4];")]
    [InlineData("static int own(int a) { return helper(a + 1); }\nint strong(int a) __attribute__((alias(\"own\")));")]
    [InlineData("__attribute__((weak, alias(\"show\"))) int strong(int a);")]
    [InlineData("asm(\".globl strong\\n.set strong, show\");")]
    public void A_second_definition_is_refused(string definition)
    {
        var problem = Assert.Single(Check(Unit, Unit + definition + "\n", Defaults));
        Assert.Equal(430, problem.Code.Number);
    }

    [Fact]
    public void An_alias_of_a_static_function_is_a_definition_too()
    {
        var before = Unit + "static __attribute__((used, noinline)) int own(int a) { return helper(a + 1); }\n";
        Assert.Equal([430], Check(before, before + "int strong(int a) __attribute__((alias(\"own\")));\n", Defaults).Numbers());
    }

    [Fact]
    public void The_weak_function_that_runs_is_named_with_its_unit()
    {
        var problems = Check([
            (Unit, Unit + "void idle_exit(void) { helper(1); }\n"),
            (Defaults, Defaults.Replace("* 5", "* 7", StringComparison.Ordinal)),
        ]);
        Assert.Contains("the weak idle_exit of unit.c", Assert.Single(problems).Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void A_definition_that_disappears_where_the_unit_still_exports_it_is_the_units_own_fault()
    {
        const string export = "asm(\".section .export_symbol,\\\"a\\\"\\n.quad strong\\n.previous\");\n";
        var problem = Assert.Single(
            Check(Unit + "int strong(int a) { return helper(a) * 5; }\n" + export, Unit + "extern int strong(int a);\n" + export)
        );
        Assert.Equal(
            "unit.c: strong disappears, and the unit itself still names it, in its code or in EXPORT_SYMBOL()",
            problem.Reason
        );
    }

    [Fact]
    public void A_static_that_becomes_global_under_a_name_of_the_kernel_is_refused()
    {
        var before =
            Unit
            + "static __attribute__((noinline)) int strong(int a) { return helper(a); }\nint use(int a) { return strong(a); }\n";
        Assert.Equal([430], Check(before, before.Replace("static ", "", StringComparison.Ordinal), Defaults).Numbers());
    }

    [Fact]
    public void A_new_static_may_have_a_name_of_the_kernel() =>
        Assert.Empty(
            Check(Unit, Unit + "static __attribute__((noinline, used)) int strong(int a) { return helper(a); }\n", Defaults)
        );

    [Fact]
    public void What_a_module_exports_is_not_defined_in_the_kernel_too() =>
        Assert.Equal(
            [430],
            Check(
                    Unit,
                    Unit + "int net_send(int a) { return helper(a); }\n",
                    exports: "0x11111111\tnet_send\tnet/core/net\tEXPORT_SYMBOL\t\n"
                )
                .Numbers()
        );

    [Fact]
    public void A_weak_function_may_become_strong_where_it_is_the_one_that_runs()
    {
        var before = Unit + "__attribute__((weak)) int hook(int a) { return helper(a); }\n";
        Assert.Empty(Check(before, before.Replace("__attribute__((weak)) ", "", StringComparison.Ordinal)));
    }

    [Fact]
    public void A_weak_function_that_lost_must_not_become_strong()
    {
        var before = Unit + "__attribute__((weak)) int strong(int a) { return helper(a); }\n";
        Assert.Equal(
            [430],
            Check(before, before.Replace("__attribute__((weak)) ", "", StringComparison.Ordinal), Defaults).Numbers()
        );
    }

    [Fact]
    public void A_weak_function_that_lost_may_disappear()
    {
        var before = Unit + "__attribute__((weak)) int strong(int a) { return helper(a); }\n";
        Assert.Empty(Check(before, Unit, Defaults));
    }

    [Fact]
    public void A_strong_function_must_not_become_weak()
    {
        var after = Unit.Replace("int show", "__attribute__((weak)) int show", StringComparison.Ordinal);
        Assert.Equal([432], Check(Unit, after).Numbers());
    }

    [Fact]
    public void A_function_must_not_move_to_another_unit()
    {
        var with = Unit + "int strong(int a) { return helper(a) + 9; }\n";
        const string other = "extern int helper(int);\nextern int strong(int);\nint use(int a) { return strong(a); }\n";
        Assert.Equal([432], Check([(with, Unit), (other, other + "int strong(int a) { return helper(a) + 10; }\n")]).Numbers());
    }

    [Theory]
    [InlineData("int second(int a) __attribute__((alias(\"one\")));", "int second(int a) __attribute__((alias(\"two\")));")]
    [InlineData(
        "__attribute__((weak, alias(\"one\"))) int second(int a);",
        "__attribute__((weak, alias(\"two\"))) int second(int a);"
    )]
    public void An_alias_stays_that_of_its_function(string before, string after)
    {
        const string both = Unit + "int one(int a) { return helper(a) + 1; }\nint two(int a) { return helper(a) + 2; }\n";
        Assert.Equal([432], Check(both + before, both + after).Numbers());
    }

    // Without a body of its own the function is the weak default of another unit, which nobody calls now.
    [Theory]
    [InlineData("extern int helper(int), strong(int);\nint loop(int a) { return strong(a); }\n", true)]
    [InlineData("extern int helper(int), strong(int);\nint (*ops)(int) = strong;\n", true)]
    [InlineData("extern int helper(int), strong(int);\nint loop(int a) { return helper(a); }\n", false)]
    public void A_function_that_others_use_must_not_disappear(string others, bool isRefused)
    {
        var before = Unit + "int strong(int a) { return helper(a) + 9; }\n";
        Assert.Equal(isRefused ? [431] : [], Check(before, Unit, others).Numbers());
        Assert.Equal(
            isRefused ? [431] : [],
            Check(
                    before,
                    before.Replace("int strong", "static __attribute__((used)) int strong", StringComparison.Ordinal),
                    others
                )
                .Numbers()
        );
    }

    [Fact]
    public void Who_uses_it_is_named()
    {
        var before = Unit + "int strong(int a) { return helper(a) + 9; }\n";
        var problem = Assert.Single(
            Check(before, Unit, "extern int helper(int), strong(int);\nint loop(int a) { return strong(a) + 1; }\n")
        );
        Assert.Contains("loop+0x", problem.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void Without_an_image_nothing_tells_who_uses_it() =>
        Assert.Equal([431], Check(Unit + "int strong(int a) { return helper(a) + 9; }\n", Unit, hasImage: false).Numbers());

    [Fact]
    public void A_default_in_a_unit_of_the_patch_must_not_come_to_count()
    {
        var strong = Unit + "int hook(int a) { return helper(a) + 9; }\n";
        const string weak =
            "extern int helper(int);\n__attribute__((weak)) int hook(int a) { return helper(a); }\nint use(int a) { return hook(a) * 3; }\n";
        Assert.Equal([431], Check([(strong, Unit), (weak, weak.Replace("* 3", "* 5", StringComparison.Ordinal))]).Numbers());
    }

    [Fact]
    public void A_function_that_the_patch_no_longer_uses_may_disappear()
    {
        var before = Unit + "int strong(int a) { return helper(a) + 9; }\n";
        const string other = "extern int helper(int), strong(int);\nint use(int a) { return strong(a); }\n";
        Assert.Empty(Check([(before, Unit), (other, other.Replace("return strong", "return helper", StringComparison.Ordinal))]));
        Assert.Equal(
            [431],
            Check([(before, Unit), (other, other.Replace("return strong", "return 3 + strong", StringComparison.Ordinal))])
                .Numbers()
        );
    }
}
