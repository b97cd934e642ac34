using Elivepatch.Engine.Diff;
using Elivepatch.Engine.Units;
using Xunit;
using static Elivepatch.Engine.Tests.Diff.Patched;

namespace Elivepatch.Engine.Tests.Diff;

public sealed class DetectChangesTests
{
    private const string Declarations = """
        extern int printk(const char *format, ...);
        extern int limit;
        #define noinline __attribute__((noinline))

        """;

    [Fact]
    public void A_unit_does_not_differ_from_itself()
    {
        var source =
            Declarations
            + """
                static int count; int table[4] = { 1, 2 };
                static noinline int helper(int a) { static int calls; return ++calls + a; }
                int f(int a) { printk("%s %d\n", __func__, table[a]); return helper(a) + count++; }
                """;
        var diff = Compare(source, source);
        Assert.True(diff.IsEmpty);
        Assert.Empty(diff.NewVariables);
        Assert.Empty(Value(Include.Run(diff)).Pieces);
    }

    [Fact]
    public void A_changed_string_changes_the_function_that_prints_it_and_no_other()
    {
        var source =
            Declarations
            + """
                int f(void) { return printk("VmallocChunk: %d\n", limit); }
                int g(void) { return printk("VmallocUsed: %d\n", limit); }
                """;
        Assert.Equal(["f"], Compare(source, source.Replace("VmallocChunk", "VMALLOCCHUNK", StringComparison.Ordinal)).Changed());
    }

    [Fact]
    public void A_moved_line_changes_nothing()
    {
        var source = Declarations + "int f(void) { return printk(\"x\"); }\n";
        Assert.True(Compare(source, "\n\n\n" + source).IsEmpty);
    }

    [Fact]
    public void A_changed_constant_changes_its_function()
    {
        var source = Declarations + "int f(int a) { return a * 3; }\nint g(int a) { return a * 5; }\n";
        Assert.Equal(["g"], Compare(source, source.Replace("* 5", "* 7", StringComparison.Ordinal)).Changed());
    }

    [Fact]
    public void A_change_in_an_inlined_function_changes_all_that_inline_it()
    {
        var source =
            Declarations
            + """
                static inline int scale(int a) { return a * 3 + limit; }
                int f(int a) { return scale(a); }
                int g(int a) { return scale(a) + 1; }
                int h(int a) { return a; }
                """;
        Assert.Equal(["f", "g"], Compare(source, source.Replace("a * 3", "a * 9", StringComparison.Ordinal)).Changed());
    }

    [Fact]
    public void A_changed_callee_that_keeps_its_code_changes_the_caller()
    {
        var source = Declarations + "extern int one(void), two(void);\nint f(void) { return one() + 1; }\n";
        var diff = Compare(source, source.Replace("return one()", "return two()", StringComparison.Ordinal));
        Assert.Equal(["f"], diff.Changed());
        Assert.Contains("refers to two instead of one", diff.Changed[0].Difference!.What, StringComparison.Ordinal);
    }

    [Fact]
    public void A_changed_array_index_changes_the_function()
    {
        var source =
            Declarations + "static int table[8];\nint f(void) { return table[2]; }\nint g(int i) { return table[i] = i; }\n";
        Assert.Equal(["f"], Compare(source, source.Replace("table[2]", "table[3]", StringComparison.Ordinal)).Changed());
    }

    [Fact]
    public void A_changed_signature_changes_the_static_function_and_its_callers()
    {
        var source =
            Declarations
            + """
                static noinline int helper(int a) { return a + limit; }
                int f(int a) { return helper(a); }
                """;
        var after = source
            .Replace("helper(int a) { return a", "helper(int a, int b) { return b - a", StringComparison.Ordinal)
            .Replace("return helper(a)", "return helper(a, a * 7)", StringComparison.Ordinal);
        Assert.Contains("f", Compare(source, after).Changed());
        Assert.Empty(Compare(source, after).Problems);
    }

    [Fact]
    public void A_cold_part_that_changes_changes_its_parent()
    {
        var source =
            Declarations
            + """
                extern void die(const char *) __attribute__((cold));
                int f(int a) { if (a < 0) { die("negative"); printk("still here"); } return a + limit; }
                """;
        var diff = Compare(source, source.Replace("still here", "not dead", StringComparison.Ordinal));
        Assert.Equal(["f"], diff.Changed());
        Assert.Contains("f.cold", diff.Included());
    }

