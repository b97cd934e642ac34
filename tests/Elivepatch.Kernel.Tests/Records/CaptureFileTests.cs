using System.Formats.Tar;
using System.IO.Compression;
using System.Text;
using Elivepatch.Engine;
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

    [Fact]
    public void A_machine_that_hides_addresses_cannot_be_captured()
    {
        using var root = new TemporaryCache();
        var machine = Machine(root.FullPath);
        File.WriteAllText(Path.Combine(root.FullPath, "proc/kallsyms"), "0000000000000000 T _text\n");
        File.WriteAllText(Path.Combine(root.FullPath, "proc/sys/kernel/kptr_restrict"), "2\n");
        var problem = machine.Take().Problems[0];
        Assert.Equal(ProblemCodes.HiddenAddresses, problem.Code);
        Assert.Contains("(kernel.kptr_restrict is 2)", problem.Reason, StringComparison.Ordinal);
        Assert.Contains("sysctl kernel.kptr_restrict=1", problem.Remedy, StringComparison.Ordinal);
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
        Assert.Equal(ProblemCodes.CaptureImpossible, problem.Code);
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
        Assert.Equal(ProblemCodes.CaptureUnreadable, CaptureFile.Read(stream).Problems[0].Code);
    }

    [Fact]
    public void A_bomb_is_refused()
    {
        var stream = Archive([("capture.json", Json), ("config", new string('x', 5 << 20)), ("kallsyms", "x")]);
        Assert.Equal(ProblemCodes.CaptureUnreadable, CaptureFile.Read(stream).Problems[0].Code);
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

    private static MemoryStream Archive((string Name, string Text)[] members)
    {
        var stream = new MemoryStream();
        using (var compressed = new GZipStream(stream, CompressionLevel.Fastest, leaveOpen: true))
        using (var writer = new TarWriter(compressed))
        {
            foreach (var (name, text) in members)
            {
                writer.WriteEntry(new PaxTarEntry(TarEntryType.RegularFile, name)
                {
                    DataStream = new MemoryStream(Encoding.ASCII.GetBytes(text)),
                });
            }
        }
        stream.Position = 0;
        return stream;
    }
}
