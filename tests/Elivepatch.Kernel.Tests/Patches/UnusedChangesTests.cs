using System.Text;
using Elivepatch.Kernel.Patches;
using Xunit;

namespace Elivepatch.Kernel.Tests.Patches;

public sealed class UnusedChangesTests
{
    private const string Unit = """
        struct page { int count; };
        struct unused { int a; struct page *page; };
        enum colour { RED, GREEN };
        extern int printk(const char *fmt, ...) __attribute__((__format__(printf, 1, 2)));
        extern int never(struct page *page);
        static inline __attribute__((__gnu_inline__)) __attribute__((__unused__)) int inner(int x) { return x + 1; }
        static inline int used(int x) { return inner(x) * 2; }
        static inline int spare(int x) { return inner(x) * 3; }
        static inline int spare_too(int x) { return spare(x) + spare(1); }
        static struct page page = { .count = 1 };
        int f(int a) { printk("x"); return used(a) + page.count; }

        """;

    [Theory]
    // White space, what is never used, what only that uses, what is new and not used.
    [InlineData("", "")]
    [InlineData("return inner(x) * 3;", "return   inner(x)\n * 3;")]
    [InlineData("spare(x) + spare(1)", "spare(x)")]
    [InlineData("int a; struct page *page;", "int a; struct page *page; long b;")]
    [InlineData("extern int never(struct page *page);", "extern long never(struct page *page, int more);")]
    [InlineData("extern int never(struct page *page);", "")]
    [InlineData("RED, GREEN", "RED, GREEN, BLUE")]
    [InlineData(
        "static struct page",
        "static inline int fresh(void) { return used(1); }\nextern void also(void);\nstruct other { int x; };\nstatic struct page"
    )]
    public void What_a_unit_does_not_use_is_told(string old, string now) => Assert.True(AreAll(old, now));

    [Theory]
    // Used by what is used or by what is not, a type of something that is there, a variable, a function of its own, a constant.
    [InlineData("return x + 1;", "return x + 2;")]
    [InlineData("inner(x) * 3", "inner(x) * 4")]
    [InlineData("return inner(x) * 2;", "return inner(x) * 5;")]
    [InlineData("{ int count; }", "{ int flags; int count; }")]
    [InlineData(".count = 1", ".count = 2")]
    [InlineData("int f(int a)", "int g(void) { return 1; }\nint f(int a)")]
    [InlineData("int f(int a)", "static int g(void) { return 1; }\nint f(int a)")]
    [InlineData("printk(\"x\")", "printk(\"y\")")]
    [InlineData("extern int printk(", "extern long printk(")]
    [InlineData("static struct page", "struct unused two = { 1 };\nstatic struct page")]
    [InlineData("static struct page", "extern int name; asm(\".globl x\");\nstatic struct page")]
    [InlineData("static struct page", "static inline __attribute__((used)) int kept(void) { return 1; }\nstatic struct page")]
    [InlineData("static struct page", "struct with { int x; } variable = { 1 };\nstatic struct page")]
    [InlineData("static struct page", "#pragma pack(1)\nstatic struct page")]
    [InlineData("static struct page", "}\nstatic struct page")]
    [InlineData("static struct page", "int open(\nstatic struct page")]
    public void What_may_change_its_code_is_left_to_the_compiler(string old, string now) => Assert.False(AreAll(old, now));

