using Elivepatch.Model;
using Elivepatch.Model.Statements;
using Xunit;
using static Elivepatch.Engine.Tests.Diff.Patched;

namespace Elivepatch.Engine.Tests.Diff;

/// <summary>What the running kernel has in memory must mean the same to new code, whatever its type is called.</summary>
public sealed class ChangedTypesTests
{
    private const string Declarations = """
        extern int limit;
        extern void *private_data(int);
        extern void take(void *);
        typedef unsigned long size_type;
        typedef struct { int a, b; } pair_t;
        struct link { struct link *next, *previous; };
        struct head { struct node *first; void *second; };
        struct mark { int a; };
        int used(struct link *l, struct head *h, struct mark *m) { return l->next != l->previous || h->first || m->a; }

        """;

    // Each is one declaration of a variable that use() writes and reads.
    public static TheoryData<int, string, string> Changes { get; } =
        new()
        {
            {
                409,
                "static struct { unsigned long generation; int lock; int key; } v",
                "static struct { int lock; int key; unsigned long generation; } v"
            },
            {
                409,
                "static struct { long next_balance, next_blocked; } v",
                "static struct { long next_blocked, next_balance; } v"
            },
            { 409, "static struct { struct { int a, b; } in[2]; } v", "static struct { struct { int b, a; } in[2]; } v" },
            { 409, "struct { int a, b; } v[4]", "struct { int b, a; } v[4]" },
            {
                409,
                "static union { int a; struct { short low, high; }; } v",
                "static union { int a; struct { short high, low; }; } v"
            },
            { 436, "static struct { int a, b; } *v", "static struct { int b, a; } *v" },
            { 436, "static unsigned long v", "static unsigned char *v" },
            { 436, "static struct link v", "static struct { void *first, *second; } v" },
            { 436, "static struct link v", "static struct head v" },
            { 436, "static struct link *v", "static struct head *v" },
            { 436, "static int *v", "static struct mark *v" },
            { 436, "static int v", "static unsigned v" },
            { 436, "static int v", "static float v" },
            { 436, "static int (*v)(int)", "static int (*v)(long)" },
            { 436, "static void *v[4]", "static unsigned long v[4]" },
            {
                436,
                "__attribute__((section(\".data..percpu\"))) static long v",
                "__attribute__((section(\".data..percpu\"))) static long *v"
            },
        };

    [Theory]
    [MemberData(nameof(Changes))]
    public void Another_type_of_a_variable_is_refused(int number, string before, string after)
    {
        var (global, local) = (Compare(Global(before), Global(after)), Compare(Local(before), Local(after)));

        Assert.Equal([number], global.Numbers());
        Assert.Equal([number], before.StartsWith("static", StringComparison.Ordinal) ? local.Numbers() : [number]);
        Assert.Equal(new(StatementKind.LayoutIsSafe, "unit.c", "v"), Assert.Single(global.Problems).LiftedBy);
        Assert.Empty(
            Compare(
                Global(before),
                Global(after),
                new AuthorStatement(StatementKind.LayoutIsSafe, "unit.c", "v", "it is so")
            ).Problems
        );
    }

    [Fact]
    public void A_static_local_is_stated_with_its_function()
    {
        var (before, after) = (Local("static int v"), Local("static unsigned v"));
        Assert.Equal("use::v", Assert.Single(Compare(before, after).Problems).LiftedBy?.Name);
        Assert.Empty(
            Compare(before, after, new AuthorStatement(StatementKind.LayoutIsSafe, "unit.c", "use::v", "it is so")).Problems
        );
    }

    [Theory]
    [InlineData("static unsigned long v", "static size_type v")]
    [InlineData("static unsigned long v", "static unsigned long long v")]
    [InlineData("static volatile unsigned long v", "static unsigned long v")]
    [InlineData("static const char *v", "static char *v")]
    [InlineData("static signed char v", "static volatile signed char v")]
    [InlineData("static enum { ONE, TWO } v", "static enum { ONE, TWO, THREE } v")]
    [InlineData("static struct { int a; enum { ONE } b; } v", "static struct { int a; enum { ONE, TWO } b; } v")]
    [InlineData("static pair_t v", "static pair_t volatile v")]
    public void The_same_type_otherwise_written_is_no_problem(string before, string after) =>
        Assert.Empty(Compare(Global(before), Global(after).Replace("+ limit", "- limit", StringComparison.Ordinal)).Problems);

