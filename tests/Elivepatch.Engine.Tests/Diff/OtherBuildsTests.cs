using Elivepatch.Elf;
using Elivepatch.Elf.Tests;
using Elivepatch.Engine.Architectures.X8664;
using Elivepatch.Engine.Diff;
using Elivepatch.Engine.Units;
using Xunit;
using static Elivepatch.Engine.Tests.Diff.Patched;

namespace Elivepatch.Engine.Tests.Diff;

/// <summary>
/// Objects as other builds leave them: of older kernels and compilers, behind recordmcount or objtool, with lines that moved.
/// </summary>
public sealed class OtherBuildsTests
{
    private const string Declarations = """
        extern int printk(const char *format, ...), use(int), key, other;
        extern void __might_sleep(const char *file, int line), wait(int line), request(const char *, int), __might_resched(const char *, int, int);
        #define noinline __attribute__((noinline))

        """;

    [Fact]
    public void A_call_of_fentry_that_became_a_nop_is_an_ftrace_entry()
    {
        var elf = ElfReader.Read(Gcc.Compile("int f(int a) { return a + 1; }\n", KernelFlags + Gcc.EngineFlags));
        foreach (var call in elf.RelocationSections.SelectMany(s => s.Entries).Where(e => e.Symbol!.Name == "__fentry__"))
        {
            call.Type = 0;
        }

        Assert.True(
            Assert
                .Single(Value(UnitObject.Read(X8664Architecture.Instance, "unit.c", elf, layouts: null)).Functions)
                .HasFtraceEntry
        );
    }

    [Theory]
    [InlineData("__jump_table", ".quad 1b, 1b, key")] // until 4.19
    [InlineData("__jump_table", ".long 1b - ., 1b - .\\n.quad key - .")]
    [InlineData(".static_call_sites", ".long 1b - ., key - .")]
    [InlineData("__ex_table", ".long 1b - ., 1b - ., use - .")] // until 5.15
    [InlineData("__ex_table", ".long 1b - ., 1b - .")] // until 4.5
    [InlineData("__ex_table", ".long 1b - ., 1b - ., 7")]
    [InlineData("__bug_table", ".long 1b - ., key - .\\n.word 12, 0")]
    [InlineData(".parainstructions", ".balign 8\\n.quad 1b\\n.byte 1, 2\\n.short 3")] // nothing fills up the last entry
    [InlineData(".smp_locks", ".long 1b - .")]
    public void Entries_of_a_table_are_told_apart_without_the_kernels_headers(string table, string entry)
    {
        var site = $"asm volatile(\"1:\\tnop\\n.pushsection {table},\\\"a\\\"\\n{entry}\\n.popsection\");";
        var source =
            Declarations
            + $"int f(int a) {{ {site} {site} return a; }}\nint g(int a) {{ {site} return a; }}\nint h(int a) {{ {site} return use(a); }}\n";

        var unit = Unit(source);

        Assert.Equal([2, 1, 1], unit.Functions.Select(f => f.Entries.Count(e => e.Table.Name == table)));
        Assert.Equal(["h"], Compare(source, source.Replace("use(a);", "use(a + 1);", StringComparison.Ordinal)).Changed());
        var last = source.LastIndexOf("key", StringComparison.Ordinal);
        if (last > source.IndexOf("f(int", StringComparison.Ordinal))
        {
            Assert.Equal(["h"], Compare(source, source[..last] + "other" + source[(last + 3)..]).Changed());
        }
    }

    [Theory]
    [InlineData("__ex_table", "\\n.long 1b - ., 3b - .\\n.long 4b - ., 2b - .")]
    [InlineData(".smp_locks", "\\n.long 4b - .")]
    public void Code_without_a_name_goes_on_behind_an_instruction_that_a_table_names(string table, string entries)
    {
        string Source(int number) =>
            $"long f(long a) {{ asm volatile(\"1:\\tmov (%0),%0\\n2:\\n.pushsection .fixup,\\\"ax\\\"\\n3:\\tmov $1,%k0\\n4:\\tlock incl (%0)\\n\\tmov ${number},%k0\\n\\tjmp 2b\\n.popsection\\n"
            + $".pushsection __ex_table,\\\"a\\\"\\n.long 1b - ., 3b - .\\n.popsection\\n.pushsection {table},\\\"a\\\"{entries}\\n.popsection\" : \"+r\" (a)); return a; }}\n";

        Assert.Equal(["f"], Compare(Source(2), Source(3)).Changed());
        var brought = Assert.Single(
            Value(Include.Run(Compare(Source(2), Source(3)))).Pieces,
            p => p.Kind == PieceKind.Replacement
        );
        Assert.Equal(brought.Section.Size, brought.Size);
    }

