using Elivepatch.Kernel.VirtualMachines;

using Xunit;

namespace Elivepatch.Kernel.Tests.VirtualMachines;

public sealed class GuestFormatTests
{
    [Fact]
    public void The_build_id_is_found_behind_other_notes()
    {
        byte[] notes =
        [
            4, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, .. "Xen\0"u8, 7, 7, 0, 0,
            4, 0, 0, 0, 3, 0, 0, 0, 3, 0, 0, 0, .. "GNU\0"u8, 0xAB, 0xCD, 0x01,
        ];

        Assert.Equal("abcd01", KernelNotes.BuildId(notes));
    }

    [Fact]
    public void A_note_that_runs_over_its_end_is_none()
    {
        Assert.Null(KernelNotes.BuildId([4, 0, 0, 0, 20, 0, 0, 0, 3, 0, 0, 0, .. "GNU\0"u8, 1]));
        Assert.Null(KernelNotes.BuildId([255, 255, 255, 255, 255, 255, 255, 255, 3, 0, 0, 0]));
    }

    [Theory]
    [InlineData("a", true)]
    [InlineData("sys/module/x/notes/.note.gnu.build-id", true)]
    [InlineData("", false)]
    [InlineData("/a", false)]
    [InlineData("a//b", false)]
    [InlineData("a/../b", false)]
    [InlineData("a\nb", false)]
    public void A_path_that_could_leave_its_folder_is_refused(string path, bool safe) => Assert.Equal(safe, GuestPath.IsSafe(path));

    [Fact]
    public void A_program_with_shared_libraries_is_told_from_a_static_one()
    {
        Assert.True(StaticProgram.Is(File.ReadAllBytes("/bin/busybox")));
        Assert.False(StaticProgram.Is(File.ReadAllBytes("/bin/tar")));
        Assert.False(StaticProgram.Is("#!/bin/sh"u8));
    }
}