    [Fact]
    public void A_changed_type_is_refused_though_its_initialiser_is_left_out()
    {
        var leftOut = new AuthorStatement(StatementKind.LeaveOutInitialiser, "unit.c", "v", "it is so");
        Assert.Equal([436], Compare(Global("static long v = 32"), Global("static long *v"), leftOut).Numbers());
    }

    [Fact]
    public void A_struct_of_a_function_is_compared_where_a_static_has_it()
    {
        const string before =
            "int use(int a) { struct own { int x, y; struct own *next; }; static struct own v; v.x += a; v.y -= a; take(&v); return v.x; }\n";
        const string behind =
            "int use(int a) { struct own { int x, y; }; static struct own *v; if (!v) v = private_data(a); return v->x; }\n";
        foreach (var source in new[] { before, behind })
        {
            Assert.Equal(
                [409],
                Compare(Declarations + source, Declarations + source.Replace("int x, y;", "int y, x;", StringComparison.Ordinal))
                    .Numbers()
            );
        }

        const string automatic = "int use(int a) { struct own { int x, y; } v = { a, limit }; take(&v); return v.x; }\n";
        Assert.Empty(
            Compare(
                Declarations + automatic,
                Declarations + automatic.Replace("int x, y;", "int y, x;", StringComparison.Ordinal)
            ).Problems
        );
    }

    [Theory]
    [InlineData("enum { NONE, ACTIVE, PARKED };", "enum { NONE, PARKED, ACTIVE };", "ACTIVE PARKED")]
    [InlineData("enum { NONE, ACTIVE, PARKED };", "enum { NONE, STOPPED, ACTIVE, PARKED };", "ACTIVE PARKED")]
    [InlineData("enum { NONE, ACTIVE, PARKED };", "enum state { NONE, PARKED, ACTIVE };", "ACTIVE PARKED")]
    [InlineData("enum state { NONE, ACTIVE, PARKED };", "enum status { NONE, PARKED, ACTIVE };", "ACTIVE PARKED")]
    [InlineData("enum { NONE, ACTIVE, PARKED };", "enum { NONE, RUNNING, PARKED };\n#define ACTIVE RUNNING", "ACTIVE")]
    public void Constants_without_a_tag_keep_their_values(string before, string after, string names)
    {
        const string source =
            "\nint use(int *a) { switch (*a) { case ACTIVE: return limit; case PARKED: return 7; } *a = NONE; return 0; }\n";
        var problems = Compare(Declarations + before + source, Declarations + after + source).Problems;
        Assert.All(problems, p => Assert.Equal(409, p.Code.Number));
        Assert.Equal(names, string.Join(' ', problems.Select(p => p.LiftedBy!.Name)));
    }

    [Fact]
    public void A_new_constant_at_the_end_is_no_problem()
    {
        const string before =
            "enum { NONE, ACTIVE };\nint use(int *a) { if (*a == ACTIVE) return limit; *a = NONE; return 0; }\n";
        Assert.Empty(
            Compare(
                Declarations + before,
                Declarations
                    + before
                        .Replace("ACTIVE }", "ACTIVE, PARKED }", StringComparison.Ordinal)
                        .Replace("*a = NONE", "*a = PARKED", StringComparison.Ordinal)
            ).Problems
        );
    }

    private const string Context = """
        struct context { long mask; struct context *next; };
        int poll(int file) { struct context *ctx = private_data(file); return ctx->mask != limit || ctx->next; }
        int open_it(int file) { struct context *ctx = private_data(file); ctx->mask = file; return 0; }

        """;