    [Fact]
    public void Code_without_a_name_that_runs_into_the_next_is_not_understood()
    {
        const string source =
            "long f(long a) { asm volatile(\"1:\\tmov (%0),%0\\n2:\\tmov 8(%0),%0\\n3:\\n.pushsection .fixup,\\\"ax\\\"\\n4:\\tmov $1,%k0\\n5:\\tjmp 3b\\n.popsection\\n"
            + ".pushsection __ex_table,\\\"a\\\"\\n.long 1b - ., 4b - .\\n.long 2b - ., 5b - .\\n.popsection\" : \"+r\" (a)); return a; }\n";
        var outcome = UnitObject.Read(
            X8664Architecture.Instance,
            "unit.c",
            ElfReader.Read(Gcc.Compile(source, KernelFlags + Gcc.EngineFlags)),
            layouts: null
        );
        Assert.Equal(DiffProblems.UnreadableCode, Assert.Single(outcome.Problems).Code);
    }

    [Fact]
    public void Entries_that_are_unlike_each_other_are_not_taken_for_one()
    {
        static string Site(string entry) =>
            $"asm volatile(\"1:\\tnop\\n.pushsection .call_sites,\\\"a\\\"\\n{entry}\\n.popsection\");";
        var irregular = string.Concat(
            Enumerable
                .Range(0, 6)
                .Select(i => $"int f{i}(int a) {{ {Site(i == 3 ? ".long key - ." : ".long 1b - .")} return a; }}\n")
        );
        var outcome = UnitObject.Read(
            X8664Architecture.Instance,
            "unit.c",
            ElfReader.Read(Gcc.Compile("extern int key;\n" + irregular, KernelFlags + Gcc.EngineFlags)),
            layouts: null
        );
        Assert.Equal(DiffProblems.MalformedTable, Assert.Single(outcome.Problems).Code);
    }

    [Theory]
    [InlineData(
        ".fixup",
        "1:\\tmov (%0),%0\\n2:\\n.pushsection .fixup,\\\"ax\\\"\\n3:\\tmov $NUMBER,%k0\\n\\tjmp 2b\\n.popsection\\n.pushsection __ex_table,\\\"a\\\"\\n.long 1b - ., 3b - .\\n.popsection"
    )]
    [InlineData(
        ".text..refcount",
        "\\tjs 3f\\n2:\\n.pushsection .text..refcount,\\\"ax\\\"\\n3:\\tmov $NUMBER,%k0\\n4:\\tud2\\n\\tjmp 2b\\n.popsection\\n.pushsection __ex_table,\\\"a\\\"\\n.long 4b - ., 2b - .\\n.popsection\\n.pushsection .discard.unreachable\\n.long 4b - .\\n.popsection"
    )]
    public void Code_without_a_name_in_a_section_of_its_own_belongs_to_the_function_that_goes_there(string section, string text)
    {
        string Site(int number) =>
            $"asm volatile(\"{text.Replace("NUMBER", $"{number}", StringComparison.Ordinal)}\" : \"+r\" (a));";
        string Source(int first, int second) =>
            $"long f(long a) {{ {Site(1)} return a; }}\nlong g(long a) {{ {Site(first)} {Site(second)} return a; }}\n";

        Assert.Contains(Unit(Source(2, 3)).Elf.Sections, s => s.Name == section);
        Assert.True(Compare(Source(2, 3), Source(2, 3)).IsEmpty);
        Assert.Equal(["g"], Compare(Source(2, 3), Source(2, 4)).Changed());
        Assert.Equal(["g"], Compare(Source(2, 3), Source(5, 3)).Changed());
    }

    [Theory]
    [InlineData("__might_sleep(\"lib/unit.c\", __LINE__);")]
    [InlineData("if (a) use(a); __might_sleep(\"include/linux/unit.h\", __LINE__ + a * 0);")]
    [InlineData(
        "asm volatile(\"1:\\tud2\\n.pushsection __bug_table,\\\"a\\\"\\n.long 1b - ., key - .\\n.word %c0, 7\\n.popsection\" : : \"i\" (__LINE__));"
    )]
    [InlineData(
        "static struct { void *names[4]; unsigned line:18, flags:14; } descriptor __attribute__((section(\"__dyndbg\"), used)) = { .line = __LINE__, .flags = 5 }; printk(\"\", &descriptor);"
    )]
    [InlineData(
        "static struct { void *names[3]; unsigned line; char *level; } _entry = { .line = __LINE__ }; printk(\"\", &_entry);"
    )]
    public void What_differs_in_line_numbers_alone_is_said_to(string statement)
    {
        var source = Declarations + $"int f(int a)\n{{\n{statement}\nreturn use(a);\n}}\nint g(int a) {{ return use(a + 2); }}\n";

        var diff = CompareMoved(source, "\n\n\n" + source);
        Assert.Empty(diff.Changed());
        Assert.Equal(
            statement.Contains("__bug_table", StringComparison.Ordinal) ? [] : ["f"],
            diff.OnlyLinesMoved.Select(p => p.Name)
        );

        Assert.Equal(
            ["f"],
            CompareMoved(source, "\n\n\n" + source.Replace("return use(a);", "return use(a + 1);", StringComparison.Ordinal))
                .Changed()
        );
        if (statement.Contains("flags = 5", StringComparison.Ordinal))
        {
            Assert.Equal(
                ["f"],
                CompareMoved(source, "\n\n\n" + source.Replace("flags = 5", "flags = 6", StringComparison.Ordinal)).Changed()
            );
        }
    }

