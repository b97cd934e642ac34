using System.Diagnostics;
using System.Formats.Tar;
using System.IO.Compression;
using Elivepatch.Machine.Service;
using Elivepatch.Model;

namespace Elivepatch.Machine.Tests.Service;

/// <summary>A folder of sources becomes an archive.</summary>
public sealed class SourceFolderTests : IDisposable
{
    private readonly Scratch scratch = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public SourceFolderTests()
    {
        Write("Makefile", "VERSION = 6\n");
        Write("Kconfig", "");
    }

    public void Dispose() => scratch.Dispose();

    [Fact]
    public void It_has_the_source_and_nothing_else()
    {
        Write("fs/proc/meminfo.c", "int x;");
        Write("fs/proc/meminfo.o", "built");
        Write("fs/proc/.meminfo.o.cmd", "built");
        Write("vmlinux", "built");
        Write(".config", "built");
        Write(".git/config", "secret");
        Write("drivers/gpu/.git", "gitdir: elsewhere");
        File.SetUnixFileMode(
            Write("scripts/run.sh", "#!/bin/sh"),
            UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute
        );
        File.CreateSymbolicLink(scratch.PathOf("fs/link.c"), "proc/meminfo.c");
        File.CreateSymbolicLink(scratch.PathOf("fs/dangling"), "nowhere");
        var entries = Entries(Pack());
        Assert.Equal(
            [
                "linux/Kconfig",
                "linux/Makefile",
                "linux/drivers",
                "linux/drivers/gpu",
                "linux/fs",
                "linux/fs/dangling",
                "linux/fs/link.c",
                "linux/fs/proc",
                "linux/fs/proc/meminfo.c",
                "linux/scripts",
                "linux/scripts/run.sh",
            ],
            entries.Select(e => e.Name).Order(StringComparer.Ordinal)
        );
        Assert.Equal("proc/meminfo.c", entries.Single(e => e.Name == "linux/fs/link.c").LinkName);
        Assert.True(entries.Single(e => e.Name == "linux/scripts/run.sh").Mode.HasFlag(UnixFileMode.UserExecute));
        Assert.False(entries.Single(e => e.Name == "linux/Makefile").Mode.HasFlag(UnixFileMode.UserExecute));
    }

    [Fact]
    public void Equal_folders_give_equal_archives()
    {
        Write("a.c", "int a;");
        var first = Pack();
        File.SetLastWriteTimeUtc(scratch.PathOf("a.c"), DateTime.UnixEpoch.AddYears(40));
        Write("b.o", "built meanwhile");
        Assert.Equal(first, Pack());
        Write("a.c", "int b;");
        Assert.NotEqual(first, Pack());
    }

    [Theory]
    [InlineData("/etc/passwd")]
    [InlineData("../../outside")]
    [InlineData("..")]
    [InlineData("../fs-of-another")]
    public void A_link_that_leads_outside_is_refused(string target)
    {
        File.CreateSymbolicLink(scratch.PathOf("link"), target);
        Refused("leads outside");
    }

    [Fact]
    public void A_link_to_the_folder_itself_is_not_followed()
    {
        Directory.CreateDirectory(scratch.PathOf("fs"));
        File.CreateSymbolicLink(scratch.PathOf("fs/round"), "..");
        Assert.Equal(4, Entries(Pack()).Count);
    }

    [Fact]
    public void A_pipe_is_not_waited_for()
    {
        using var made = Process.Start("mkfifo", scratch.PathOf("pipe"))!;
        made.WaitForExit();
        Assert.Equal(0, made.ExitCode);
        Assert.Contains(Entries(Pack()), e => e.Name == "linux/pipe" && e.EntryType == TarEntryType.RegularFile);
    }

    [Fact]
    public void A_name_that_no_archive_can_have_is_refused()
    {
        var name = new string('x', 200);
        Write($"{name}/{name}/a.c", "");
        Refused("");
    }

    [Fact]
    public void A_folder_that_is_no_kernel_is_refused()
    {
        File.Delete(scratch.PathOf("Kconfig"));
        Refused("it is not the source of a kernel");
    }

    private string Write(string name, string text)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(scratch.PathOf(name))!);
        return scratch.Write(name, text);
    }

    private byte[] Pack()
    {
        using var archive = new MemoryStream();
        var problem = new SourceFolder(scratch.Folder).Pack(archive, Cancellation);
        Assert.True(problem is null, problem?.ToString());
        return archive.ToArray();
    }

    private void Refused(string reason)
    {
        var problem = new SourceFolder(scratch.Folder).Pack(new MemoryStream(), Cancellation);
        Assert.Equal(CommandProblems.InputUnusable, problem?.Code);
        Assert.Contains(reason, problem!.Reason, StringComparison.Ordinal);
    }

    private static List<TarEntry> Entries(byte[] archive)
    {
        using var reader = new TarReader(new GZipStream(new MemoryStream(archive), CompressionMode.Decompress));
        var entries = new List<TarEntry>();
        while (reader.GetNextEntry(copyData: true) is { } entry)
        {
            entries.Add(entry);
        }

        Assert.All(entries, e => e.Name = e.Name.TrimEnd('/'));
        return entries;
    }
}
