using Elivepatch.Model;
using Elivepatch.Protocol.Captures;

namespace Elivepatch.Machine.Tests;

public sealed class MachineCaptureTests
{
    private static readonly byte[] Notes =
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

    [Fact]
    public void What_is_written_is_read_again()
    {
        using var root = new Scratch();
        var capture = Machine(root.Folder).Take().Value;
        using var stream = new MemoryStream();
        capture.Write(stream);
        stream.Position = 0;
        var again = CaptureFile.Read(stream).Value;
        Assert.Equal(
            ("6.12.1", "0102030405060708090a0b0c0d0e0f1011121314", "gcc 12"),
            (again.Facts.Release, again.Facts.BuildId, again.Facts.Compiler)
        );
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
        using var root = new Scratch();
        var machine = Machine(root.Folder);
        File.WriteAllText(Path.Combine(root.Folder, "proc/kallsyms"), "0000000000000000 T _text\n");
        File.WriteAllText(Path.Combine(root.Folder, "proc/sys/kernel/kptr_restrict"), restriction + "\n");
        var problem = machine.Take().Problems[0];
        Assert.Equal(KernelProblems.HiddenAddresses, problem.Code);
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
        using var root = new Scratch();
        var machine = Machine(root.Folder);
        File.Delete(Path.Combine(root.Folder, file));
        var problem = machine.Take().Problems[0];
        Assert.Equal(MachineProblems.CaptureImpossible, problem.Code);
        Assert.Contains(remedy, problem.Remedy, StringComparison.Ordinal);
    }

    private static MachineCapture Machine(string root)
    {
        foreach (var folder in new[] { "proc/sys/kernel", "sys/kernel/livepatch/fix", "boot" })
        {
            Directory.CreateDirectory(Path.Combine(root, folder));
        }

        File.WriteAllText(Path.Combine(root, "proc/sys/kernel/osrelease"), "6.12.1\n");
        File.WriteAllText(Path.Combine(root, "proc/version"), "Linux version 6.12.1\n");
        File.WriteAllText(Path.Combine(root, "proc/kallsyms"), "ffffffff81000000 T _text\n");
        File.WriteAllText(Path.Combine(root, "proc/modules"), "ext4 1000 0 - Live 0x0\n");
        File.WriteAllText(Path.Combine(root, "boot/config-6.12.1"), "CONFIG_CC_VERSION_TEXT=\"gcc 12\"\n");
        File.WriteAllBytes(Path.Combine(root, "sys/kernel/notes"), Notes);
        return new MachineCapture(root);
    }
}
