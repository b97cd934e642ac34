using System.Formats.Tar;
using System.IO.Compression;
using System.Text;
using Elivepatch.Model;
using Elivepatch.Protocol.Captures;

namespace Elivepatch.Protocol.Tests.Captures;

public sealed class CaptureFileTests
{
    private const string Json =
        """{"format":1,"release":"6.12.1","buildId":"0123456789abcdef","compiler":"gcc","machine":"x86_64","kernelVersionText":"Linux"}""";

    [Theory]
    [InlineData("../config", "x")]
    [InlineData("/etc/passwd", "x")]
    [InlineData("capture.json", "{}")]
    [InlineData("capture.json", "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[")]
    [InlineData(
        "capture.json",
        """{"format":2,"release":"6.12.1","buildId":"0123456789abcdef","compiler":"","machine":"","kernelVersionText":""}"""
    )]
    [InlineData(
        "capture.json",
        """{"format":1,"release":"../../x","buildId":"0123456789abcdef","compiler":"","machine":"","kernelVersionText":""}"""
    )]
    [InlineData(
        "capture.json",
        """{"format":1,"release":null,"buildId":null,"compiler":"","machine":"","kernelVersionText":"","modules":null}"""
    )]
    public void A_hostile_capture_is_refused(string name, string text)
    {
        var stream = Archive([(name, text), ("config", "x"), ("kallsyms", "x")]);
        Assert.Equal(CaptureProblems.CaptureUnreadable, CaptureFile.Read(stream).Problems[0].Code);
    }

    [Fact]
    public void A_bomb_is_refused()
    {
        var stream = Archive([("capture.json", Json), ("config", new string('x', 5 << 20)), ("kallsyms", "x")]);
        Assert.Equal(CaptureProblems.CaptureUnreadable, CaptureFile.Read(stream).Problems[0].Code);
    }

    [Theory]
    [InlineData('x', 0x7fff_ffffL)]
    [InlineData('x', 0x7f00_0000L)]
    [InlineData('g', 0x7f00_0000L)]
    [InlineData('L', 0x7f00_0000L)]
    [InlineData('K', 0x1_0000_0000L)]
    [InlineData('5', 0L)]
    [InlineData('2', 0L)]
    public void No_room_is_made_for_what_is_no_file_of_a_capture(char type, long length)
    {
        var archive = Compress(Header("capture.json", length, type));
        Assert.InRange(Allocated(() => Assert.Equal("it has a member that is not a file", Refused(archive))), 0, 1 << 20);
    }

    [Fact]
    public void A_capture_that_unpacks_to_more_than_any_has_is_refused_before_it_is_unpacked()
    {
        var archive = Compress([.. Header("kallsyms", KernelLimits.SymbolsRead + 1, '0'), .. new byte[1 << 20]]);
        Assert.InRange(Allocated(() => Refused(archive)), 0, 1 << 20);
    }

    [Fact]
    public void What_is_unpacked_is_there_once()
    {
        const int Length = 16 << 20;
        var archive = Archive([("capture.json", Json), ("config", "x"), ("kallsyms", new string('\n', Length))]);
        Assert.InRange(Allocated(() => Assert.True(CaptureFile.Read(archive).Succeeded)), Length, Length + (1 << 20));
    }

    [Fact]
    public void The_configuration_is_read_without_the_symbols()
    {
        var archive = Archive([("capture.json", Json), ("config", "CONFIG_X=y\n"), ("kallsyms", new string('\n', 16 << 20))]);
        var config = ReadOnlyMemory<byte>.Empty;
        Assert.InRange(Allocated(() => config = CaptureFile.ReadConfig(archive).Value), 0, 1 << 20);
        Assert.Equal("CONFIG_X=y\n", Encoding.ASCII.GetString(config.Span));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(100)]
    [InlineData(-1)]
    public void A_capture_that_ends_early_is_refused_as_one(int length)
    {
        var whole = Archive([("capture.json", Json), ("config", "x"), ("kallsyms", "x")]).ToArray();
        var read = CaptureFile.Read(new MemoryStream(length < 0 ? whole[..^30] : whole[..length]));
        Assert.Equal((CaptureProblems.CaptureUnreadable, "it ends early"), (read.Problems[0].Code, read.Problems[0].Reason));
    }

    [Fact]
    public void Damaged_captures_give_problems_and_nothing_else()
    {
        var original = Archive([("capture.json", Json), ("config", "x"), ("kallsyms", "x")]).ToArray();
        var random = new Random(3);
        for (var round = 0; round < 500; round++)
        {
            var bytes = (byte[])original.Clone();
            bytes[random.Next(bytes.Length)] ^= (byte)random.Next(1, 256);
            using var stream = new MemoryStream(bytes, 0, random.Next(bytes.Length + 1));
            _ = CaptureFile.Read(stream).Succeeded;
        }
    }

    private static string Refused(Stream archive)
    {
        var problem = CaptureFile.Read(archive).Problems[0];
        Assert.Equal(CaptureProblems.CaptureUnreadable, problem.Code);
        return problem.Reason;
    }

    private static long Allocated(Action action)
    {
        var before = GC.GetAllocatedBytesForCurrentThread();
        action();
        return GC.GetAllocatedBytesForCurrentThread() - before;
    }

    private static byte[] Header(string name, long length, char type)
    {
        var header = new byte[512];
        Encoding.ASCII.GetBytes(name).CopyTo(header, 0);
        Encoding.ASCII.GetBytes(Convert.ToString(length, 8).PadLeft(11, '0')).CopyTo(header, 124);
        header[156] = (byte)type;
        "ustar\000"u8.CopyTo(header.AsSpan(257));
        header.AsSpan(148, 8).Fill((byte)' ');
        Encoding.ASCII.GetBytes(Convert.ToString(header.Sum(b => b), 8).PadLeft(6, '0') + "\0").CopyTo(header, 148);
        return header;
    }

    private static MemoryStream Compress(byte[] archive)
    {
        var stream = new MemoryStream();
        using (var compressed = new GZipStream(stream, CompressionLevel.Fastest, leaveOpen: true))
        {
            compressed.Write(archive);
        }

        stream.Position = 0;
        return stream;
    }

    private static MemoryStream Archive((string Name, string Text)[] members)
    {
        var stream = new MemoryStream();
        using (var compressed = new GZipStream(stream, CompressionLevel.Fastest, leaveOpen: true))
        using (var writer = new TarWriter(compressed))
        {
            foreach (var (name, text) in members)
            {
                writer.WriteEntry(
                    new UstarTarEntry(TarEntryType.RegularFile, name)
                    {
                        DataStream = new MemoryStream(Encoding.ASCII.GetBytes(text)),
                    }
                );
            }
        }
        stream.Position = 0;
        return stream;
    }
}
