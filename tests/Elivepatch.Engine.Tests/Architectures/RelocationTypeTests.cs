using Elivepatch.Elf;
using Elivepatch.Engine.Architectures;
using Elivepatch.Engine.Architectures.X8664;
using Xunit;

namespace Elivepatch.Engine.Tests.Architectures;

public class RelocationTypeTests
{
    // Fields of processors' psABIs: x86-64 PC32 and 64, arm64 CALL26, MOVW_UABS_G0 and ADR_PREL_LO21's upper part, ppc64 REL24
    // and 16.
    public static TheoryData<int, ulong, int, bool> Fields =>
        new()
        {
            { 4, 0xffffffff, 0, true },
            { 8, ulong.MaxValue, 0, false },
            { 4, 0x03ffffff, 2, true },
            { 4, 0x001fffe0, 0, false },
            { 4, 0x00ffffe0, 2, true },
            { 4, 0x03fffffc, 2, true },
            { 2, 0xffff, 0, false },
            { 1, 0xff, 0, true },
        };

    [Theory]
    [MemberData(nameof(Fields))]
    public void What_is_written_into_a_field_is_read_from_it_and_nothing_else_changes(
        int size,
        ulong mask,
        int shift,
        bool isSigned
    )
    {
        RelocationType type = new(1, "R")
        {
            Size = size,
            Mask = mask,
            Shift = shift,
            IsSigned = isSigned,
            IsKnown = true,
        };
        var bits = System.Numerics.BitOperations.PopCount(mask);
        foreach (var order in Enum.GetValues<ElfByteOrder>())
        {
            foreach (var fill in new byte[] { 0, 0xff, 0xa5 })
            {
                foreach (
                    var number in new[]
                    {
                        0L,
                        1,
                        5,
                        (1L << (bits - 1)) - 1,
                        isSigned ? -1 : 2,
                        isSigned ? -(1L << (bits - 1)) : 3,
                    }
                )
                {
                    byte[] before = [.. Enumerable.Repeat(fill, size)],
                        field = [.. before];
                    type.Write(field, order, unchecked((ulong)(number << shift)));
                    Assert.Equal(unchecked((ulong)(number << shift)), type.ValueIn(field, order));
                    Assert.True(type.AreEqualOutside(field, before, order));
                    type.Clear(field, order);
                    Assert.Equal(0UL, type.ValueIn(field, order));
                    Assert.True(type.AreEqualOutside(field, before, order));
                }
            }
        }
    }

    [Fact]
    public void A_bit_outside_of_the_mask_is_a_difference()
    {
        RelocationType type = new(1, "R")
        {
            Size = 4,
            Mask = 0x03ffffff,
            IsKnown = true,
        };
        Assert.False(type.AreEqualOutside([0x04, 0, 0, 0], [0, 0, 0, 0], ElfByteOrder.BigEndian));
        Assert.True(type.AreEqualOutside([0x03, 0xff, 0xff, 0xff], [0, 0, 0, 0], ElfByteOrder.BigEndian));
        Assert.False(type.AreEqualOutside([0, 0, 0, 0x04], [0, 0, 0, 0], ElfByteOrder.LittleEndian));
    }

    [Fact]
    public void A_field_at_the_end_of_its_section_is_in_it_and_one_behind_is_not()
    {
        Assert.True(X8664Relocations.Pc32.FitsInto(4, 8));
        Assert.False(X8664Relocations.Pc32.FitsInto(5, 8));
        Assert.False(X8664Relocations.Absolute64.FitsInto(ulong.MaxValue, 8));
        Assert.True(X8664Architecture.Instance.TypeOf(0).FitsInto(8, 8));
    }

    // arm64's ADRP with an ADD, and ppc64's @ha with @l, whose low part is signed.
    public static TheoryData<RelocationType, RelocationType> Halves =>
        new()
        {
            {
                new(1, "page")
                {
                    Size = 4,
                    Mask = 0x00ffffe0,
                    Shift = 12,
                    IsPcRelative = true,
                    IsSigned = true,
                    IsKnown = true,
                    Part = RelocationPart.High,
                    PartBits = 12,
                },
                new(2, "low")
                {
                    Size = 4,
                    Mask = 0x003ffc00,
                    IsKnown = true,
                    Part = RelocationPart.Low,
                    PartBits = 12,
                }
            },
            {
                new(1, "ha")
                {
                    Size = 2,
                    Mask = 0xffff,
                    Shift = 16,
                    IsSigned = true,
                    IsKnown = true,
                    Part = RelocationPart.High,
                    PartBits = 16,
                    IsRounded = true,
                },
                new(2, "l")
                {
                    Size = 2,
                    Mask = 0xffff,
                    IsSigned = true,
                    IsKnown = true,
                    Part = RelocationPart.Low,
                    PartBits = 16,
                }
            },
        };

    [Theory]
    [MemberData(nameof(Halves))]
    public void Two_halves_make_an_address_that_neither_determines(RelocationType high, RelocationType low)
    {
        foreach (var address in new ulong[] { 0x1000, 0x1fff, 0x2345_7fff, 0x2345_8000, 0x2345_ffff, 0x3fff_0000 })
        {
            const ulong place = 0x0123_4568;
            byte[] first = new byte[4],
                second = new byte[4];
            high.Write(first, ElfByteOrder.LittleEndian, high.ValueOf(address, place));
            low.Write(second, ElfByteOrder.LittleEndian, low.ValueOf(address, place));
            Assert.Equal(
                address,
                unchecked(
                    high.PartIn(first, ElfByteOrder.LittleEndian, place) + low.PartIn(second, ElfByteOrder.LittleEndian, place)
                )
            );
            Assert.Equal(high.PartOf(address), high.PartIn(first, ElfByteOrder.LittleEndian, place));
            Assert.Null(high.Solve(first, ElfByteOrder.LittleEndian, place, 0));
            Assert.Null(low.Solve(second, ElfByteOrder.LittleEndian, place, 0));
        }
    }

    // System V psABI for x86-64, table "Relocation Types".
    [Theory]
    [InlineData(1, "R_X86_64_64", 8, false)]
    [InlineData(2, "R_X86_64_PC32", 4, true)]
    [InlineData(4, "R_X86_64_PLT32", 4, true)]
    [InlineData(10, "R_X86_64_32", 4, false)]
    [InlineData(11, "R_X86_64_32S", 4, false)]
    [InlineData(24, "R_X86_64_PC64", 8, true)]
    public void A_type_of_the_psABI_is_known(uint number, string name, int size, bool isPcRelative)
    {
        var type = X8664Architecture.Instance.TypeOf(number);
        Assert.Equal((name, size, isPcRelative, true), (type.Name, type.Size, type.IsPcRelative, type.IsKnown));
    }

    [Theory]
    [InlineData(9)]
    [InlineData(36)]
    [InlineData(4711)]
    public void Another_type_has_no_formula(uint number)
    {
        var type = X8664Architecture.Instance.TypeOf(number);
        Assert.False(type.IsKnown);
        Assert.Null(type.Solve(new byte[16], ElfByteOrder.LittleEndian, 0, 0));
    }
}