    [Fact]
    public void A_cold_part_can_appear_and_disappear()
    {
        var without = Declarations + "extern void die(const char *) __attribute__((cold));\nint f(int a) { return a + limit; }\n";
        var with = without.Replace(
            "{ return a",
            "{ if (a < 0) { die(\"x\"); printk(\"y\"); } return a",
            StringComparison.Ordinal
        );
        Assert.Contains("f.cold", Compare(without, with).Included());
        Assert.DoesNotContain("f.cold", Compare(with, without).Included());
        Assert.Equal(["f"], Compare(with, without).Changed());
    }

    [Fact]
    public void A_changed_initialiser_is_refused()
    {
        var source = Declarations + "int level = 3;\nint f(void) { return level; }\n";
        Assert.Equal([403], Compare(source, source.Replace("level = 3", "level = 4", StringComparison.Ordinal)).Numbers());
    }

    [Fact]
    public void Start_code_whose_dynamic_debug_descriptors_have_other_numbers_is_the_same()
    {
        const string unit = """
            #define PASTE(a, b) a##b
            #define NAME(a, b) PASTE(a, b)
            struct _ddebug { const char *function, *format; int line; void *key; } __attribute__((aligned(8)));
            extern void __dynamic_pr_debug(struct _ddebug *, const char *, ...);
            #define DEBUG(name, text) do { static struct _ddebug __attribute__((section("__dyndbg"), used)) name = { __func__, text, 7 }; \
                __dynamic_pr_debug(&name, text); } while (0)
            #define pr_debug(text) DEBUG(NAME(__UNIQUE_ID_ddebug, __COUNTER__), text)
            int f(int a) { return a; }
            __attribute__((section(".init.text"))) int first(void) { pr_debug("one"); pr_debug("two"); return 1; }
            __attribute__((section(".init.text"))) int second(void) { pr_debug("three"); return 2; }

            """;
        var diff = Compare(unit, unit.Replace("{ return a; }", "{ pr_debug(\"new\"); return a; }", StringComparison.Ordinal));
        Assert.Equal(["f"], diff.Changed());
        Assert.Empty(diff.Problems);
    }

