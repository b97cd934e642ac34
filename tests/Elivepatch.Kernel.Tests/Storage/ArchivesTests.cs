using System.Formats.Tar;
using System.Text;
using Elivepatch.Kernel.Storage;
using Xunit;

namespace Elivepatch.Kernel.Tests.Storage;

public sealed class ArchivesTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_source_archive_loses_its_top_folder()
    {
        using var home = new TemporaryCache();
        var target = Directory.CreateDirectory(Path.Combine(home.FullPath, "out")).FullName;
        var archive = Write(home, w => w.WriteEntry(Entry("linux/kernel/fork.c", "text")));
        Assert.Null(await Archives.UnpackSourceAsync(archive, target, Cancellation));
        Assert.Equal("text", await File.ReadAllTextAsync(Path.Combine(target, "kernel/fork.c"), Cancellation));
    }

    [Theory]
    [InlineData("/etc/passwd")]
    [InlineData("../../outside")]
    [InlineData("sub/../../outside")]
    public async Task A_link_that_leads_out_is_refused(string target)
    {
        using var home = new TemporaryCache();
        var folder = Directory.CreateDirectory(Path.Combine(home.FullPath, "out")).FullName;
        var archive = Write(
            home,
            w => w.WriteEntry(new PaxTarEntry(TarEntryType.SymbolicLink, "linux/link") { LinkName = target })
        );
        var problem = await Archives.UnpackSourceAsync(archive, folder, Cancellation);
        Assert.Equal(ProcessProblems.ArchiveRefused, problem?.Code);
    }

    [Fact]
    public async Task A_member_that_climbs_writes_nothing_outside()
    {
        using var home = new TemporaryCache();
        var folder = Directory.CreateDirectory(Path.Combine(home.FullPath, "a/b/out")).FullName;
        var archive = Write(home, w => w.WriteEntry(Entry("linux/../../escaped", "text")));
        Assert.NotNull(await Archives.UnpackSourceAsync(archive, folder, Cancellation));
        Assert.Empty(Directory.GetFiles(home.FullPath, "escaped", SearchOption.AllDirectories));
    }

    [Fact]
    public async Task What_is_no_archive_is_refused()
    {
        using var home = new TemporaryCache();
        var folder = Directory.CreateDirectory(Path.Combine(home.FullPath, "out")).FullName;
        var file = Path.Combine(home.FullPath, "x.tar.xz");
        await File.WriteAllTextAsync(file, "rubbish", Cancellation);
        Assert.Equal(ProcessProblems.ArchiveRefused, (await Archives.UnpackSourceAsync(file, folder, Cancellation))?.Code);
    }

    private static PaxTarEntry Entry(string name, string text) =>
        new(TarEntryType.RegularFile, name) { DataStream = new MemoryStream(Encoding.ASCII.GetBytes(text)) };

    private static string Write(TemporaryCache home, Action<TarWriter> fill)
    {
        var path = Path.Combine(home.FullPath, "test.tar");
        using var stream = File.Create(path);
        using var writer = new TarWriter(stream);
        fill(writer);
        return path;
    }
}
