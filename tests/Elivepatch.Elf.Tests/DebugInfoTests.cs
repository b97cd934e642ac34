using Elivepatch.Elf.Dwarf;
using Xunit;

namespace Elivepatch.Elf.Tests;

public class DebugInfoTests
{
    /// <summary>The engine's own flags, and those of an object that somebody else compiled.</summary>
    public static TheoryData<string> Flags =>
        [
            "-O2 " + Gcc.EngineFlags,
            "-O2 -gdwarf-5 -ffunction-sections -fdata-sections",
            "-O2 -gdwarf-4 -gz=zlib -ffunction-sections -fdata-sections",
        ];

    [Fact]
    public void An_object_without_debugging_information_has_none()
    {
        var info = DebugInfo.Read(Gcc.CompileAndRead("struct s { int a; } v;"));
        Assert.True(info.IsEmpty);
        Assert.Empty(info.Layouts);
        Assert.Empty(info.Functions);
        Assert.Empty(info.Variables);
    }

    [Theory]
    [MemberData(nameof(Flags))]
    public void A_struct_has_members_with_offsets_and_canonical_types(string flags)
    {
        var layout = Layout(
            "struct s",
            """
            typedef unsigned int u32;
            typedef struct { int counter; } atomic;
            struct t;
            struct s {
                char c; struct t *t; u32 array[3][4]; int (*call)(const char *, u32, ...); atomic refs; const volatile long *const p;
                union { int x; struct { short y, z; }; }; struct { char in; } named; enum e { A, B } e; void *(*table[2])(void); char tail[];
            } *v;
            """,
            flags
        );
        Assert.Equal(120, layout.Size);
        Assert.Equal(
            [
                new("c", 0, 0, 0, "char"),
                new("t", 8, 0, 0, "struct t *"),
                new("array", 16, 0, 0, "unsigned int [3][4]"),
                new("call", 64, 0, 0, "int (*)(const char *, unsigned int, ...)"),
                new("refs", 72, 0, 0, "atomic"),
                new("p", 80, 0, 0, "const volatile long int *const"),
                new("x", 88, 0, 0, "int"),
                new("y", 88, 0, 0, "short int"),
                new("z", 90, 0, 0, "short int"),
                new("named", 92, 0, 0, "struct { char in 0; }"),
                new("e", 96, 0, 0, "enum e"),
                new("table", 104, 0, 0, "void *(*[2])()"),
                new("tail", 120, 0, 0, "char []"),
            ],
            layout.Members
        );
    }

    [Theory]
    [MemberData(nameof(Flags))]
    public void Bit_fields_have_their_place_in_bits(string flags)
    {
        var layout = Layout(
            "struct b",
            "struct b { int a : 3; unsigned b : 7; int : 0; long c : 33; int d; char e : 1; } v;",
            flags
        );
        Assert.Equal(
            [("a", 0L, 0, 3), ("b", 0L, 3, 7), ("c", 8L, 0, 33), ("d", 16L, 0, 0), ("e", 20L, 0, 1)],
            layout.Members.Select(m => (m.Name, m.Offset, m.BitOffset, m.BitSize))
        );
    }

    [Theory]
    [InlineData("struct s { int a; int b; };", "struct s { int a; int c; int b; };", "member 1 was b, now it is c")]
    [InlineData("struct s { int a; };", "struct s { int a; int b; };", "b was added")]
    [InlineData("struct s { int a; int b; };", "struct s { int a; };", "b was removed")]
    [InlineData("struct s { int a; };", "struct s { unsigned a; };", "a was of type int, now of unsigned int")]
    [InlineData(
        "struct s { char a; int b; };",
        "struct s { char a; int b; } __attribute__((packed));",
        "b was at byte 4, now it is at byte 1"
    )]
    [InlineData(
        "struct s { int a : 3; };",
        "struct s { int a : 4; };",
        "a was 3 bits at byte 0, bit 0, now it is 4 bits at byte 0, bit 0"
    )]
    [InlineData("struct s { int a; };", "struct s { int a; } __attribute__((aligned(64)));", "it took 4 bytes, now 64")]
    [InlineData(
        "struct s { struct { int x; } *a; };",
        "struct s { struct { long x; } *a; };",
        "a was of type struct { int x 0; } *, now of struct { long int x 0; } *"
    )]
    [InlineData("typedef int t; struct s { t a; };", "struct s { int a; };", null)]
    public void A_changed_struct_says_how_it_changed(string before, string after, string? difference)
    {
        const string use = " struct s v;";
        Assert.Equal(difference, Layout("struct s", after + use).DifferenceFrom(Layout("struct s", before + use)));
    }

