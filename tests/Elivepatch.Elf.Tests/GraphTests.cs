using Xunit;

namespace Elivepatch.Elf.Tests;

public class GraphTests
{
    // x86-64 psABI, section 4.4.
    private const uint Absolute64 = 1,
        Plt32 = 4;

    [Fact]
    public void A_relocation_refers_to_the_symbol_of_the_called_function()
    {
        var elf = Gcc.CompileAndRead("extern int g(int); int f(int x) { return g(x) + 1; }", "-O2 -ffunction-sections");
        var text = elf.FindSection(".text.f")!;
        var call = Assert.Single(text.Relocations!.Entries);
        Assert.Same(elf.FindSymbol("g"), call.Symbol);
        Assert.Equal(ElfSymbolPlace.Undefined, call.Symbol!.Place);
        Assert.Equal(Plt32, call.Type);
        Assert.Equal(-4, call.Addend);
        Assert.Same(text, text.Relocations.Target);
        Assert.Same(text, elf.FindSymbol("f")!.Section);
    }

    [Theory]
    [InlineData(ElfByteOrder.LittleEndian, "little endian")]
    [InlineData(ElfByteOrder.BigEndian, "big endian")]
    public void A_file_is_written_and_read_in_its_byte_order(ElfByteOrder order, string said)
    {
        ElfObject elf = new() { Order = order, Machine = 22 };
        ElfSection text = new(".text", ElfSectionType.ProgBits)
        {
            Content = new byte[8],
            Flags = ElfSectionFlags.Alloc | ElfSectionFlags.Execute,
        };
        ElfSymbol symbol = new("callee") { Binding = ElfSymbolBinding.Global };
        text.Relocations = new ElfRelocationSection(".rela.text", text);
        text.Relocations.Entries.Add(new ElfRelocation(4, 20, symbol, -2));
        elf.Sections.AddRange([text, text.Relocations]);
        elf.Symbols.Add(symbol);

        var file = ElfWriter.Write(elf);
        var read = ElfReader.Read(file);
        Assert.Equal((order, (ushort)22), (read.Order, read.Machine));
        Assert.Equal(ModelText.Of(elf), ModelText.Of(read));

        // What another tool says of the same bytes.
        var shown = Gcc.Inspect(file, "readelf", "-hrW");
        Assert.Contains(said, shown);
        Assert.Contains("IBM S/390", shown);
        Assert.Contains("R_390_PLT32DBL", shown);
        Assert.Contains("callee - 2", shown);
    }

    [Fact]
    public void Weak_and_common_symbols_keep_what_they_are()
    {
        var elf = Gcc.CompileAndRead(
            "int common; __attribute__((weak)) int w(void) { return 1; } extern int u __attribute__((weak)); int *p = &u;",
            "-O2 -fcommon"
        );
        Assert.Equal((ElfSymbolPlace.Common, 4UL), (elf.FindSymbol("common")!.Place, elf.FindSymbol("common")!.Size));
        Assert.Equal((ElfSymbolBinding.Weak, true), (elf.FindSymbol("w")!.Binding, elf.FindSymbol("w")!.IsDefined));
        Assert.Equal(
            (ElfSymbolBinding.Weak, ElfSymbolPlace.Undefined),
            (elf.FindSymbol("u")!.Binding, elf.FindSymbol("u")!.Place)
        );
    }

    [Fact]
    public void A_comdat_group_knows_its_signature_and_members()
    {
        var elf = ElfReader.Read(
            Gcc.Assemble(
                """
                .section .text.f,"axG",@progbits,f,comdat
                .weak f
                f: call g
                .section .data.f,"awG",@progbits,f,comdat
                .quad f
                """
            )
        );
        var group = Assert.Single(elf.Sections.OfType<ElfGroupSection>());
        Assert.Equal(1u, group.GroupFlags);
        Assert.Same(elf.FindSymbol("f"), group.Signature);
        Assert.Equal(
            [".data.f", ".rela.data.f", ".rela.text.f", ".text.f"],
            group.Members.Select(m => m.Name).Order(StringComparer.Ordinal)
        );
    }