    [Theory]
    [InlineData("fresh *ctx", "struct fresh { long generation, mask; struct fresh *next; };")]
    [InlineData("fresh *c", "struct fresh { long generation, mask; struct fresh *next; };")]
    [InlineData("fresh *ctx", "struct fresh { struct fresh *next; long mask; };")]
    [InlineData("fresh *ctx", "struct context { long mask; } unused; struct fresh { struct fresh *next; long mask; };")]
    public void A_struct_of_another_name_and_layout_is_refused(string pointer, string type)
    {
        var problem = Assert.Single(
            Compare(Declarations + Context, Declarations + Renamed(pointer, type)).Problems,
            p => p.Reason.Contains("fresh", StringComparison.Ordinal)
        );
        Assert.Equal(409, problem.Code.Number);
        Assert.Equal("struct context", problem.LiftedBy!.Name);
        Assert.Contains("struct context becomes struct fresh", problem.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void A_struct_behind_a_cast_is_seen_too()
    {
        const string before =
            "struct context { long mask; };\nint poll(int file) { return ((struct context *)private_data(file))->mask != limit; }\n";
        Assert.Equal(
            [409],
            Compare(
                    Declarations + before,
                    Declarations
                        + before
                            .Replace("context {", "fresh { long generation;", StringComparison.Ordinal)
                            .Replace("context *", "fresh *", StringComparison.Ordinal)
                )
                .Numbers()
        );
    }

    [Theory]
    [InlineData("int *")]
    [InlineData("struct { long generation, mask; } *")]
    public void A_struct_of_which_only_the_pointer_is_left_is_refused(string type)
    {
        const string before =
            "struct context { long mask; };\nint poll(int file) { struct context *ctx = private_data(file); take(ctx); return limit; }\n";
        var after = before
            .Replace("struct context { long mask; };", "", StringComparison.Ordinal)
            .Replace("struct context *", type, StringComparison.Ordinal);
        Assert.Equal([409], Compare(Declarations + before, Declarations + after).Numbers());
    }

    [Fact]
    public void A_mere_rename_is_no_problem()
    {
        var after = Renamed("fresh *ctx", "struct fresh { long mask; struct fresh *next; };");
        var diff = Compare(Declarations + Context, Declarations + after.Replace("!= limit", "> limit", StringComparison.Ordinal));
        Assert.Empty(diff.Problems);
        Assert.Equal(["poll"], diff.Changed());
    }

    [Fact]
    public void A_variable_of_a_renamed_struct_is_the_same()
    {
        var before =
            "struct old_mark { int a; struct old_mark *next; };\nstatic struct old_mark *v;\nint use(int a) { v->a += a; take(&v); return v->next != 0; }\n";
        Assert.Empty(
            Compare(
                Declarations + before,
                Declarations + before.Replace("old_mark", "new_mark", StringComparison.Ordinal)
            ).Problems
        );
        Assert.NotEmpty(
            Compare(
                Declarations + before,
                Declarations
                    + before
                        .Replace("int a;", "int a, b;", StringComparison.Ordinal)
                        .Replace("old_mark", "new_mark", StringComparison.Ordinal)
            ).Problems
        );
    }

    [Fact]
    public void Structs_that_come_or_go_alone_are_no_problem()
    {
        var with = Declarations + Context;
        var without = Declarations + "int poll(int file) { return limit; }\nint open_it(int file) { return 0; }\n";
        Assert.Empty(Compare(with, without).Problems);
        Assert.Empty(Compare(without, with).Problems);
    }

    [Theory]
    [InlineData("typedef struct mark *handle;", "typedef struct link *handle;")]
    [InlineData("typedef int handle;", "typedef long handle;")]
    public void A_typedef_that_leads_elsewhere_is_refused(string before, string after)
    {
        const string source = "\nint use(int a) { handle *h = private_data(a); take(h); return *h != 0; }\n";
        var problem = Assert.Single(Compare(Declarations + before + source, Declarations + after + source).Problems);
        Assert.Equal(409, problem.Code.Number);
        Assert.Equal("handle", problem.LiftedBy!.Name);
    }

    [Fact]
    public void A_variable_of_another_unit_keeps_its_type()
    {
        const string before = "extern long total;\nint use(int a) { return total > a; }\n";
        Assert.Equal(
            [436],
            Compare(Declarations + before, Declarations + "extern int *total;\nint use(int a) { return *total > a; }\n").Numbers()
        );
    }

    private static string Renamed(string pointer, string type) =>
        Context
            .Replace("struct context { long mask; struct context *next; };", type, StringComparison.Ordinal)
            .Replace("context *ctx", pointer, StringComparison.Ordinal)
            .Replace("ctx->", pointer.Split('*')[1] + "->", StringComparison.Ordinal);

    private static string Global(string declaration) =>
        $"{Declarations}{declaration};\nint use(int a) {{ take((void *)&v); return a + limit; }}\n";

    private static string Local(string declaration) =>
        $"{Declarations}int use(int a) {{ {declaration}; take((void *)&v); return a + limit; }}\n";
}
