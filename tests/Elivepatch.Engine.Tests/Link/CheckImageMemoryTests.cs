using Elivepatch.Engine.Diff;
using Elivepatch.Engine.Escape;
using Elivepatch.Engine.Facts;
using Elivepatch.Engine.Link;
using Elivepatch.Engine.Tests.Fidelity;
using Elivepatch.Model;
using Elivepatch.Model.Explanations;
using Xunit;
using static Elivepatch.Engine.Tests.Diff.Patched;

namespace Elivepatch.Engine.Tests.Link;

public sealed class CheckImageMemoryTests
{
    private const string Unit = """
        struct thing { const char *name; unsigned long place; };
        extern void kfree_const(const void *), keep(const void *);
        extern char __start_rodata[], __end_rodata[];
        extern unsigned long phys_base;
        static char old[64];
        void release(struct thing *t) { FREE; }
        void f(struct thing *t) { t->place++; }
        unsigned long g(struct thing *t) { return t->place + phys_base; }

        """;

    [Theory]
    [InlineData("kfree_const(t->name)", EscapeWay.Stored, true)]
    [InlineData("keep(t->name < __start_rodata ? 0 : t->name)", EscapeWay.Stored, true)]
    [InlineData("kfree_const(t->name)", null, false)]
    [InlineData("keep(t->name)", EscapeWay.Stored, false)]
    public void A_constant_that_is_kept_where_constants_are_told_apart_by_their_place_is_refused(
        string free,
        EscapeWay? way,
        bool isRefused
    )
    {
        var unit = Unit.Replace("FREE", free, StringComparison.Ordinal);
        var patched = unit.Replace("t->place++", "t->name = \"none\"", StringComparison.Ordinal);
        AddressEscape[] escapes = way is { } w ? [new("f", "\"none\"", AddressKind.Literal, w, null, ".text.f+0x4")] : [];

        var problems = Run(unit, patched, escapes);

        Assert.Equal(isRefused ? [515] : [], problems.Select(p => p.Code.Number));
        Assert.All(
            problems,
            p =>
                Assert.Contains(
                    "f stores the address of the literal \"none\", and release uses",
                    p.Reason,
                    StringComparison.Ordinal
                )
        );
    }

    [Theory]
    [InlineData("(unsigned long)fresh + phys_base", true)]
    [InlineData("(unsigned long)&fresh[t->place] + phys_base", true)]
    [InlineData("(unsigned long)fresh + 0x80000000UL + phys_base", true)] // as __pa() does
    [InlineData("(unsigned long)(t->place ? fresh : (char *)t->name) + 0x80000000UL + phys_base", true)]
    [InlineData("(unsigned long)old + phys_base", false)] // the kernel's own
    [InlineData("(keep(fresh), t->place + phys_base)", true)] // it may come back
    [InlineData("((t->name = fresh + 8), (unsigned long)t->name + phys_base)", true)]
    [InlineData("((t->name = (char *)&table), t->place + phys_base)", false)] // addresses, for the kernel alone
    [InlineData("(keep(__func__), t->place + phys_base)", false)]
    [InlineData("(unsigned long)&table + phys_base", true)]
    [InlineData("(unsigned long)&table + 0x80000000UL + phys_base", true)]
    [InlineData("(unsigned long)&table[t->place] + phys_base", true)]
    [InlineData("fresh[3] + phys_base", false)] // only read
    [InlineData("(unsigned long)fresh", false)]
    public void The_physical_address_of_a_new_variable_is_refused(string value, bool isRefused)
    {
        var unit = Unit.Replace("FREE", "keep(old)", StringComparison.Ordinal);
        var patched = unit.Replace("t->place + phys_base", value, StringComparison.Ordinal)
            .Replace(
                "static char old[64];",
                "static char old[64]; static char fresh[64]; static void (*const table[])(const void *) = { keep, keep }; void set(int a) { fresh[a] = 1; }",
                StringComparison.Ordinal
            );

        Assert.Equal(isRefused ? [515] : [], Run(unit, patched).Select(p => p.Code.Number));
    }

    private static IReadOnlyList<Problem> Run(string before, string after)
    {
        var kernel = FakeKernel.Of(
            "unsigned long phys_base; void keep(const void *p) { asm volatile(\"\" : : \"r\" (p)); }\n",
            before
        );
        var unit = new LinkUnit(Value(Include.Run(Compare(before, after))), Value(kernel.Check(before)));
        var combine = Value(
            Combine.Start(
                [unit],
                new(ExportedSymbols.Parse("0x00000001\t__fentry__\tvmlinux\tEXPORT_SYMBOL\t\n"u8).Value, kernel.Objects)
            )
        );
        return CheckImageMemory.Run([unit], combine.FindEscapes(Value(ResolvePatched.Run([unit]))));
    }

    private static IReadOnlyList<Problem> Run(string before, string after, AddressEscape[] escapes) =>
        CheckImageMemory.Run(
            [new(Value(Include.Run(Compare(before, after))), null!)],
            new(escapes, IsComplete: true, HoldsModule: null) { Computed = new HashSet<(string, string)>() }
        );
}