    [Theory]
    [InlineData("wait(__LINE__);")] // nobody knows that it is one
    [InlineData("__might_sleep(\"a file\", __LINE__);")]
    [InlineData("request(\"fw/header.h\", __LINE__);")]
    [InlineData("__might_resched(\"lib/unit.c\", 12, __LINE__);")]
    [InlineData("asm volatile(\"mov %0,%%ebx\" : : \"i\" (__LINE__) : \"rbx\"); __might_sleep(\"lib/unit.c\", 12);")]
    [InlineData("__might_sleep(\"lib/unit.c\", 3); use(__LINE__);")]
    public void A_number_that_may_mean_something_else_is_a_change(string statement)
    {
        var source = Declarations + $"int f(int a)\n{{\n{statement}\nreturn a;\n}}\n";
        Assert.Equal(["f"], CompareMoved(source, "\n\n\n" + source).Changed());
    }

    [Fact]
    public void In_a_build_whose_lines_are_kept_a_changed_line_number_is_a_change()
    {
        var source = Declarations + "void f(void) { __might_sleep(\"lib/unit.c\", __LINE__); }\n";
        Assert.Equal(["f"], Compare(source, "\n" + source).Changed());
    }

    [Fact]
    public void What_a_sanitizer_says_of_a_place_has_no_name_and_is_the_same_where_its_content_is()
    {
        const string source = """
            extern int table[8], other[4];
            int f(int a) { return table[a]; }
            int g(int a) { return table[a] + other[a]; }

            """;
        var before = Unit(source, "-fsanitize=bounds");
        Assert.Contains(before.Elf.Sections, s => s.Name.StartsWith(".data..Lubsan_", StringComparison.Ordinal));
        var added = "extern int other[4];\nint h(int a) { return other[a] + 1; }\n" + source;
        var diff = DetectChanges.Run(Correlate.Run(before, Unit(added, "-fsanitize=bounds")), linesMove: true);
        Assert.Empty(diff.Changed());
        Assert.Empty(diff.Problems);

        var patched = source.Replace("table[a] + other[a]", "table[a] - other[a]", StringComparison.Ordinal);
        diff = DetectChanges.Run(Correlate.Run(before, Unit(patched, "-fsanitize=bounds")));
        Assert.Equal(["g"], diff.Changed());
        Assert.Contains(diff.Included(), n => n.StartsWith(".data..Lubsan_data", StringComparison.Ordinal));

        var grown = source.Replace("table[8]", "table[9]", StringComparison.Ordinal);
        Assert.Equal(["f", "g"], DetectChanges.Run(Correlate.Run(before, Unit(grown, "-fsanitize=bounds"))).Changed());
    }

    [Fact]
    public void Static_locals_are_named_by_Clang_after_their_function()
    {
        static string Source(int calls, int key, string sum) =>
            $$"""
                static int calls asm("f.calls{{(calls > 0 ? $".{calls}" : "")}}"), key asm("f.__key.{{key}}");
                extern int use(int *);
                int f(int a) { use(&key); return {{sum}} + calls++; }
                int g(int a) { return a; }

                """;
        var diff = Compare(Source(0, 3, "a"), Source(0, 5, "a"));
        Assert.Empty(diff.Changed());
        Assert.Empty(diff.NewVariables);

        diff = Compare(Source(0, 3, "a"), Source(4, 5, "a + 1"));
        Assert.Equal(["f"], diff.Changed());
        Assert.Empty(diff.NewVariables);
        Assert.Empty(diff.Problems);
    }

    [Fact]
    public void What_only_modinfo_reads_is_no_change()
    {
        const string import = "static const char import[] __attribute__((section(\".modinfo\"), used)) = \"import_ns=SOME\";\n";
        const string source = "int f(int a) { return a + 1; }\n";
        var diff = Compare(source, import + source);
        Assert.True(diff.IsEmpty);
        Assert.Equal(["f"], Compare(source, import + source.Replace("a + 1", "a + 2", StringComparison.Ordinal)).Changed());
    }

    private static UnitDiff CompareMoved(string before, string after) =>
        DetectChanges.Run(Correlate.Run(Unit(before), Unit(after)), linesMove: true);
}
