using Elivepatch.Elf.Dwarf;
using Xunit;

namespace Elivepatch.Elf.Tests;

public sealed class SignatureTests
{
    [Theory]
    [InlineData("int f(int a) { return a; }", "int f(int)")]
    [InlineData("void *f(const char *const name, unsigned long x) { return 0; }", "void *f(const char *, long unsigned int)")]
    [InlineData("int f(const char *format, ...) { return *format; }", "int f(const char *, ...)")]
    [InlineData("void f(void) { }", "void f(void)")]
    [InlineData("int f(int (*call)(void *, long), int list[4]) { return *list; }", "int f(int (*)(void *, long int), int *)")]
    [InlineData("__attribute__((noreturn)) void f(int a) { for (;;) ; }", "void f(int) noreturn")]
    [InlineData("int f(int); int f(int a) { return a; }", "int f(int)")]
    [InlineData(
        "typedef unsigned short u16; typedef u16 umode_t; umode_t f(umode_t mode) { return mode; }",
        "short unsigned int f(short unsigned int)"
    )]
    public void A_signature_is_spelled_as_C_does(string source, string spelling) =>
        Assert.Equal(spelling, SignatureOf(source).Declare("f"));

    [Fact]
    public void A_clone_has_the_signature_of_the_source()
    {
        var info = DebugInfo.Read(
            Gcc.CompileAndRead(
                """
                extern void sink(int);
                static __attribute__((noinline)) int half(int x, int y) { for (int i = 0; i < x; i++) sink(i + y); return x / 2; }
                int host(int a) { return half(a, 7) + half(a + 1, 7); }
                """,
                "-O2 " + Gcc.EngineFlags
            )
        );
        Assert.Equal(
            "int half(int, int)",
            info.Functions.Single(f => f.Name == "half" && f.Location is not null).Signature!.Declare("half")
        );
    }

    [Theory]
    [InlineData("int f(int a)", "int f(int b)")]
    [InlineData("int f(int a)", "int f(const int a)")]
    [InlineData("int f(char *a)", "int f(const char *a)")]
    [InlineData("const char *f(void)", "char *f(void)")]
    [InlineData("typedef int number; int f(number a)", "int f(int a)")]
    [InlineData("int f(int a)", "__attribute__((noreturn)) int f(int a)")]
    [InlineData("struct s { int x; }; int f(struct s *a)", "struct s { int x, y; }; int f(struct s *a)")]
    public void A_caller_is_still_right(string before, string after) => Assert.Null(Difference(before, after));

    [Theory]
    [InlineData("int f(int a)", "int f(int a, int b)", "1 parameters become 2")]
    [InlineData("int f(int a, char *b)", "int f(char *b, int a)", "parameter 1 was int, now it is char *")]
    [InlineData("int f(int a)", "long f(int a)", "the result was int, now it is long int")]
    [InlineData("int f(int a)", "int f(int a, ...)", "variable arguments were added")]
    [InlineData("int f(const char *a)", "int f(char *a)", "parameter 1 was const char *, now it is char *")]
    [InlineData("char *f(void)", "const char *f(void)", "the result was char *, now it is const char *")]
    [InlineData("int f(char **a)", "int f(const char **a)", "parameter 1 was char **, now it is const char **")]
    [InlineData(
        "typedef int key; int f(key a)",
        "typedef unsigned long key; int f(key a)",
        "parameter 1 was int, now it is long unsigned int"
    )]
    [InlineData(
        "struct s { int x; }; int f(struct s *a)",
        "struct t { int x; }; int f(struct t *a)",
        "parameter 1 was struct s *, now it is struct t *"
    )]
    [InlineData(
        "struct s { int x; }; int f(struct s a)",
        "struct s { long x; }; int f(struct s a)",
        "parameter 1 of type struct s is passed by value and has another layout in memory"
    )]
    [InlineData(
        "struct u { int x; }; struct s { struct u u[2]; }; int f(struct s a)",
        "struct u { long x; }; struct s { struct u u[2]; }; int f(struct s a)",
        "parameter 1 of type struct s is passed by value and has another layout in memory"
    )]
    [InlineData(
        "enum e { A }; int f(enum e a)",
        "enum e { A = 0x100000000 }; int f(enum e a)",
        "parameter 1 of type enum e is passed by value and has another layout in memory"
    )]
    [InlineData(
        "typedef struct { int x; } t; t f(void)",
        "typedef struct { short x, y; } t; t f(void)",
        "the result of type t is passed by value and has another layout in memory"
    )]
    [InlineData("__attribute__((noreturn)) void f(void)", "void f(void)", "it returns, and did not before")]
    public void A_caller_is_wrong_now(string before, string after, string difference) =>
        Assert.Equal(difference, Difference(before, after));

    // A body that cannot return suits every signature.
    private static string? Difference(string before, string after) =>
        SignatureOf(after + " { for (;;) ; }").DifferenceFrom(SignatureOf(before + " { for (;;) ; }"));

    private static FunctionSignature SignatureOf(string source) =>
        DebugInfo.Read(Gcc.CompileAndRead(source, "-O2 " + Gcc.EngineFlags)).Functions.Single(f => f.Name == "f").Signature!;
}
