using Elivepatch.Elf;
using Elivepatch.Elf.Tests;
using Elivepatch.Engine.Architectures.X8664;
using Elivepatch.Engine.Tests.Diff;
using Elivepatch.Engine.Units;
using Xunit;

namespace Elivepatch.Engine.Tests.Units;

public class UnitObjectTests
{
    private const string Source = """
        extern int outside(int);
        extern int array[8];
        static int counter = 7;
        static const char *const names[] = { "one", "two" };
        __attribute__((noinline)) static int inner(int a) { return outside(a) + counter; }
        int first(int a) { array[3] = a; return inner(a) + 1; }
        int second(int a) { counter = a; return names[a & 1][0]; }
        int (*const table[])(int) = { first, second };
        """;

    [Fact]
    public void Functions_and_data_with_names_are_pieces()
    {
        var unit = Patched.Unit(Source);
        Assert.Equal(["first", "inner", "second"], unit.Functions.Select(f => f.Name).Order(StringComparer.Ordinal));
        Assert.Equal(
            ["counter", "names", "table"],
            unit.Pieces.Where(p => p.Kind == PieceKind.Variable).Select(p => p.Name).Order(StringComparer.Ordinal)
        );
        Assert.All(unit.Functions, f => Assert.True(f.HasFtraceEntry));
        Assert.False(Named(unit, "inner").IsGlobal);
        Assert.True(Named(unit, "table").IsConstant);
    }

    [Fact]
    public void A_reference_says_what_is_meant_and_how_it_is_used()
    {
        var unit = Patched.Unit(Source);
        var call = Assert.Single(Named(unit, "first").References, r => r.Piece == Named(unit, "inner"));
        Assert.Equal((ReferenceUse.Branch, true, 0L), (call.Use, call.IsCall, call.Displacement));

        // Three elements behind the symbol, whatever the addend of the relocation corrects for.
        var element = Assert.Single(Named(unit, "first").References, r => r.External?.Name == "array");
        Assert.Equal((12L, true, ReferenceUse.Address), (element.Displacement, element.IsMemoryOperand, element.Use));
        Assert.Equal(
            ["one", "two"],
            Named(unit, "names").References.Select(r => System.Text.Encoding.ASCII.GetString(r.Piece!.Bytes.TrimEnd((byte)0)))
        );
        Assert.All(Named(unit, "names").References, r => Assert.Equal(PieceKind.Literal, r.Piece!.Kind));
        Assert.Equal([Named(unit, "first"), Named(unit, "second")], Named(unit, "table").References.Select(r => r.Piece));
    }

    [Fact]
    public void A_branch_that_the_assembler_solved_within_a_section_is_a_reference_again()
    {
        var unit = Read(
            Gcc.Compile(
                Source
                    + "__attribute__((noinline)) int third(int a) { return outside(a) + 1; } int fourth(int a) { return third(a) + third(a + 1); }",
                Patched.KernelFlags
            )
        );
        var third = unit.Functions.Single(f => f.Name == "third");
        var calls = unit.Functions.Single(f => f.Name == "fourth").References.Where(r => r.Piece == third).ToList();
        Assert.Equal(2, calls.Count);
        Assert.All(calls, c => Assert.Equal((true, 0L, 4), (c.IsCall, c.Displacement, c.Bias)));
    }

    [Fact]
    public void A_cold_part_belongs_to_its_function()
    {
        var unit = Patched.Unit(
            "extern void fail(void) __attribute__((cold)); int f(int a) { if (a == 77) { fail(); fail(); } return a * 3; }"
        );
        var function = Named(unit, "f");
        Assert.Equal((PieceKind.ColdPart, function), (function.Cold!.Kind, function.Cold.Parent));
        Assert.Contains(function.References, r => r.Piece == function.Cold && r.IsInsideFunction);
    }

    [Fact]
    public void An_entry_of_a_table_belongs_to_the_code_that_it_speaks_of()
    {
        const string bug =
            "asm volatile(\"1:\\tud2\\n.pushsection __bug_table,\\\"aw\\\"\\n.long 1b - .\\n.word 12, 3\\n.popsection\");";
        var unit = Patched.Unit(
            $"int f(int a) {{ if (a) {bug} return a; }} int g(int a) {{ return a + 1; }} int h(int a) {{ {bug} {bug} return a; }}"
        );
        Assert.Equal([1, 0, 2], new[] { "f", "g", "h" }.Select(n => Warnings(n).Count()));
        Assert.All(Warnings("h"), e => Assert.Equal(8UL, e.Size));

        IEnumerable<TableEntry> Warnings(string function) =>
            Named(unit, function).Entries.Where(e => e.Table.Name == "__bug_table");
    }

    [Fact]
    public void Padding_in_front_of_an_entry_belongs_to_the_function()
    {
        var unit = Patched.Unit("int f(int a) { return a; } int g(int a) { return a + 1; }", "-fpatchable-function-entry=16,16");
        Assert.All(unit.Functions, f => Assert.Equal(16UL, f.Anchor - f.Start));
    }

    [Theory]
    [InlineData(3UL)]
    [InlineData(ulong.MaxValue)]
    public void A_relocation_that_reaches_beyond_its_section_is_refused(ulong back)
    {
        var elf = ElfReader.Read(Gcc.Compile(Source, Patched.KernelFlags + Gcc.EngineFlags));
        var field = elf.FindSection(".text.first")!.Relocations!.Entries[^1];
        field.Offset = back == ulong.MaxValue ? back : (ulong)elf.FindSection(".text.first")!.Content.Length - back;
        var problem = Assert.Single(UnitObject.Read(X8664Architecture.Instance, "unit.c", elf, null).Problems);
        Assert.Equal(DiffProblems.MalformedObject, problem.Code);
    }

    [Fact]
    public void A_relocation_that_no_instruction_has_a_field_for_is_refused()
    {
        var elf = ElfReader.Read(Gcc.Compile(Source, Patched.KernelFlags + Gcc.EngineFlags));
        elf.FindSection(".text.first")!.Relocations!.Entries[^1].Offset--;
        Assert.Equal(
            DiffProblems.UnreadableCode,
            Assert.Single(UnitObject.Read(X8664Architecture.Instance, "unit.c", elf, null).Problems).Code
        );
    }

    // RESERVE_BRK() of kernels before 5.19.
    [Fact]
    public void Code_that_the_link_drops_is_no_table() =>
        Assert.Single(
            Patched
                .Unit(
                    "int f(int a) { return a; } static void __attribute__((section(\".discard.text\"), used, no_instrument_function)) fn(void) { asm volatile(\"nop\"); }"
                )
                .Functions,
            g => g.Name == "f"
        );

    private static UnitObject Read(byte[] file) =>
        Patched.Value(UnitObject.Read(X8664Architecture.Instance, "unit.c", ElfReader.Read(file), null));

    private static Piece Named(UnitObject unit, string name) => unit.Pieces.Single(p => p.Name == name);
}