    [Theory]
    [InlineData("{ .last = one }", "{ .first = two, .last = one }", "ops +0x0: refers to two, where it held no address")]
    [InlineData("{ .first = two, .last = one }", "{ .last = one }", "ops +0x0: no longer refers to two")]
    [InlineData("{ .last = one }", "{ .last = two }", "ops +0x10: refers to two instead of one")]
    public void What_a_table_refers_to_is_named(string before, string after, string reason)
    {
        const string types =
            "struct ops { int (*first)(void); long level; int (*last)(void); }; int one(void) { return 1; } int two(void) { return 2; }\n";
        const string use = "\nint f(void) { return ops.last(); }\n";
        var problems = Compare($"{types}struct ops ops = {before};{use}", $"{types}struct ops ops = {after};{use}").Problems;
        Assert.Contains(reason, Assert.Single(problems).Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void A_pointer_in_data_to_another_function_is_a_changed_initialiser()
    {
        var source = Declarations + "extern int one(void), two(void);\nint (*op)(void) = one;\n";
        Assert.Equal(
            [403],
            Compare(source, source.Replace("op)(void) = one", "op)(void) = two", StringComparison.Ordinal)).Numbers()
        );
    }

    [Fact]
    public void Changed_start_up_code_is_refused()
    {
        var source = Declarations + "__attribute__((section(\".init.text\"))) int setup(void) { return limit + 1; }\n";
        Assert.Equal([404], Compare(source, source.Replace("+ 1", "+ 2", StringComparison.Ordinal)).Numbers());
    }

    [Fact]
    public void Removed_data_is_refused()
    {
        var source = Declarations + "int level = 3;\nint f(void) { return limit; }\n";
        Assert.Equal([405], Compare(source, source.Replace("int level = 3;", "", StringComparison.Ordinal)).Numbers());
    }

    [Fact]
    public void A_function_without_ftrace_entry_is_refused()
    {
        var source = Declarations + "__attribute__((no_instrument_function)) int f(int a) { return a + 1; }\n";
        Assert.Equal([408], Compare(source, source.Replace("+ 1", "+ 2", StringComparison.Ordinal)).Numbers());
    }

    [Fact]
    public void A_new_field_in_a_structure_is_refused()
    {
        var source = Declarations + "struct box { int a; };\nint f(struct box *b) { return b->a; }\n";
        var after = source.Replace("int a; }", "int new; int a; }", StringComparison.Ordinal);
        Assert.Contains(409, Compare(source, after).Numbers());
    }

    [Fact]
    public void A_new_list_entry_for_the_start_is_refused()
    {
        var source = Declarations + "int f(void) { return limit; }\n";
        var after = source + "__attribute__((used, section(\".initcall6.init\"))) static int (*call)(void) = f;\n";
        Assert.Contains(410, Compare(source, after).Numbers());
    }

    [Fact]
    public void An_unknown_section_is_refused_only_where_it_differs_or_speaks_of_included_code()
    {
        var unknown =
            Declarations
            + """
                int f(void) { return limit; }
                int g(void) { return limit + 1; }
                __attribute__((used, section("__future_table"))) static void *about = f;
                """;
        Assert.True(Compare(unknown, unknown).IsEmpty);
        Assert.Empty(Include.Run(Compare(unknown, unknown.Replace("+ 1", "+ 2", StringComparison.Ordinal))).Problems);
        var about = Include.Run(
            Compare(unknown, unknown.Replace("{ return limit; }", "{ return limit - 1; }", StringComparison.Ordinal))
        );
        Assert.Equal(402, Assert.Single(about.Problems).Code.Number);
    }

    [Fact]
    public void The_scheduling_classes_are_data_with_sections_of_their_own()
    {
        var source =
            Declarations
            + """
                int pick(void) { return limit; }
                __attribute__((used, section("__fair_sched_class"))) int (*const fair_sched_class[])(void) = { pick };
                """;
        var changed = Compare(source, source.Replace("{ return limit; }", "{ return limit - 1; }", StringComparison.Ordinal));
        Assert.Equal(["pick"], changed.Changed());
        Assert.Empty(Include.Run(changed).Problems);
        Assert.Contains(403, Compare(source, source.Replace("{ pick };", "{ pick, pick };", StringComparison.Ordinal)).Numbers());
    }

    [Fact]
    public void A_table_entry_that_changes_changes_its_function()
    {
        var source =
            Declarations
            + """
                extern int one(void), two(void);
                int f(void) { asm volatile("1: nop\n.pushsection __ex_table,\"a\"\n.long 1b - .\n.long one - .\n.long 3\n.popsection"); return 1; }
                int g(void) { asm volatile("1: nop\n.pushsection __ex_table,\"a\"\n.long 1b - .\n.long one - .\n.long 3\n.popsection"); return 2; }
                """;
        var at = source.LastIndexOf("long one", StringComparison.Ordinal);
        Assert.Equal(["g"], Compare(source, source[..at] + "long two" + source[(at + 8)..]).Changed());
        at = source.LastIndexOf("long 3", StringComparison.Ordinal);
        Assert.Equal(["g"], Compare(source, source[..at] + "long 4" + source[(at + 6)..]).Changed());
    }

    [Fact]
    public void Replacement_code_that_changes_changes_its_function()
    {
        const string alternative =
            "661: nop\n.pushsection .altinstructions,\\\"a\\\"\\n.long 661b - .\\n.long 664f - .\\n.long 7\\n.byte 1, 1\\n.popsection\\n"
            + ".pushsection .altinstr_replacement,\\\"ax\\\"\\n664: stc\\n.popsection";
        var body = alternative.Replace("\n", "\\n", StringComparison.Ordinal);
        var source =
            Declarations
            + $"int f(void) {{ asm volatile(\"{body}\"); return 1; }}\nint g(void) {{ asm volatile(\"{body}\"); return 2; }}\n";
        var at = source.LastIndexOf("stc", StringComparison.Ordinal);
        Assert.Equal(["g"], Compare(source, source[..at] + "clc" + source[(at + 3)..]).Changed());
    }

    [Fact]
    public void A_function_before_it_with_a_new_entry_in_one_of_its_tables_leaves_a_function_unchanged()
    {
        // The assembler puts sections in the order in which they are first written to.
        const string warning =
            "asm volatile(\"1: ud2\\n.pushsection __bug_table,\\\"aw\\\"\\n.long 1b - .\\n.long 0\\n.word 3, 4\\n.popsection\");";
        const string locked = "asm volatile(\"1: nop\\n.pushsection .smp_locks,\\\"a\\\"\\n.long 1b - .\\n.popsection\");";
        var source =
            Declarations
            + $$"""
                int f(int a) { return a * 3 + limit; }
                int g(int a) { {{locked}} {{warning}} return a * 5 + limit; }
                """;
        Assert.Equal(
            ["f"],
            Compare(source, source.Replace("int f(int a) {", "int f(int a) { " + warning, StringComparison.Ordinal)).Changed()
        );
    }

    [Theory]
    [InlineData("__ex_table", ".long 1b - .\\n.long one - .\\n.long 3", "aw")]
    [InlineData("__bug_table", ".long 1b - .\\n.long one - .\\n.word 3, 4", "aw")]
    [InlineData("__jump_table", ".long 1b - .\\n.long 1b - .\\n.quad one - .", "aw")]
    public void A_symbol_at_the_start_of_a_table_hides_no_entry(string table, string entry, string flags)
    {
        // Assembly of the kernel names the beginning of its tables here and there; the entries belong to their functions all the
        // same.
        string Body(string start) =>
            $"asm volatile(\"1: nop\\n.pushsection {table},\\\"{flags}\\\"\\n{start}{entry}\\n.popsection\");";
        const string label = ".type start_of_table, @object\\nstart_of_table: .size start_of_table, 12\\n";
        var source =
            Declarations
            + $$"""
                extern int one(void), two(void);
                int f(int a) { {{Body(label)}} return a * 3 + limit; }
                int g(int a) { {{Body("")}} return a * 5 + limit; }
                """;
        Assert.True(Compare(source, source).IsEmpty);

        var changed = Compare(source, source.Replace("a * 3", "a * 7", StringComparison.Ordinal));
        var f = Assert.Single(Value(Include.Run(changed)).Pieces);
        Assert.Equal("f", f.Name);
        Assert.Equal(0UL, Assert.Single(f.Entries, e => e.Table.Name == table).Offset);

        var at = source.IndexOf("one -", StringComparison.Ordinal);
        if (at >= 0)
        {
            Assert.Equal(["f"], Compare(source, source[..at] + "two -" + source[(at + 5)..]).Changed());
        }
    }

    [Theory]
    [InlineData(".rodata..Lswitch.table.f,\\\"a\\\"")]
    [InlineData(".rodata.cst16,\\\"aM\\\",@progbits,16")]
    public void A_lookup_table_as_Clang_writes_it_comes_along(string section)
    {
        // A section of its own or one of constants of its size, and a private name that the assembler drops.
        var table = $".pushsection {section}\\n.Lswitch.table.f: .long 11, 22, 33, 44\\n.popsection";
        var source =
            Declarations
            + $$"""
                int f(int a) { int b; asm("movl .Lswitch.table.f(,%q1,4), %0" : "=r" (b) : "r" (a)); return b + limit; }
                asm("{{table}}");
                int g(void) { return limit; }
                """;
        Assert.True(Compare(source, source).IsEmpty);

        var changed = Compare(source, source.Replace("b + limit", "b - limit", StringComparison.Ordinal));
        Assert.Equal(["f"], changed.Changed());
        Assert.Empty(changed.Problems);

        // Read only by what is replaced: other values are another function, whatever its instructions are.
        Assert.Equal(["f"], Compare(source, source.Replace("33, 44", "33, 45", StringComparison.Ordinal)).Changed());
        Assert.Contains(
            section.Split(',')[0] + "+0x0",
            Compare(source, source.Replace("33, 44", "33, 45", StringComparison.Ordinal)).Included()
        );
    }

    [Fact]
    public void Functions_that_share_a_section_are_told_apart()
    {
        var source =
            Declarations
            + """
                #define shared __attribute__((section(".sched.text")))
                shared noinline static int a(int x) { return x * 3 + limit; }
                shared noinline int b(int x) { return a(x) + 1; }
                shared int c(int x) { return b(x) + a(x); }
                """;
        Assert.True(Compare(source, source).IsEmpty);
        Assert.Equal(["a"], Compare(source, source.Replace("x * 3", "x * 7", StringComparison.Ordinal)).Changed());
        Assert.Equal(
            ["b"],
            Compare(source, source.Replace("return a(x) + 1", "return a(x) + limit", StringComparison.Ordinal)).Changed()
        );
    }

    [Fact]
    public void A_branch_that_the_assembler_resolved_becomes_a_reference_again()
    {
        var source =
            Declarations
            + """
                #define shared __attribute__((section(".sched.text")))
                shared noinline static int a(int x) { return x * 3 + limit; }
                shared int b(int x) { return a(x) + 1; }
                """;
        var b = Unit(source).Functions.Single(p => p.Name == "b");
        var call = Assert.Single(b.References, r => r.Piece?.Name == "a");
        Assert.Equal((ReferenceUse.Branch, 0L, 4), (call.Use, call.Displacement, call.Bias));
    }

    [Fact]
    public void The_bias_of_a_field_reaches_behind_an_immediate()
    {
        var unit = Unit(
            Declarations + "static int value;\nvoid f(void) { value = 0x12345678; }\nint g(void) { return value; }\n"
        );
        var store = unit.Functions.Single(p => p.Name == "f").References.Single(r => r.Piece?.Name == "value");
        Assert.Equal((8, 0L), (store.Bias, store.Displacement));
    }

    [Theory]
    [InlineData("int x = 4;", "const int x = 4;")]
    [InlineData("const int x = 4;", "int x = 4;")]
    [InlineData("int x __attribute__((section(\".data..ro_after_init\"))) = 4;", "int x = 4;")]
    [InlineData("int x = 4;", "int x __attribute__((section(\".data..ro_after_init\"))) = 4;")]
    [InlineData("int x __attribute__((section(\".data..ro_after_init\")));", "int x;")]
    [InlineData("int x = 4;", "int x __attribute__((section(\".data..percpu\"))) = 4;")]
    [InlineData("int x __attribute__((section(\".data..percpu..read_mostly\")));", "int x;")]
    [InlineData(
        "int x __attribute__((section(\".data..percpu\")));",
        "int x __attribute__((section(\".data..ro_after_init\")));"
    )]
    public void A_variable_that_changes_its_kind_of_memory_is_refused(string before, string after)
    {
        var use = "\nint f(int a) { return a + *(volatile int *)&x; }\n";
        Assert.Equal([417], Compare(before + use, after + use).Numbers());
    }

    [Fact]
    public void A_static_variable_that_nothing_wrote_to_is_a_constant_of_the_running_kernel()
    {
        // GCC puts it among the constants by itself, and back when the patch writes to it.
        const string source = "static int x = 4;\nint f(int a) { return a + *(volatile int *)&x; }\n";
        Assert.Equal([417], Compare(source, source + "void g(int a) { x = a; }\n").Numbers());
    }

    [Theory]
    [InlineData("int x = 4;", "int x __attribute__((section(\".data..read_mostly\"))) = 4;")]
    [InlineData("int x __attribute__((section(\".data..read_mostly\")));", "int x;")]
    [InlineData("int x;", "int x __attribute__((section(\".data..cacheline_aligned\")));")]
    public void A_variable_that_only_lies_elsewhere_among_variables_is_the_same(string before, string after)
    {
        var use = "\nint f(int a) { return a + x++; }\n";
        Assert.True(Compare(before + use, after + use).IsEmpty);
    }

    [Fact]
    public void A_variable_that_moves_and_gets_a_value_is_changed()
    {
        var use = "\nint f(int a) { return a + x++; }\n";
        Assert.Equal(
            [403],
            Compare("int x;" + use, "int x __attribute__((section(\".data..read_mostly\"))) = 4;" + use).Numbers()
        );
    }

    [Theory]
    [InlineData(".long 7", ".byte 5, 0")] // struct alt_instr since 6.3
    [InlineData(".word 7", ".byte 5, 0")]
    [InlineData(".word 7", ".byte 5, 0, 0")] // with padlen, until 5.12
    public void An_alternative_without_replacement_brings_nothing_of_the_next_ones(string feature, string lengths)
    {
        var empty =
            $"asm volatile(\"1: .byte 0x0f,0x1f,0x44,0,0\\n.pushsection .altinstructions,\\\"a\\\"\\n.long 1b - .\\n.long 2f - .\\n{feature}\\n{lengths}\\n"
            + ".popsection\\n.pushsection .altinstr_replacement,\\\"ax\\\"\\n2:\\n.popsection\");";
        var jump = empty
            .Replace("2:", "2: jmp 3f", StringComparison.Ordinal)
            .Replace("5, 0", "5, 5", StringComparison.Ordinal)
            .Replace("popsection\");", "popsection\\n\\tnop\\n3:\");", StringComparison.Ordinal);
        var source =
            Declarations
            + $"int f(int a) {{ {empty} return a; }}\nint g(int a) {{ {jump} return a; }}\nint h(int a) {{ {jump} {empty} return a; }}\n";

        var diff = Compare(
            source,
            source.Replace($"{empty} return a; }}\nint g", $"{empty} return a + 1; }}\nint g", StringComparison.Ordinal)
        );

        Assert.Equal(["f"], diff.Changed());
        Assert.Equal(["f"], diff.Included().Where(n => !n.StartsWith(".altinstr", StringComparison.Ordinal)));
        Assert.All(Value(Include.Run(diff)).Pieces, p => Assert.True(p.Kind == PieceKind.Function || p.Size == 0));
        Assert.Equal(
            ["f", "h"],
            Compare(
                    source,
                    source.Replace(empty, empty.Replace("5, 0", "4, 0", StringComparison.Ordinal), StringComparison.Ordinal)
                )
                .Changed()
        );
        Assert.Equal(["f", "h"], Compare(source, source.Replace(empty, jump, StringComparison.Ordinal)).Changed());
    }
}