    [Fact]
    public void The_order_of_qualifiers_does_not_matter()
    {
        const string type = "struct s { const volatile int *volatile const a; const int c[3]; const char *(*const f)(void); };";
        var one = Layout("struct s", "const int *x; volatile int *y;" + type + "struct s v;");
        var two = Layout("struct s", "volatile int *y; typedef const int k; int *volatile z;" + type + "struct s v; k *x;");
        Assert.Null(two.DifferenceFrom(one));
        Assert.Equal(
            ["const volatile int *const volatile", "const int [3]", "const char *(*const)()"],
            one.Members.Select(m => m.Type)
        );
    }

    [Theory]
    [InlineData("int (**m)(void);", "int (**)()")]
    [InlineData("int (*const *m)(void);", "int (*const *)()")]
    [InlineData("int (*m)[3];", "int (*)[3]")]
    [InlineData("char *(*m[2][3])(int (*)(long));", "char *(*[2][3])(int (*)(long int))")]
    [InlineData("void (*(*m)(int))(long);", "void (*(*)(int))(long int)")]
    [InlineData("const struct u *const *restrict m;", "const struct u *const *restrict")]
    [InlineData("line m[2];", "int [2][3]")]
    [InlineData("enum { X, Y = -4 } m;", "enum { X 0; Y -4; }")]
    [InlineData("union { int i; struct { char c[2]; } *p; } m[4];", "union { int i 0; struct { char [2] c 0; } * p 0; } [4]")]
    public void A_type_is_spelled_as_in_C(string member, string type) =>
        Assert.Equal(type, Layout("struct s", $"struct u; typedef int line[3]; struct s {{ {member} }} v;").Members[0].Type);

    [Fact]
    public void A_change_deep_inside_a_long_unnamed_type_is_seen()
    {
        string Source(string last) =>
            "struct s { struct { "
            + string.Concat(Enumerable.Range(0, 200).Select(i => $"int some_member_{i}; "))
            + last
            + " } *p; } v;";
        StructLayout before = Layout("struct s", Source("int x;")),
            after = Layout("struct s", Source("long x;"));
        Assert.NotNull(after.DifferenceFrom(before));
        Assert.True(after.Members[0].Type.Length < 1100);
    }

    [Fact]
    public void A_changed_enum_says_which_constant_moved()
    {
        StructLayout before = Layout("enum e", "enum e { A, B } v;"),
            after = Layout("enum e", "enum e { A, B = 5 } v;");
        Assert.Equal("B was 1, now it is 5", after.DifferenceFrom(before));
    }

    [Fact]
    public void A_struct_without_tag_goes_by_its_typedef()
    {
        var layout = Layout("spin", "typedef struct { int raw; } spin; spin v;");
        Assert.True(layout.IsNamedByTypedef);
        Assert.Equal(4, layout.Size);
    }