    [Fact]
    public void A_section_in_link_order_refers_to_the_section_it_follows()
    {
        var elf = Gcc.CompileAndRead("int f(void) { return 1; }", "-O2 -ffunction-sections -fpatchable-function-entry=2");
        var entries = elf.FindSection("__patchable_function_entries")!;
        Assert.True(entries.Has(ElfSectionFlags.LinkOrder));
        Assert.Same(elf.FindSection(".text.f"), entries.Link);
    }

    [Fact]
    public void Livepatch_relocations_are_not_the_ordinary_ones_of_their_target()
    {
        var elf = Gcc.CompileAndRead("extern int g(int); int f(int x) { return g(x) + 1; }", "-O2 -ffunction-sections");
        var text = elf.FindSection(".text.f")!;
        var call = text.Relocations!.Entries[0];
        text.Relocations.Entries.Clear();
        ElfSymbol symbol = new(".klp.sym.vmlinux.g,1") { Binding = ElfSymbolBinding.Global, Place = ElfSymbolPlace.Livepatch };
        ElfRelocationSection livepatch = new(".klp.rela.vmlinux..text.f", text);
        livepatch.Flags |= ElfSectionFlags.Alloc | ElfSectionFlags.RelaLivepatch;
        livepatch.Entries.Add(new ElfRelocation(call.Offset, call.Type, symbol, call.Addend));
        elf.Symbols.Add(symbol);
        elf.Sections.Add(livepatch);

        var file = ElfWriter.Write(elf);
        var read = ElfReader.Read(file);
        var section = (ElfRelocationSection)read.FindSection(".klp.rela.vmlinux..text.f")!;
        Assert.Same(read.FindSection(".text.f"), section.Target);
        Assert.Equal(".rela.text.f", section.Target.Relocations!.Name);
        Assert.Equal(ElfSymbolPlace.Livepatch, section.Entries[0].Symbol!.Place);
        Assert.Contains("OS [0xff20] .klp.sym.vmlinux.g,1", Gcc.Inspect(file, "readelf", "-sW"));
    }

    [Fact]
    public void Two_relocation_sections_of_one_target_are_both_kept()
    {
        var elf = Gcc.CompileAndRead("extern int g(int); int f(int x) { return g(x) + 1; }", "-O2 -ffunction-sections");
        var text = elf.FindSection(".text.f")!;
        ElfRelocationSection second = new(".rela.more", text);
        second.Entries.Add(new ElfRelocation(0, 0, null, 7));
        elf.Sections.Add(second);
        var read = ElfReader.Read(ElfWriter.Write(elf));
        Assert.Equal(
            [".rela.text.f", ".rela.more"],
            read.RelocationSections.Where(r => r.Target.Name == ".text.f").Select(r => r.Name)
        );
        Assert.Equal(".rela.text.f", read.FindSection(".text.f")!.Relocations!.Name);
    }

    [Fact]
    public void Seventy_thousand_sections_keep_their_symbols()
    {
        const int count = 70_000;
        ElfObject elf = new();
        for (var i = 0; i < count; i++)
        {
            ElfSection section = new($".text.f{i}", ElfSectionType.ProgBits) { Content = BitConverter.GetBytes(i) };
            elf.Sections.Add(section);
            elf.Symbols.Add(
                new ElfSymbol($"f{i}")
                {
                    Place = ElfSymbolPlace.Section,
                    Section = section,
                    Binding = ElfSymbolBinding.Global,
                }
            );
        }
        var file = ElfWriter.Write(elf);
        var read = ElfReader.Read(file);
        Assert.Equal(ModelText.Of(elf), ModelText.Of(read));
        Assert.Same(read.Sections[^1], read.FindSymbol($"f{count - 1}")!.Section);
        var header = Gcc.Inspect(file, "readelf", "-hW");
        Assert.Contains($"0 ({count + 5})", header);
        Assert.DoesNotContain("Warning", header);
    }

