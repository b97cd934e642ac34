using Elivepatch.Elf;
using Elivepatch.Elf.Tests;
using Elivepatch.Engine.Relocate;
using Elivepatch.Engine.Tests.Diff;
using Xunit;

namespace Elivepatch.Engine.Tests.Relocate;

public sealed class ColdPartsTests
{
    // Function and cold part in one section, as Combine lays them, and everything that can refer to the latter.
    private const string Source = """
        .section .text.f, "ax", @progbits
        .globl f
        .type f, @function
        f:  test %edi, %edi
            js f.cold
            ret
            .size f, . - f
            nop
        .type f.cold, @function
        f.cold:
            call rare
            ret
            .size f.cold, . - f.cold
        .section .text.other, "ax", @progbits
        .type other, @function
        other: jmp f.cold + 5
            .size other, . - other
        .section .orc_unwind_ip, "a", @progbits
            .long f.cold - .
            .long .text.f + 6 - .

        """;

    [Fact]
    public void A_cold_part_becomes_part_of_its_function()
    {
        var elf = Patched.Value(ColdParts.Join(ElfReader.Read(Gcc.Assemble(Source))));

        var f = Assert.Single(elf.Symbols, s => s.Name.StartsWith("f", StringComparison.Ordinal));
        Assert.Equal(("f", f.Section!.Size), (f.Name, f.Size));
        Assert.Equal(ElfSymbolBinding.Global, f.Binding);
        Assert.DoesNotContain(
            elf.RelocationSections.SelectMany(s => s.Entries),
            r => r.Symbol is { } s && !elf.Symbols.Contains(s)
        );
    }

    [Fact]
    public void What_refers_to_the_cold_part_goes_on_doing_so()
    {
        var elf = ElfReader.Read(Gcc.Assemble(Source));
        var targets = Targets(elf);

        // The assembler writes the section's symbol; newer objtool may not.
        var cold = elf.Symbols.Single(s => s.Name == "f.cold");
        foreach (
            var relocation in elf.RelocationSections.SelectMany(s => s.Entries).Where(r => r.Symbol?.Section == cold.Section)
        )
        {
            relocation.Symbol = cold;
            relocation.Addend -= (long)cold.Value;
        }

        Assert.Equal(targets, Targets(Patched.Value(ColdParts.Join(elf))));
    }

    [Theory]
    [InlineData("    nop\n", "    nop\n    stranger: nop\n")]
    [InlineData("f.cold:\n", "f.cold: stranger:\n")]
    [InlineData(".type f.cold", ".section .text.unlikely, \"ax\", @progbits\n.type f.cold")]
    [InlineData(".type f,", ".type g,")]
    public void A_cold_part_that_does_not_lie_behind_its_function_alone_is_an_error(string text, string instead)
    {
        var source = Source.Replace(text, instead, StringComparison.Ordinal);
        Assert.NotEqual(Source, source);

        Assert.Equal(
            LinkProblems.LinkedModuleChanged,
            Assert.Single(ColdParts.Join(ElfReader.Read(Gcc.Assemble(source))).Problems).Code
        );
    }

    private static List<(string?, ulong)> Targets(ElfObject elf) =>
        [
            .. elf
                .RelocationSections.SelectMany(s => s.Entries)
                .Where(r => r.Symbol is { IsDefined: true })
                .Select(r => (r.Symbol!.Section!.Name, unchecked(r.Symbol.Value + (ulong)r.Addend))),
        ];
}
