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
    [InlineData("static struct page", "static inline int fresh(void) { return used(1); }\nextern void also(void);\nstruct other { int x; };\nstatic struct page")]
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
    [InlineData("static inline int f(int a, int b) { return a++ + b; }\nint g(int a, int b) { return f(a, b); }", "a++ + b", "a + ++b")]
    [InlineData("extern int foo asm(\"bar\");\nint g(void) { return foo; }", "\"bar\"", "\"baz\"")]
    [InlineData("register unsigned long sp asm(\"rsp\");\nunsigned long g(void) { return sp; }", "rsp", "rbp")]
    [InlineData("int g(void) { return 1; }", "int g", "unsigned long (y);\nint g")]
    [InlineData("typedef int type;\nint g(void) { return 1; }", "int g", "const type (y);\nint g")]
    [InlineData("const typedef int (foo_t);\nfoo_t g(foo_t x) { return x; }", "int (foo_t)", "long (foo_t)")]
    [InlineData("char *p = (char[]){1,2,3,4,5,6,7,8} + sizeof(short);", "short", "int")]
    [InlineData("static inline void u(void) { extern void foo(void) __attribute__((noreturn)); foo(); }\nvoid foo(void);\nint g(void) { foo(); return 1; }", " __attribute__((noreturn))", "")]
    [InlineData("static inline void u(void) { void foo(void) __attribute__((noreturn)); foo(); }\nvoid foo(void);\nint g(void) { foo(); return 1; }", " __attribute__((noreturn))", "")]
    [InlineData("int resolve(void) { return 1; }", "int resolve", "int foo(void) __attribute__((__ifunc__(\"resolve\")));\nint resolve")]
    [InlineData("static inline int foo(void) { return 1; }\nint g(void) __attribute__((alias(\"fo\" \"o\")));", "return 1", "return 2")]
    [InlineData("static inline int foo(void) { return 1; }\nint g(void) __attribute__((alias(\"\\146oo\")));", "return 1", "return 2")]
    [InlineData("int foo(void) __attribute__((aligned(sizeof(struct bar { int x; }))));\nlong g(void) { return sizeof(struct bar); }", "int x", "long x")]
    [InlineData("static inline __attribute__((__copy__(ctor))) int foo(void) { return 1; }", "return 1", "return 2")]
    public void What_has_no_plain_form_is_left_to_the_compiler(string unit, string old, string now) =>
        Assert.False(UnusedChanges.AreAll(Bytes(unit), Bytes(unit.Replace(old, now, StringComparison.Ordinal))));

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
        Assert.False(UnusedChanges.AreAll(Bytes(unit), Bytes(unit.Replace("inner(x) * 3", "inner(x) * 4", StringComparison.Ordinal))));
    }

    [Fact]
    public void A_constant_of_an_enum_that_is_used_counts()
    {
        var unit = Unit + "int g(void) { return GREEN; }\n";
        Assert.False(UnusedChanges.AreAll(Bytes(unit), Bytes(unit.Replace("RED, GREEN", "BLUE, RED, GREEN", StringComparison.Ordinal))));
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
            _ = UnusedChanges.AreAll(Bytes(text), Bytes(text + "int x;"));
        Assert.False(UnusedChanges.AreAll(Bytes("{"), Bytes("{{")));
    }

    private static bool AreAll(string old, string now)
    {
        Assert.Contains(old, Unit, StringComparison.Ordinal);
        return UnusedChanges.AreAll(Bytes(Unit), Bytes(old.Length == 0 ? Unit : Unit.Replace(old, now, StringComparison.Ordinal)));
    }

    private static byte[] Bytes(string text) => Encoding.ASCII.GetBytes(text);
}
