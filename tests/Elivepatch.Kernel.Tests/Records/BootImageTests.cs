using System.Buffers.Binary;
using System.IO.Compression;
using Elivepatch.Kernel.Records;
using Elivepatch.Model;
using Xunit;

namespace Elivepatch.Kernel.Tests.Records;

/// <summary>Boot images that were made to do harm.</summary>
public sealed class BootImageTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_kernel_that_unpacks_to_more_than_any_has_is_refused_with_few_words()
    {
        // Half of it is still as much as a server would hold, and a reason of as many bytes several times that.
        var problem = await RefusedAsync(
            Image(stream =>
            {
                stream.Write(Elf(noteSegments: 0, noteLength: 0));
                for (var i = 0; i < 300; i++)
                {
                    stream.Write(new byte[1 << 20]);
                }
            })
        );
        Assert.Equal("the kernel in it has more than 256 MiB", problem.Reason);
    }

    [Fact]
    public async Task What_was_unpacked_of_a_damaged_image_is_not_quoted()
    {
        var image = Image(stream => stream.Write(Enumerable.Range(0, 1 << 20).Select(i => (byte)((i * 7919) >> 5)).ToArray()));
        var problem = await RefusedAsync(image.AsSpan(0, image.Length - 200).ToArray(), length: -200);
        Assert.InRange(problem.Reason.Length, 1, 1000);
    }

    [Theory]
    [InlineData(17, 36)]
    [InlineData(1, (64 << 10) + 4)]
    public async Task Notes_are_not_searched_beyond_what_a_kernel_has(int segments, int length)
    {
        var problem = await RefusedAsync(Image(stream => stream.Write(Elf(segments, length))));
        Assert.Equal("the kernel in it has no build-id", problem.Reason);
    }

    [Theory]
    [InlineData(16, 36)]
    [InlineData(1, 64 << 10)]
    public async Task Notes_are_searched_as_far_as_that(int segments, int length)
    {
        var opened = await BootImage.OpenAsync(Image(stream => stream.Write(Elf(segments, length))), Cancellation);
        Assert.Equal("0102030405060708090a0b0c0d0e0f1011121314", StockKernel.Get(opened).BuildId.Hex);
    }

    [Fact]
    public async Task An_image_larger_than_any_is_refused_before_it_is_looked_at()
    {
        var problem = await RefusedAsync(new byte[BootImage.Largest + 1]);
        Assert.Equal("it has 128 MiB, more than 128", problem.Reason);
    }

    private static async Task<Problem> RefusedAsync(byte[] image, int length = 0)
    {
        if (length < 0)
        {
            BinaryPrimitives.WriteInt32LittleEndian(
                image.AsSpan(0x24c),
                BinaryPrimitives.ReadInt32LittleEndian(image.AsSpan(0x24c)) + length
            );
        }

        var opened = await BootImage.OpenAsync(image, Cancellation);
        Assert.Equal(RecordProblems.BootImageUnreadable, Assert.Single(opened.Problems).Code);
        return opened.Problems[0];
    }

    // A setup of four sectors, and what is compressed behind it (Documentation/arch/x86/boot.rst).
    private static byte[] Image(Action<Stream> write)
    {
        using var payload = new MemoryStream();
        using (var compressed = new GZipStream(payload, CompressionLevel.Fastest, leaveOpen: true))
        {
            write(compressed);
        }

        var image = new byte[(5 * 512) + payload.Length];
        image[0x1f1] = 4;
        "HdrS"u8.CopyTo(image.AsSpan(0x202));
        BinaryPrimitives.WriteUInt16LittleEndian(image.AsSpan(0x206), 0x20f);
        BinaryPrimitives.WriteInt32LittleEndian(image.AsSpan(0x24c), (int)payload.Length);
        payload.ToArray().CopyTo(image, 5 * 512);
        return image;
    }

    // Segments of notes, of which the last one begins with a build-id and the others have none.
    private static byte[] Elf(int noteSegments, int noteLength)
    {
        var start = 64 + (noteSegments * 56);
        var file = new byte[start + (noteLength * 2)];
        new byte[] { 0x7f, (byte)'E', (byte)'L', (byte)'F', 2, 1, 1 }.CopyTo(file, 0);
        BinaryPrimitives.WriteInt64LittleEndian(file.AsSpan(32), 64);
        BinaryPrimitives.WriteUInt16LittleEndian(file.AsSpan(54), 56);
        BinaryPrimitives.WriteUInt16LittleEndian(file.AsSpan(56), (ushort)noteSegments);
        for (var i = 0; i < noteSegments; i++)
        {
            var header = file.AsSpan(64 + (i * 56));
            BinaryPrimitives.WriteUInt32LittleEndian(header, 4);
            BinaryPrimitives.WriteInt64LittleEndian(header[8..], i == noteSegments - 1 ? start + noteLength : start);
            BinaryPrimitives.WriteInt64LittleEndian(header[32..], noteLength);
        }

        if (noteLength > 0)
        {
            byte[] note =
            [
                4,
                0,
                0,
                0,
                20,
                0,
                0,
                0,
                3,
                0,
                0,
                0,
                (byte)'G',
                (byte)'N',
                (byte)'U',
                0,
                .. Enumerable.Range(1, 20).Select(i => (byte)i),
            ];
            note.CopyTo(file, start + noteLength);
        }

        return file;
    }
}
