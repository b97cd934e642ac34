using System.Buffers.Binary;
using Xunit;

namespace Elivepatch.Elf.Tests;

public sealed class ElfImageTests
{
    private static ReadOnlySpan<byte> Owner => "GNU\0"u8;

    [Theory]
    [InlineData(ElfByteOrder.LittleEndian)]
    [InlineData(ElfByteOrder.BigEndian)]
    public void Segments_and_their_notes_are_read_in_the_byte_order_of_the_file(ElfByteOrder order)
    {
        var file = File(order);

        var image = ElfImage.Read(file)!;

        Assert.Equal((order, (ushort)22), (image.Order, image.Machine));
        Assert.Equal([new(ElfSegmentType.Load, 0, 232), new(ElfSegmentType.Note, 176, 56)], image.Segments);
        Assert.Equal([0xab, 0xcd, 0x01], ElfNotes.Find(ElfImage.ContentOf(file, image.Segments[1]), Owner, 3, order).ToArray());
        Assert.Empty(
            ElfNotes
                .Find(
                    ElfImage.ContentOf(file, image.Segments[1]),
                    Owner,
                    3,
                    order == ElfByteOrder.BigEndian ? ElfByteOrder.LittleEndian : ElfByteOrder.BigEndian
                )
                .ToArray()
        );
        Assert.Empty(ElfNotes.Find(ElfImage.ContentOf(file, image.Segments[1]), Owner, 4, order).ToArray());
    }

    [Fact]
    public void A_program_of_this_machine_is_read()
    {
        var image = ElfImage.Read(System.IO.File.ReadAllBytes("/bin/tar"))!;
        Assert.Contains(image.Segments, s => s.Type == ElfSegmentType.Interpreter);
        Assert.Contains(image.Segments, s => s.Type == ElfSegmentType.Load);
    }

    [Fact]
    public void A_file_that_is_cut_or_changed_anywhere_is_read_or_refused_and_nothing_else()
    {
        var file = File(ElfByteOrder.LittleEndian);
        for (var i = 0; i < file.Length; i++)
        {
            Visit(file.AsSpan(0, i));
            foreach (var value in (byte[])[0, 1, 0x7f, 0xff])
            {
                byte[] changed = [.. file];
                changed[i] = value;
                Visit(changed);
            }
        }

        Assert.Null(ElfImage.Read(file.AsSpan(0, 170)));
        Assert.Null(ElfImage.Read([]));
    }

    [Fact]
    public void A_segment_that_runs_over_the_end_of_the_file_has_no_content()
    {
        var file = File(ElfByteOrder.LittleEndian);
        Assert.Empty(ElfImage.ContentOf(file, new(ElfSegmentType.Note, 200, 33)).ToArray());
        Assert.Empty(ElfImage.ContentOf(file, new(ElfSegmentType.Note, ulong.MaxValue, 2)).ToArray());
        Assert.Equal(32, ElfImage.ContentOf(file, new(ElfSegmentType.Note, 200, 32)).Length);
    }

    private static void Visit(ReadOnlySpan<byte> file)
    {
        foreach (var segment in ElfImage.Read(file)?.Segments ?? [])
        {
            _ = ElfNotes.Find(ElfImage.ContentOf(file, segment), Owner, 3, ElfByteOrder.LittleEndian);
        }
    }

    // A header, two program headers and three notes, the last of them a build-id of three bytes.
    private static byte[] File(ElfByteOrder order)
    {
        var file = new byte[232];
        "\u007fELF\u0002"u8.CopyTo(file);
        file[5] = (byte)order;
        Short(18, 22);
        Wide(32, 64);
        Short(54, 56);
        Short(56, 2);
        Segment(64, ElfSegmentType.Load, 0, 232);
        Segment(120, ElfSegmentType.Note, 176, 56);
        Note(176, "Xen\0"u8, 3, [7, 7]);
        Note(196, Owner, 1, []);
        Note(212, Owner, 3, [0xab, 0xcd, 0x01]);
        return file;

        void Short(int at, ushort value)
        {
            if (order == ElfByteOrder.BigEndian)
            {
                BinaryPrimitives.WriteUInt16BigEndian(file.AsSpan(at), value);
            }
            else
            {
                BinaryPrimitives.WriteUInt16LittleEndian(file.AsSpan(at), value);
            }
        }

        void Word(int at, uint value)
        {
            if (order == ElfByteOrder.BigEndian)
            {
                BinaryPrimitives.WriteUInt32BigEndian(file.AsSpan(at), value);
            }
            else
            {
                BinaryPrimitives.WriteUInt32LittleEndian(file.AsSpan(at), value);
            }
        }

        void Wide(int at, uint value) => Word(order == ElfByteOrder.BigEndian ? at + 4 : at, value);

        void Segment(int at, ElfSegmentType type, uint offset, uint size)
        {
            Word(at, (uint)type);
            Wide(at + 8, offset);
            Wide(at + 32, size);
        }

        void Note(int at, ReadOnlySpan<byte> owner, uint type, ReadOnlySpan<byte> descriptor)
        {
            Word(at, (uint)owner.Length);
            Word(at + 4, (uint)descriptor.Length);
            Word(at + 8, type);
            owner.CopyTo(file.AsSpan(at + 12));
            descriptor.CopyTo(file.AsSpan(at + 16));
        }
    }
}