    // Each pair makes other code, as GCC 12 shows, though no plain mention tells it.
    [Theory]
    [InlineData(
        "static inline int f(int a, int b) { return a++ + b; }\nint g(int a, int b) { return f(a, b); }",
        "a++ + b",
        "a + ++b"
    )]
    [InlineData("extern int foo asm(\"bar\");\nint g(void) { return foo; }", "\"bar\"", "\"baz\"")]
    [InlineData("register unsigned long sp asm(\"rsp\");\nunsigned long g(void) { return sp; }", "rsp", "rbp")]
    [InlineData("int g(void) { return 1; }", "int g", "unsigned long (y);\nint g")]
    [InlineData("typedef int type;\nint g(void) { return 1; }", "int g", "const type (y);\nint g")]
    [InlineData("const typedef int (foo_t);\nfoo_t g(foo_t x) { return x; }", "int (foo_t)", "long (foo_t)")]
    [InlineData("char *p = (char[]){1,2,3,4,5,6,7,8} + sizeof(short);", "short", "int")]
    [InlineData(
        "static inline void u(void) { extern void foo(void) __attribute__((noreturn)); foo(); }\nvoid foo(void);\nint g(void) { foo(); return 1; }",
        " __attribute__((noreturn))",
        ""
    )]
    [InlineData(
        "static inline void u(void) { void foo(void) __attribute__((noreturn)); foo(); }\nvoid foo(void);\nint g(void) { foo(); return 1; }",
        " __attribute__((noreturn))",
        ""
    )]
    [InlineData(
        "int resolve(void) { return 1; }",
        "int resolve",
        "int foo(void) __attribute__((__ifunc__(\"resolve\")));\nint resolve"
    )]
    [InlineData(
        "static inline int foo(void) { return 1; }\nint g(void) __attribute__((alias(\"fo\" \"o\")));",
        "return 1",
        "return 2"
    )]
    [InlineData(
        "static inline int foo(void) { return 1; }\nint g(void) __attribute__((alias(\"\\146oo\")));",
        "return 1",
        "return 2"
    )]
    [InlineData(
        "int foo(void) __attribute__((aligned(sizeof(struct bar { int x; }))));\nlong g(void) { return sizeof(struct bar); }",
        "int x",
        "long x"
    )]
    [InlineData("static inline __attribute__((__copy__(ctor))) int foo(void) { return 1; }", "return 1", "return 2")]
    [InlineData(
        "static inline void u(void) {\n#pragma pack(1)\n}\nstruct s { char c; long l; };\nlong g(void) { return sizeof(struct s); }",
        "pack(1)",
        "pack(2)"
    )]
    [InlineData(
        "struct unused {\n#pragma pack(1)\n int x; };\nstruct s { char c; long l; };\nlong g(void) { return sizeof(struct s); }",
        "pack(1)",
        "pack(2)"
    )]
    [InlineData("extern int k;\nstatic inline void u(void) {\n#pragma weak a=h\n}\nint h(void) { return 1; }", "a=h", "a=k")]
    [InlineData("int g(int x) {\n#pragma foo\nx++;\nreturn x; }", "foo\nx++", "foo x++")]
    [InlineData(
        "static inline void u(void) { _Noreturn void foo(void); foo(); }\nvoid foo(void);\nint g(void) { foo(); return 1; }",
        "_Noreturn ",
        ""
    )]
    [InlineData("extern int __const__ (y);\nlong g(void) { return y; }", "int", "long")]
    [InlineData("int g(void) { return 1; }", "int g", "int __signed__ (y);\nint g")]
    [InlineData("int g(void) { return 1; }", "int g", "unsigned __int128 (y);\nint g")]
    [InlineData(
        "static int w(void) __attribute__((weakref(\"fo\" \"o\")));\nstatic inline int foo(void) { return 1; }\nint g(void) { return w(); }",
        "return 1",
        "return 2"
    )]
    [InlineData(
        "int g(void) __attribute__((alias\n(\"fo\" \"o\")));\nint z;\nstatic inline int foo(void) { return 1; }\nint y;",
        "return 1",
        "return 2"
    )]
    [InlineData(
        "int z;\nstatic inline int foo(void) { return 1; }\nint y;\nint g(void) __attribute__((alias\t(\"fo\" \"o\")));",
        "return 1",
        "return 2"
    )]
    [InlineData(
        "unsigned long g(char *p, char *q) { strcpy(p, q); return strlen(p); }",
        "unsigned long g",
        "char *stpcpy(char *, const char *);\nunsigned long g"
    )]
    [InlineData(
        "unsigned long g(const char *s) { return __builtin_strlen(s); }",
        "unsigned long g",
        "static inline unsigned long strlen(const char *s) { return 5; }\nunsigned long g"
    )]
    [InlineData(
        "struct unused { struct inner <% int x; %> a; };\nlong g(void) { return sizeof(struct inner); }",
        "int x",
        "long x"
    )]
    [InlineData(
        "static inline int u(void) {\n#pragma foo don't\nreturn 1; }\nint g(void) { return u();\n#pragma foo don't\n}",
        "return 1",
        "return 2"
    )]
    [InlineData(
        "static inline int u(void) { return 1; }\nconst char *a = R\"( \"')\"; int g(void) { return u(); } const char *b = R\"('\" )\";",
        "return 1",
        "return 2"
    )]
    public void What_has_no_plain_form_is_left_to_the_compiler(string unit, string old, string now) =>
        Assert.False(UnusedChanges.AreAll(Bytes(unit), Bytes(unit.Replace(old, now, StringComparison.Ordinal))));