    [Theory]
    [MemberData(nameof(Flags))]
    public void A_function_knows_all_that_was_inlined_into_it(string flags)
    {
        var info = Read(
            """
            extern void sink(int);
            static inline int inner(int x) { sink(x); return x * 3; }
            static int outer(int x) { sink(x + 1); return inner(x) + 1; }
            int host(int x) { return outer(x); }
            int other(int x) { return inner(x); }
            """,
            flags
        );
        var host = Concrete(info, "host");
        Assert.Equal(["inner", "outer"], host.Inlined.Select(f => f.Name).Order());
        Assert.Equal(["inner"], Concrete(info, "other").Inlined.Select(f => f.Name));
        Assert.Equal(new SectionLocation(host.Location!.Value.Section, 0), host.Location);
        Assert.Equal(".text.host", host.Location.Value.Section.Name);
        Assert.Equal(
            ("unit.c", 4, true, false),
            (host.Declared.File, host.Declared.Line, host.IsExternal, host.IsDeclaredInline)
        );
        var inner = info.Functions.Single(f => f.Name == "inner");
        Assert.Null(inner.Location);
        Assert.Equal(
            ("unit.c", 2, false, true),
            (inner.Declared.File, inner.Declared.Line, inner.IsExternal, inner.IsDeclaredInline)
        );
        Assert.Contains(inner, host.Inlined);
    }

    [Fact]
    public void What_is_inlined_into_the_cold_part_counts_for_the_function()
    {
        var info = Read(
            """
            extern void fail(int) __attribute__((cold)); extern int work(int);
            static inline void complain(int x) { fail(x); fail(x + 1); }
            int host(int x) { if (x > 100) { complain(x); return -1; } return work(x) + 1; }
            """
        );
        var host = Concrete(info, "host");
        Assert.Equal(["complain"], host.Inlined.Select(f => f.Name));
        Assert.Equal(".text.host", host.Location!.Value.Section.Name);
    }

    [Theory]
    [MemberData(nameof(Flags))]
    public void A_function_in_two_parts_starts_where_its_symbol_is(string flags)
    {
        var elf = Gcc.CompileAndRead(
            """
            extern void fail(int) __attribute__((cold)); extern int work(int);
            int host(int x) { if (x > 100) { fail(x); fail(x + 1); return -1; } return work(x) + 1; }
            """,
            flags
        );
        Assert.NotNull(elf.FindSymbol("host.cold"));
        var symbol = elf.FindSymbol("host")!;
        Assert.Equal(new SectionLocation(symbol.Section!, symbol.Value), Concrete(DebugInfo.Read(elf), "host").Location);
    }

    [Fact]
    public void An_out_of_line_copy_is_an_instance_of_its_function()
    {
        var info = Read(
            """
            extern void sink(int); void (*pointer)(int);
            static inline void both(int x) { sink(x); }
            void host(int x) { both(x); pointer = both; }
            """
        );
        var instance = info.Functions.Single(f => f.Name == "both" && f.Location is not null);
        Assert.NotNull(instance.Origin);
        Assert.Same(instance.Origin, instance.Source);
        Assert.Equal(2, instance.Declared.Line);
        Assert.Contains(instance.Origin, Concrete(info, "host").Inlined);
    }

    [Theory]
    [MemberData(nameof(Flags))]
    public void A_static_local_belongs_to_its_function(string flags)
    {
        var elf = Gcc.CompileAndRead(
            """
            static int counter; int shared = 4;
            int first(void) { static int counter; return ++counter; }
            int second(void) { static int counter; { static int deep = 7; deep++; } return ++counter + ++shared; }
            """,
            flags
        );
        var info = DebugInfo.Read(elf);
        foreach (var owner in (string[])["first", "second"])
        {
            var variable = info.Variables.Single(v => v.Name == "counter" && v.Owner?.Name == owner);
            var symbol = elf.Symbols.Single(s =>
                s.Section == variable.Location.Section && s.Type == ElfSymbolType.Object && s.Value == variable.Location.Offset
            );
            Assert.StartsWith("counter.", symbol.Name);
            var text = elf.FindSection($".text.{owner}")!;
            Assert.Contains(text.Relocations!.Entries, r => r.Symbol!.Section == variable.Location.Section);
        }
        Assert.Equal("second", info.Variables.Single(v => v.Name == "deep").Owner!.Name);
        var shared = info.Variables.Single(v => v.Name == "shared");
        Assert.Equal(
            (null, true, "int", 1, "unit.c"),
            (shared.Owner, shared.IsExternal, shared.Type, shared.Declared.Line, shared.Declared.File)
        );
    }

