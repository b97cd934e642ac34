using System.Formats.Tar;
using System.IO.Compression;
using System.Text;

using Elivepatch.Kernel.VirtualMachines;

using FsCheck;
using FsCheck.Fluent;

using Xunit;

namespace Elivepatch.Kernel.Tests.VirtualMachines;

public sealed class GuestStreamTests
{
    private const long Limit = 1 << 20;

    [Fact]
    public void Events_and_output_keep_their_order()
    {
        var stream = Parse("! 1.25 ready 6.12\n> hello world\nnoise\n! 2 end 0\n");

        Assert.Equal(["ready", "", "end"], stream.Events.Select(e => e.Name));
        Assert.Equal(1.25, stream.Events[0].Uptime);
        Assert.Equal("6.12", stream.Events[0].Word(1));
        Assert.Equal("hello world", stream.Events[1].Text);
        Assert.Null(stream.Files);
    }

    [Theory]
    [InlineData("cat")]
    [InlineData("gzip")]
    public void Files_come_back(string packing)
    {
        var stream = Parse(WithFiles(packing, ("./proc/version", "Linux"), ("./empty", "")));

        Assert.Equal("Linux", Encoding.ASCII.GetString(stream.Files!["proc/version"].Span));
        Assert.Equal(0, stream.Files["empty"].Length);
    }

    [Fact]
    public void A_file_that_would_leave_its_folder_is_left_out()
    {
        var stream = Parse(WithFiles("cat", ("../../etc/passwd", "x"), ("/etc/shadow", "x"), ("./good", "x")));

        Assert.Equal(["good"], stream.Files!.Keys);
    }

    [Fact]
    public void Files_that_are_cut_short_are_no_files()
    {
        var whole = WithFiles("cat", ("./a", "content"));

        for (var length = 0; length < whole.Length; length += 37)
            Assert.Null(GuestStream.Parse(whole.AsMemory(0, length), Limit).Files);
    }

    [Fact]
    public void A_compressed_bomb_is_not_unpacked()
    {
        var bomb = WithFiles("gzip", ("./a", new string('x', 2 << 20)));

        Assert.True(bomb.Length < 10_000);
        Assert.Null(Parse(bomb).Files);
    }

    [Fact]
    public void Nothing_that_a_guest_sends_breaks_the_reader()
    {
        var whole = WithFiles("cat", ("./a", "content"), ("./b", "more"));
        Prop.ForAll(Gen.Choose(0, whole.Length - 1).Zip(Gen.Choose(0, 255)).ArrayOf(4).ToArbitrary(), edits =>
        {
            var bytes = (byte[])whole.Clone();
            foreach (var (at, value) in edits)
                bytes[at] = (byte)value;
            _ = Parse(bytes);
        }).QuickCheckThrowOnFailure();
    }

    private static GuestStream Parse(string text) => Parse(Encoding.UTF8.GetBytes(text));

    private static GuestStream Parse(byte[] bytes) => GuestStream.Parse(bytes, Limit);

    private static byte[] WithFiles(string packing, params (string Name, string Content)[] files)
    {
        using var archive = new MemoryStream();
        using (var packed = packing == "gzip" ? new GZipStream(archive, CompressionLevel.Optimal, leaveOpen: true) : null)
        using (var tar = new TarWriter((Stream?)packed ?? archive, TarEntryFormat.Ustar, leaveOpen: true))
        {
            foreach (var (name, content) in files)
                tar.WriteEntry(new UstarTarEntry(TarEntryType.RegularFile, name) { DataStream = new MemoryStream(Encoding.ASCII.GetBytes(content)) });
        }
        return [.. Encoding.ASCII.GetBytes($"! 1 end 0\n= {archive.Length} {packing}\n"), .. archive.ToArray(), .. "\n.\n"u8];
    }
}
