using System.Text;
using Elivepatch.Kernel.Records;
using Xunit;

namespace Elivepatch.Kernel.Tests.Records;

/// <summary>Where the source of a kernel lay, as the checks in its code say.</summary>
public sealed class SourcePathTests
{
    private const string Debian = "/build/reproducible-path/linux-7.3.4";

    [Theory]
    [InlineData(Debian, Debian + "/kernel/fork.c", Debian + "/mm/page_alloc.c")]
    [InlineData("/home/a/src/linux-6.18_2~x+y", "/home/a/src/linux-6.18_2~x+y/fs/namei.c", "fs/namei.c")]
    // Built in its own folder; in two; in places that a sandbox uses itself, or that are none.
    [InlineData(null, "kernel/fork.c", "mm/page_alloc.c")]
    [InlineData(null, "/a/linux/kernel/fork.c", "/b/linux/kernel/fork.c")]
    [InlineData(null, "/usr/src/linux/kernel/fork.c")]
    [InlineData(null, "/a/../b/kernel/fork.c")]
    [InlineData(null, "/a b/kernel/fork.c")]
    [InlineData(null, "//kernel/fork.c")]
    [InlineData(null, "a/kernel/fork.c")]
    [InlineData(null, "/a/other/kernel/fork.c.orig")]
    public void It_is_found_if_there_is_one(string? path, params string[] strings) =>
        Assert.Equal(path, SourcePath.Find(Encoding.ASCII.GetBytes("\0" + string.Join("\0%s\0", strings) + "\0")));

    [Fact]
    public void Damaged_images_are_read_to_their_end()
    {
        Assert.Null(SourcePath.Find([]));
        Assert.Null(SourcePath.Find(new byte[1 << 16]));
        Assert.Null(SourcePath.Find(Encoding.ASCII.GetBytes("/kernel/fork.c\0")));
        Assert.Null(SourcePath.Find(Encoding.ASCII.GetBytes("/" + new string('a', 4096) + "/kernel/fork.c\0")));
    }
}