    [Theory]
    [MemberData(nameof(Flags))]
    public void A_static_local_of_an_inlined_function_belongs_to_that_function(string flags)
    {
        var info = Read(
            """
            static inline int next(void) { static int count = 5; return ++count; }
            int host(void) { return next(); }
            int other(void) { return next() * 2; }
            """,
            flags
        );
        var count = Assert.Single(info.Variables);
        Assert.Equal(("count", "next", 1), (count.Name, count.Owner!.Name, count.Declared.Line));
        Assert.Null(count.Owner.Origin);
        Assert.StartsWith(".data.count", count.Location.Section.Name);
    }

    [Theory]
    [InlineData("-gdwarf-4")]
    [InlineData("-gdwarf-5")]
    public void A_variable_that_the_compiler_does_without_is_declared_and_has_no_place(string flags)
    {
        var debug = DebugInfo.Read(
            ElfReader.Read(
                Gcc.Compile(
                    """
                    void use(char *);
                    int folded(int x) { static int mode = 1; return mode + x; }
                    static inline __attribute__((always_inline)) int tiny(int x) { static int step = 3; return x + step; }
                    int host(int x) { return tiny(x); }
                    int kept(int x) { static int count; char text[64]; use(text); return count += x; }
                    """,
                    "-O2 -fno-var-tracking " + flags
                )
            )
        );

        Assert.Contains(("folded", "mode"), debug.Unplaced);
        Assert.Contains(("tiny", "step"), debug.Unplaced);
        Assert.DoesNotContain(("kept", "count"), debug.Unplaced);
        Assert.DoesNotContain(("kept", "text"), debug.Unplaced);
    }

    [Fact]
    public void A_header_is_named_with_its_directory()
    {
        var info = Read(
            "# 7 \"include/linux/some.h\" 1\nint f(void) { return 1; }\n# 2 \"unit.c\" 2\nint g(void) { return 2; }\n"
        );
        Assert.Equal(new SourceLine("include/linux/some.h", 7), Concrete(info, "f").Declared);
        Assert.Equal(new SourceLine("unit.c", 2), Concrete(info, "g").Declared);
    }

    [Fact]
    public void Several_units_in_one_object_are_all_read()
    {
        var linked = Gcc.LinkRelocatable(
            Gcc.Compile("struct s { int a; } v; int f(void) { return v.a; }", "-O2 " + Gcc.EngineFlags),
            Gcc.Compile(
                "struct s { int a; }; extern struct s v; int g(void) { static int n; return v.a + n++; }",
                "-O2 " + Gcc.EngineFlags
            )
        );
        var info = DebugInfo.Read(ElfReader.Read(linked));
        Assert.Equal(["f", "g"], info.Functions.Select(f => f.Name).Order());
        Assert.Single(info.Layouts, l => l.Spelling == "struct s");
        Assert.Equal("g", info.Variables.Single(v => v.Name == "n").Owner!.Name);
    }

    [Fact]
    public void A_clone_is_an_instance_of_its_function()
    {
        var elf = Gcc.CompileAndRead(
            """
            extern void sink(int);
            static __attribute__((noinline)) int half(int x, int y) { for (int i = 0; i < x; i++) sink(i + y); return x / 2; }
            int host(int a) { return half(a, 7) + half(a + 1, 7); }
            """,
            "-O2 " + Gcc.EngineFlags
        );
        var clone = elf.Symbols.Single(s => s.Name.StartsWith("half.", StringComparison.Ordinal));
        var function = Concrete(DebugInfo.Read(elf), "half");
        Assert.Equal(new SectionLocation(clone.Section!, clone.Value), function.Location);
        Assert.Equal(2, function.Source.Declared.Line);
    }

    [Fact]
    public void A_struct_of_a_function_says_whose_it_is()
    {
        var info = Read(
            """
            int f(void) { struct local { int a; } v = { 1 }; static struct local w; return v.a + w.a++; }
            int g(void) { struct local { long a; }; static struct local w; return w.a++; }
            """
        );
        Assert.Equal(
            [("f", 4L), ("g", 8L)],
            info.Layouts.Where(l => l.Spelling == "struct local").Select(l => (l.Scope!, l.Size)).Order()
        );
    }

