using System.Buffers.Binary;
using Xunit;

namespace Elivepatch.Elf.Tests;

/// <summary>What is wrong with a file or a model is said by the name of its structure.</summary>
public class RefusalTests
{
    /// <summary>
    /// Section 1 of this object is .text, 2 its relocations; both, as all indexes here, as <see cref="ElfWriter"/> numbers them.
    /// </summary>
    private static readonly byte[] s_file = ElfWriter.Write(Model());

    [Theory]
    [InlineData(0, 1, 0x7e, "not an ELF file")]
    [InlineData(4, 1, 1, "not a 64-bit ELF file")]
    [InlineData(5, 1, 3, "not a 64-bit ELF file")]
    [InlineData(5, 1, 2, "file header")]
    [InlineData(16, 2, 4, "e_type")]
    [InlineData(20, 4, 2, "e_version")]
    [InlineData(40, 8, -1, "section header 0")]
    [InlineData(40, 8, 0, "without section headers")]
    [InlineData(52, 2, 52, "e_ehsize")]
    [InlineData(56, 2, 1, "program headers")]
    [InlineData(58, 2, 40, "e_shentsize")]
    [InlineData(60, 2, 60000, "do not fit")]
    [InlineData(60, 2, 0xff00, "reserved")]
    [InlineData(62, 2, 1, "e_shstrndx")]
    [InlineData(62, 2, 0xff00, "reserved")]
    public void A_wrong_file_header_is_refused(int offset, int size, long value, string reason) =>
        AssertRefused(Changed(offset, size, value), reason);

    [Theory]
    [InlineData(1, 0, 4, 5000, "section name table")]
    [InlineData(1, 24, 8, -1, "section 1")]
    [InlineData(1, 32, 8, -1, "section 1")]
    [InlineData(1, 48, 8, 3, "power of two")]
    [InlineData(1, 40, 4, 99, "sh_link")]
    [InlineData(1, 4, 4, 9, "without addend")]
    [InlineData(2, 40, 4, 1, "no symbol table")]
    [InlineData(2, 44, 4, 99, "sh_info")]
    [InlineData(2, 44, 4, 2, "which has no content")]
    [InlineData(2, 56, 8, 16, "Elf64_Rela")]
    [InlineData(3, 44, 4, 99, "symbol 99")]
    [InlineData(3, 56, 8, 8, "not a section group")]
    [InlineData(4, 40, 4, 1, "which is no StringTable")]
    [InlineData(4, 44, 4, 0, "wrong side of sh_info")]
    [InlineData(4, 44, 4, 99, "sh_info is 99")]
    [InlineData(4, 56, 8, 16, "Elf64_Sym")]
    [InlineData(1, 4, 4, 2, "symbol table")]
    [InlineData(1, 4, 4, 18, "extended section indexes")]
    public void A_wrong_section_header_is_refused(int section, int field, int size, long value, string reason) =>
        AssertRefused(Changed(HeaderOf(section) + field, size, value), reason);

    [Theory]
    [InlineData(0, 4, 5000, "symbol name table")]
    [InlineData(6, 2, 99, "defined in section 99")]
    [InlineData(6, 2, 4, "does not exist or is a table")]
    [InlineData(6, 2, 0xffff, "absent")]
    public void A_wrong_symbol_is_refused(int field, int size, long value, string reason) =>
        AssertRefused(Changed(ContentOf(4) + 24 + field, size, value), reason);

    [Theory]
    [InlineData(0, 8, 5000, "offset 0x1388 is outside .text")]
    [InlineData(0, 8, -4, "is outside .text")]
    [InlineData(12, 4, 99, "symbol 99")]
    public void A_wrong_relocation_is_refused(int field, int size, long value, string reason) =>
        AssertRefused(Changed(ContentOf(2) + field, size, value), reason);

    [Fact]
    public void A_group_member_that_is_no_section_is_refused() => AssertRefused(Changed(ContentOf(3) + 4, 4, 99), "member");