    [Fact]
    public void Seventy_thousand_sections_of_the_assembler_are_read()
    {
        var source = string.Concat(Enumerable.Range(0, 70_000).Select(i => $".section .s{i},\"a\"\nv{i}: .byte 1\n"));
        var file = Gcc.Assemble(source);
        var elf = ElfReader.Read(file);
        Assert.Equal(".s69999", elf.FindSymbol("v69999")!.Section!.Name);
        Assert.Equal(".s12", elf.FindSymbol("v12")!.Section!.Name);
        RoundTripTests.AssertSurvives(file);
    }

    [Fact]
    public void A_reserved_section_index_is_kept()
    {
        ElfObject elf = new();
        elf.Symbols.Add(
            new ElfSymbol("large")
            {
                Place = ElfSymbolPlace.Reserved,
                ReservedIndex = 0xff02,
                Binding = ElfSymbolBinding.Global,
            }
        );
        var read = ElfReader.Read(ElfWriter.Write(elf)).Symbols[0];
        Assert.Equal((ElfSymbolPlace.Reserved, 0xff02), (read.Place, read.ReservedIndex));
    }

    [Fact]
    public void Locals_are_written_first_and_the_order_is_kept_otherwise()
    {
        ElfObject elf = new();
        foreach (var name in (string[])["G1", "l1", "G2", "l2"])
        {
            elf.Symbols.Add(new ElfSymbol(name) { Binding = name[0] == 'l' ? ElfSymbolBinding.Local : ElfSymbolBinding.Global });
        }

        Assert.Equal(["l1", "l2", "G1", "G2"], ElfReader.Read(ElfWriter.Write(elf)).Symbols.Select(s => s.Name));
        Assert.Equal(["G1", "l1", "G2", "l2"], elf.Symbols.Select(s => s.Name));
    }

    [Fact]
    public void Sections_of_the_same_name_stay_apart()
    {
        ElfObject elf = new();
        elf.Sections.Add(new ElfSection(".text", ElfSectionType.ProgBits) { Content = [1] });
        elf.Sections.Add(new ElfSection(".text", ElfSectionType.ProgBits) { Content = [2] });
        Assert.Equal([1, 2], ElfReader.Read(ElfWriter.Write(elf)).Sections.Select(s => (int)s.Content[0]));
    }

    [Fact]
    public void Bytes_after_the_end_such_as_a_signature_are_no_error()
    {
        var file = Gcc.Compile("int f(void) { return 1; }");
        byte[] signed = [.. file, .. "signature~Module signature appended~\n"u8];
        Assert.Equal(file.Length, ElfReader.Read(signed).FileLength);
        Assert.Equal(ModelText.Of(ElfReader.Read(file)), ModelText.Of(ElfReader.Read(signed)));
    }

    [Fact]
    public void A_linked_image_without_symbols_has_sections_with_addresses()
    {
        var file = Gcc.LinkProgram(Gcc.Compile("int x = 5; void _start(void) { x++; }", "-O2 -fno-pic"), "-s", "-static");
        var elf = ElfReader.Read(file);
        Assert.Equal(ElfFileType.Executable, elf.FileType);
        Assert.Empty(elf.Symbols);
        var text = elf.FindSection(".text")!;
        Assert.InRange(elf.Entry, text.Address, text.Address + text.Size);
        Assert.Equal([5, 0, 0, 0], elf.FindSection(".data")!.Content);
        Assert.Throws<ElfFormatException>(() => ElfWriter.Write(elf));
    }

    [Fact]
    public void A_linked_image_can_carry_the_relocations_it_was_linked_with()
    {
        var file = Gcc.LinkProgram(
            Gcc.Compile("int x = 5; int *p = &x; void _start(void) { x++; }", "-O2 -fno-pic"),
            "--emit-relocs",
            "-static"
        );
        var elf = ElfReader.Read(file);
        var data = elf.FindSection(".data")!;
        Assert.Contains(data.Relocations!.Entries, r => r.Type == Absolute64);
    }
}