    [Theory]
    [MemberData(nameof(Flags))]
    public void Storage_is_what_the_bits_mean(string flags)
    {
        var info = Read(
            """
            typedef unsigned long size; typedef struct { int a; } box; struct s; enum e { A };
            const volatile size number; long long wide; _Bool flag; double real; const char *volatile text[2]; struct s *link; box *boxes; enum e constant;
            enum { B, C } choice; struct { const long a; enum { D } b; } pair; int (*call)(const box *); void *any;
            """,
            flags
        );
        Assert.Equal(
            [
                ("any", "void *"),
                ("boxes", "typedef box *"),
                ("call", "signed of 4 bytes (*)(typedef box *)"),
                ("choice", "enumeration of 4 bytes"),
                ("constant", "enum e"),
                ("flag", "bool of 1 bytes"),
                ("link", "struct s *"),
                ("number", "unsigned of 8 bytes"),
                ("pair", "struct { signed of 8 bytes a 0; enumeration of 4 bytes b 8; }"),
                ("real", "encoding 4 of 8 bytes"),
                ("text", "signed of 1 bytes *[2]"),
                ("wide", "signed of 8 bytes"),
            ],
            info.Variables.Select(v => (v.Name, v.Storage)).OrderBy(v => v.Name, StringComparer.Ordinal)
        );
        Assert.Equal(
            ["choice", "pair"],
            info.Variables.Where(v => v.Unnamed is not null).Select(v => v.Name).Order(StringComparer.Ordinal)
        );
    }

    [Theory]
    [MemberData(nameof(Flags))]
    public void Constants_of_all_enums_are_known(string flags)
    {
        var info = Read(
            "enum { A = 3, B } a; enum tag { C = -1 } c; int f(void) { enum { D } d = D; static enum { E } e; return d + (e = E); }",
            flags
        );
        Assert.Equal(
            [("A", 3L, "", null), ("B", 4L, "", null), ("C", -1L, "tag", null), ("E", 0L, "", "f")],
            info.EnumConstants.Where(c => c.Name != "D").Select(c => (c.Name, c.Value, c.Tag, c.Scope)).Order()
        );
        Assert.Equal(info.EnumConstants.Single(c => c.Name == "A").Enum, info.EnumConstants.Single(c => c.Name == "B").Enum);
    }

    [Theory]
    [MemberData(nameof(Flags))]
    public void Pointers_of_functions_are_known_wherever_they_are_inlined(string flags)
    {
        var info = Read(
            """
            struct s { int a; }; typedef struct s s_t; extern struct s *get(int); extern struct s *other;
            static inline int in(const s_t *p) { int n = 1; struct s *q = get(n); return p->a + q->a; }
            int f(int a, struct s **r) { return in(*r) + in(get(a)) + other->a; }
            """,
            flags
        );
        Assert.Equal(
            [("f", "r", "struct s **"), ("in", "p", "struct s *"), ("in", "q", "struct s *")],
            info.Pointers.Select(p => (p.Key.Function, p.Key.Variable, Assert.Single(p.Value))).Order()
        );
        Assert.Equal("struct s *", info.Declared["other"]);
        Assert.Equal("struct s", info.Declared["typedef s_t"]);
    }

    [Fact]
    public void An_assembler_unit_has_debugging_information_too()
    {
        var info = DebugInfo.Read(
            ElfReader.Read(Gcc.Assemble(".text\n.globl f\n.type f, @function\nf: ret\n.size f, .-f\n", "-g"))
        );
        Assert.False(info.IsEmpty);
        Assert.Empty(info.Layouts);
    }

    private static DebugInfo Read(string source, string? flags = null) =>
        DebugInfo.Read(Gcc.CompileAndRead(source, flags ?? "-O2 " + Gcc.EngineFlags));

    private static StructLayout Layout(string spelling, string source, string? flags = null) =>
        Read(source, flags).Layouts.Single(l => l.Spelling == spelling);

    private static DebugFunction Concrete(DebugInfo info, string name) =>
        info.Functions.Single(f => f.Name == name && f.Location is not null);
}