    // What surrounds a change by megabytes is not cut into declarations, and must be seen all the same.
    [Theory]
    [InlineData("", true)]
    [InlineData("int user(void) { return spare(1); }\n", false)]
    [InlineData("asm(\"call spare\");\n", false)]
    [InlineData("int despared(int x);\n", true)]
    [InlineData("int g(void) __attribute__((alias(\"spa\" \"re\")));\n", false)]
    public void What_lies_far_from_a_change_may_use_it(string far, bool isUnused)
    {
        foreach (var unit in (string[])[far + Unit, Unit + far])
        {
            Assert.Equal(
                isUnused,
                UnusedChanges.AreAll(
                    Bytes(
                        unit.Replace("inner(x) * 3", "inner(x) * 33", StringComparison.Ordinal)
                            .Replace(
                                "static inline int spare_too(int x) { return spare(x) + spare(1); }\n",
                                "",
                                StringComparison.Ordinal
                            )
                    ),
                    Bytes(
                        unit.Replace("inner(x) * 3", "inner(x) * 44", StringComparison.Ordinal)
                            .Replace(
                                "static inline int spare_too(int x) { return spare(x) + spare(1); }\n",
                                "",
                                StringComparison.Ordinal
                            )
                    )
                )
            );
        }
    }

    [Fact]
    public void A_text_that_is_large_without_need_is_left_to_the_compiler()
    {
        var text = Bytes(new string(';', 400_000));
        Assert.False(UnusedChanges.AreAll(text, [.. text, (byte)';']));
    }

    [Fact]
    public void A_name_in_a_string_counts_as_used()
    {
        var unit = Unit + "asm(\"call spare\");\n";
        Assert.False(
            UnusedChanges.AreAll(Bytes(unit), Bytes(unit.Replace("inner(x) * 3", "inner(x) * 4", StringComparison.Ordinal)))
        );
    }

    [Fact]
    public void A_constant_of_an_enum_that_is_used_counts()
    {
        var unit = Unit + "int g(void) { return GREEN; }\n";
        Assert.False(
            UnusedChanges.AreAll(Bytes(unit), Bytes(unit.Replace("RED, GREEN", "BLUE, RED, GREEN", StringComparison.Ordinal)))
        );
    }

    [Fact]
    public void An_enum_inside_of_a_struct_is_no_part_of_it()
    {
        var unit = Unit.Replace("int a; struct page", "enum { ONE = 1 } a; struct page", StringComparison.Ordinal);
        Assert.False(UnusedChanges.AreAll(Bytes(unit), Bytes(unit.Replace("ONE = 1", "ONE = 2", StringComparison.Ordinal))));
    }

    [Fact]
    public void Text_that_is_no_list_of_declarations_is_left_to_the_compiler()
    {
        foreach (var text in (string[])["", "\"", "'", "{", "(", ")", "a", "\"\\", "int x;;;", new string('{', 100_000)])
        {
            _ = UnusedChanges.AreAll(Bytes(text), Bytes(text + "int x;"));
        }

        Assert.False(UnusedChanges.AreAll(Bytes("{"), Bytes("{{")));
    }

    private static bool AreAll(string old, string now)
    {
        Assert.Contains(old, Unit, StringComparison.Ordinal);
        return UnusedChanges.AreAll(
            Bytes(Unit),
            Bytes(old.Length == 0 ? Unit : Unit.Replace(old, now, StringComparison.Ordinal))
        );
    }

    private static byte[] Bytes(string text) => Encoding.ASCII.GetBytes(text);
}
