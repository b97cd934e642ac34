using Elivepatch.Kernel.Architectures;
using Elivepatch.Kernel.VirtualMachines;
using Xunit;

namespace Elivepatch.Kernel.Tests.VirtualMachines;

public sealed class GuestFormatTests
{
    [Theory]
    [InlineData(GuestEnding.DidNotStart, "Kernel panic - not syncing: IO-APIC + timer doesn't work!  Boot with apic=debug", true)]
    [InlineData(GuestEnding.DidNotStart, "Kernel panic - not syncing: VFS: Unable to mount root fs", false)]
    [InlineData(GuestEnding.Finished, "a script may print that IO-APIC + timer doesn't work", false)]
    public void Only_a_guest_that_lost_its_timer_before_init_is_booted_again(GuestEnding ending, string console, bool again)
    {
        var result = new GuestResult
        {
            Ending = ending,
            ExitStatus = -1,
            Events = [],
            Console = console,
            Files = new Dictionary<string, ReadOnlyMemory<byte>>(),
            Duration = TimeSpan.Zero,
            Nonce = "",
        };
        Assert.Equal(again, result.LostTimer);
    }

    [Theory]
    [InlineData("a", true)]
    [InlineData("sys/module/x/notes/.note.gnu.build-id", true)]
    [InlineData("", false)]
    [InlineData("/a", false)]
    [InlineData("a//b", false)]
    [InlineData("a/../b", false)]
    [InlineData("a\nb", false)]
    public void A_path_that_could_leave_its_folder_is_refused(string path, bool safe) =>
        Assert.Equal(safe, GuestPath.IsSafe(path));

    [Fact]
    public void A_program_with_shared_libraries_is_told_from_a_static_one()
    {
        Assert.True(StaticProgram.IsStatic(KernelArchitectures.X8664.Engine, File.ReadAllBytes("/bin/busybox")));
        Assert.False(StaticProgram.IsStatic(KernelArchitectures.X8664.Engine, File.ReadAllBytes("/bin/tar")));
        Assert.False(StaticProgram.IsStatic(KernelArchitectures.X8664.Engine, "#!/bin/sh"u8));
    }
}
