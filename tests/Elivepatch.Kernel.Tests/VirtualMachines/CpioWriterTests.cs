using System.Text;
using Elivepatch.Kernel.Processes;
using Elivepatch.Kernel.VirtualMachines;
using Xunit;

namespace Elivepatch.Kernel.Tests.VirtualMachines;

public sealed class CpioWriterTests
{
    [Fact]
    public async Task Cpio_reads_the_archive_that_is_written()
    {
        using var archive = new MemoryStream();
        var writer = new CpioWriter(archive);
        writer.AddCharacterDevice("dev/console", 5, 1);
        writer.AddFile("a/b/run", "12345"u8, executable: true);
        writer.AddFile("a/b/text", "x\n"u8, executable: false);
        writer.End();

        var listing = await ProcessRunner.RunAsync(
            new()
            {
                File = "cpio",
                Arguments = ["-itv", "--quiet", "--numeric-uid-gid"],
                Input = archive.ToArray(),
            },
            TestContext.Current.CancellationToken
        );

        Assert.True(listing.Succeeded, listing.Describe());
        var lines = listing
            .Output.TrimEnd()
            .Split('\n')
            .Select(l => string.Join(' ', l.Split(' ', StringSplitOptions.RemoveEmptyEntries)))
            .ToList();
        Assert.Equal(6, lines.Count);
        Assert.StartsWith("drwxr-xr-x", lines[0], StringComparison.Ordinal);
        Assert.Matches("^crw------- 1 0 0 5, 1 .* dev/console$", lines[1]);
        Assert.Matches("^-rwxr-xr-x 1 0 0 5 .* a/b/run$", lines[4]);
        Assert.Matches("^-rw-r--r-- 1 0 0 2 .* a/b/text$", lines[5]);
    }

    [Fact]
    public async Task Contents_come_back_whatever_their_length()
    {
        for (var length = 0; length < 9; length++)
        {
            using var archive = new MemoryStream();
            var writer = new CpioWriter(archive);
            var content = Encoding.ASCII.GetBytes("abcdefghi"[..length]);
            writer.AddFile("first", content, executable: false);
            writer.AddFile("second", "tail"u8, executable: false);
            writer.End();

            var output = await ProcessRunner.RunAsync(
                new()
                {
                    File = "cpio",
                    Arguments = ["-i", "--quiet", "--to-stdout"],
                    Input = archive.ToArray(),
                },
                TestContext.Current.CancellationToken
            );

            Assert.Equal("abcdefghi"[..length] + "tail", output.Output);
        }
    }
}
