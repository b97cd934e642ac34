using System.Formats.Tar;
using System.IO.Compression;
using System.Text;
using Elivepatch.Engine;
using Elivepatch.Engine.Facts;
using Elivepatch.Kernel.Records;
using Xunit;

namespace Elivepatch.Kernel.Tests.Records;

public sealed class CaptureFileTests
{
    private const string Json =
        """{"format":1,"release":"6.12.1","buildId":"0123456789abcdef","compiler":"gcc","machine":"x86_64","kernelVersionText":"Linux"}""";

    private static readonly byte[] Notes =
        [4, 0, 0, 0, 20, 0, 0, 0, 3, 0, 0, 0, (byte)'G', (byte)'N', (byte)'U', 0, .. Enumerable.Range(1, 20).Select(i => (byte)i)];

    [Fact]
    public void What_is_written_is_read_again()
    {
        using var root = new TemporaryCache();
        var capture = StockKernel.Get(Machine(root.FullPath).Take());
        using var stream = new MemoryStream();
        capture.Write(stream);
        stream.Position = 0;
        var again = StockKernel.Get(CaptureFile.Read(stream));
        Assert.Equal(
            ("6.12.1", "0102030405060708090a0b0c0d0e0f1011121314", "gcc 12"),
            (again.Facts.Release, again.Facts.BuildId, again.Facts.Compiler));
        Assert.Equal([new LoadedModule("ext4", null, 1000)], again.Facts.Modules);
        Assert.Equal(["fix"], again.Facts.Livepatches);
        Assert.Equal(capture.Kallsyms.ToArray(), again.Kallsyms.ToArray());
        Assert.Null(again.Symvers);
    }

    [Theory]
    [InlineData("2", "sysctl kernel.kptr_restrict=1", "sysctl kernel.kptr_restrict=1")]
    [InlineData("0", "on the machine itself", "as root")]
    public void A_machine_that_hides_addresses_cannot_be_captured(string restriction, string ofRoot, string ofOthers)
    {
        using var root = new TemporaryCache();
        var machine = Machine(root.FullPath);
        File.WriteAllText(Path.Combine(root.FullPath, "proc/kallsyms"), "0000000000000000 T _text\n");
        File.WriteAllText(Path.Combine(root.FullPath, "proc/sys/kernel/kptr_restrict"), restriction + "\n");
        var problem = machine.Take().Problems[0];
        Assert.Equal(FactProblems.HiddenAddresses, problem.Code);
        Assert.Contains($"(kernel.kptr_restrict is {restriction})", problem.Reason, StringComparison.Ordinal);
        Assert.Contains(Environment.IsPrivilegedProcess ? ofRoot : ofOthers, problem.Remedy, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("proc/sys/kernel/osrelease", "mount /proc")]
    [InlineData("sys/kernel/notes", "mount /sys")]
    [InlineData("boot/config-6.12.1", "/boot/config-6.12.1")]
    [InlineData("proc/kallsyms", "CONFIG_KALLSYMS=y")]
    public void What_is_missing_has_a_remedy_that_is_not_to_become_root(string file, string remedy)
    {
        using var root = new TemporaryCache();
        var machine = Machine(root.FullPath);
        File.Delete(Path.Combine(root.FullPath, file));
        var problem = machine.Take().Problems[0];
        Assert.Equal(RecordProblems.CaptureImpossible, problem.Code);
        Assert.Contains(remedy, problem.Remedy, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("../config", "x")]
    [InlineData("/etc/passwd", "x")]
    [InlineData("capture.json", "{}")]
    [InlineData("capture.json", "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[")]
    [InlineData("capture.json", """{"format":2,"release":"6.12.1","buildId":"0123456789abcdef","compiler":"","machine":"","kernelVersionText":""}""")]
    [InlineData("capture.json", """{"format":1,"release":"../../x","buildId":"0123456789abcdef","compiler":"","machine":"","kernelVersionText":""}""")]
    [InlineData("capture.json", """{"format":1,"release":null,"buildId":null,"compiler":"","machine":"","kernelVersionText":"","modules":null}""")]
    public void A_hostile_capture_is_refused(string name, string text)
    {
        var stream = Archive([(name, text), ("config", "x"), ("kallsyms", "x")]);
        Assert.Equal(RecordProblems.CaptureUnreadable, CaptureFile.Read(stream).Problems[0].Code);
    }

    [Fact]
    public void A_bomb_is_refused()
    {
        var stream = Archive([("capture.json", Json), ("config", new string('x', 5 << 20)), ("kallsyms", "x")]);
        Assert.Equal(RecordProblems.CaptureUnreadable, CaptureFile.Read(stream).Problems[0].Code);
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
        var archive = Compress([.. Header("kallsyms", KernelSymbols.MaximumLength + 1, '0'), .. new byte[1 << 20]]);
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
        Assert.InRange(Allocated(() => config = StockKernel.Get(CaptureFile.ReadConfig(archive))), 0, 1 << 20);
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
        Assert.Equal((RecordProblems.CaptureUnreadable, "it ends early"), (read.Problems[0].Code, read.Problems[0].Reason));
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

    private static MachineCapture Machine(string root)
    {
        foreach (var folder in new[] { "proc/sys/kernel", "sys/kernel/livepatch/fix", "boot" })
            Directory.CreateDirectory(Path.Combine(root, folder));
        File.WriteAllText(Path.Combine(root, "proc/sys/kernel/osrelease"), "6.12.1\n");
        File.WriteAllText(Path.Combine(root, "proc/version"), "Linux version 6.12.1\n");
        File.WriteAllText(Path.Combine(root, "proc/kallsyms"), "ffffffff81000000 T _text\n");
        File.WriteAllText(Path.Combine(root, "proc/modules"), "ext4 1000 0 - Live 0x0\n");
        File.WriteAllText(Path.Combine(root, "boot/config-6.12.1"), "CONFIG_CC_VERSION_TEXT=\"gcc 12\"\n");
        File.WriteAllBytes(Path.Combine(root, "sys/kernel/notes"), Notes);
        return new MachineCapture(root);
    }

    private static string Refused(Stream archive)
    {
        var problem = CaptureFile.Read(archive).Problems[0];
        Assert.Equal(RecordProblems.CaptureUnreadable, problem.Code);
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
            compressed.Write(archive);
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
                writer.WriteEntry(new UstarTarEntry(TarEntryType.RegularFile, name)
                {
                    DataStream = new MemoryStream(Encoding.ASCII.GetBytes(text)),
                });
            }
        }
        stream.Position = 0;
        return stream;
    }
}