    [Fact]
    public void A_name_without_end_is_refused()
    {
        byte[] file = [.. s_file];
        var end = ContentOf(6) + (int)BinaryPrimitives.ReadUInt64LittleEndian(file.AsSpan(HeaderOf(6) + 32));
        file[end - 1] = (byte)'x';
        BinaryPrimitives.WriteUInt32LittleEndian(file.AsSpan(HeaderOf(1)), (uint)(end - 1 - ContentOf(6)));
        AssertRefused(file, "has no end");
    }

    [Fact]
    public void A_model_with_a_reference_that_leads_out_of_it_is_not_written()
    {
        AssertNotWritten(elf => elf.Symbols.Clear(), "not among the symbols");
        AssertNotWritten(elf => elf.Sections.RemoveAt(0), "not among the sections");
        AssertNotWritten(elf => elf.Sections.RemoveAt(1), "not among the sections");
        AssertNotWritten(elf => elf.Sections[0].Link = new ElfSection("gone", ElfSectionType.ProgBits), "not among the sections");
        AssertNotWritten(elf => elf.Sections.Add(elf.Sections[0]), "twice");
        AssertNotWritten(elf => elf.Symbols.Add(elf.Symbols[0]), "twice");
    }

    [Fact]
    public void A_model_that_contradicts_itself_is_not_written()
    {
        AssertNotWritten(elf => elf.FileType = ElfFileType.Executable, "only relocatable");
        AssertNotWritten(elf => elf.Symbols[0].Name = "a\0b", "U+0000");
        AssertNotWritten(elf => elf.Symbols[0].Name = "\u20ac", "U+20AC");
        AssertNotWritten(elf => elf.Symbols[0].Place = ElfSymbolPlace.Absolute, "its place");
        AssertNotWritten(elf => elf.Sections[0].Alignment = 3, "power of two");
        AssertNotWritten(elf => elf.Sections[0].Content = [], "outside .text");
        AssertNotWritten(elf => elf.Sections[0].Type = ElfSectionType.SymbolTable, "holds indexes");
        AssertNotWritten(elf => elf.Sections[0].Type = ElfSectionType.NoBits, "content");
        AssertNotWritten(elf => elf.Sections[1].Info = 3, "sh_info");
        AssertNotWritten(elf => elf.Sections[1].EntrySize = 3, "entry size");
    }

    private static ElfObject Model()
    {
        ElfObject elf = new();
        ElfSection text = new(".text", ElfSectionType.ProgBits) { Content = new byte[8] };
        ElfSymbol symbol = new("f") { Place = ElfSymbolPlace.Section, Section = text };
        text.Relocations = new ElfRelocationSection(".rela.text", text);
        text.Relocations.Entries.Add(new ElfRelocation(4, 2, symbol, -4));
        ElfGroupSection group = new(".group") { Signature = symbol };
        group.Members.Add(text);
        elf.Sections.AddRange([text, text.Relocations, group]);
        elf.Symbols.Add(symbol);
        return elf;
    }

    private static int HeaderOf(int section) => (int)BinaryPrimitives.ReadUInt64LittleEndian(s_file.AsSpan(40)) + section * 64;

    private static int ContentOf(int section) =>
        (int)BinaryPrimitives.ReadUInt64LittleEndian(s_file.AsSpan(HeaderOf(section) + 24));

    private static byte[] Changed(int offset, int size, long value)
    {
        byte[] file = [.. s_file],
            bytes = BitConverter.GetBytes(value);
        bytes.AsSpan(0, size).CopyTo(file.AsSpan(offset));
        return file;
    }

    private static void AssertRefused(byte[] file, string reason) =>
        Assert.Contains(reason, Assert.Throws<ElfFormatException>(() => ElfReader.Read(file)).Message);

    private static void AssertNotWritten(Action<ElfObject> change, string reason)
    {
        var elf = Model();
        change(elf);
        Assert.Contains(reason, Assert.Throws<ElfFormatException>(() => ElfWriter.Write(elf)).Message);
    }
}
