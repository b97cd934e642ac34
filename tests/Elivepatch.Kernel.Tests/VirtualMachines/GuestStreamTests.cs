using System.Formats.Tar;
using System.IO.Compression;
using System.Security.Cryptography;
using System.Text;
using Elivepatch.Kernel.VirtualMachines;
using FsCheck;
using FsCheck.Fluent;
using Xunit;

namespace Elivepatch.Kernel.Tests.VirtualMachines;

public sealed class GuestStreamTests
{
    private const int Limit = 1 << 20;
    private const string Digest = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    [Fact]
    public void Events_and_output_keep_their_order()
    {
        var stream = Parse("! 1.25 ready 6.12\n> hello world\nnoise\n! 2 end 0\n");

        Assert.Equal(["ready", "", "end"], stream.Events.Select(e => e.Name));
        Assert.Equal(1.25, stream.Events[0].Uptime);
        Assert.Equal("6.12", stream.Events[0].Word(1));
        Assert.Equal("hello world", stream.Events[1].Text);
        Assert.Null(stream.Receipt);
        Assert.Null(stream.ReadFiles());
    }

    [Theory]
    [InlineData("cat")]
    [InlineData("gzip")]
    public void Files_come_back(string packing)
    {
        var stream = Parse(WithFiles(packing, ("./proc/version", "Linux"), ("./empty", "")));

        var files = stream.ReadFiles()!;
        Assert.Equal("Linux", Encoding.ASCII.GetString(files["proc/version"].Span));
        Assert.Equal(0, files["empty"].Length);
    }

    [Fact]
    public void A_file_that_would_leave_its_folder_is_left_out()
    {
        var stream = Parse(WithFiles("cat", ("../../etc/passwd", "x"), ("/etc/shadow", "x"), ("./good", "x")));

        Assert.Equal(["good"], stream.ReadFiles()!.Keys);
    }

    [Fact]
    public void The_receipt_names_length_and_digest_and_is_there_only_when_all_is()
    {
        var whole = WithFiles("cat", ("./a", "content"));

        for (var length = 0; length < whole.Length; length += 37)
        {
            var cut = Parse(whole[..length]);
            Assert.Null(cut.Receipt);
            Assert.False(cut.IsBroken);
            Assert.Null(cut.ReadFiles());
        }
        var header = Encoding.ASCII.GetString(whole).Split('\n')[1].Split(' ');
        Assert.Equal($"{header[1]} {header[2]}\n", Encoding.ASCII.GetString(Parse(whole).Receipt!));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(4096)]
    public void It_does_not_matter_in_which_pieces_it_comes(int piece)
    {
        var whole = WithFiles("gzip", ("./a", "content"));
        var stream = new GuestStream(Limit);

        for (var at = 0; at < whole.Length; at += piece)
        {
            stream.Append(whole.AsSpan(at, Math.Min(piece, whole.Length - at)));
        }

        Assert.Equal(["end 0"], stream.Events.Select(e => e.Text));
        Assert.Equal("content", Encoding.ASCII.GetString(stream.ReadFiles()!["a"].Span));
    }

    [Fact]
    public void Files_with_another_digest_have_no_receipt()
    {
        var whole = WithFiles("cat", ("./a", "content"));
        whole[^600]++;

        var stream = Parse(whole);

        Assert.True(stream.IsBroken);
        Assert.Null(stream.Receipt);
        Assert.Null(stream.ReadFiles());
    }

    [Theory]
    [InlineData("= 5 cat")]
    [InlineData("= 5 00 cat")]
    [InlineData($"= -5 {Digest} cat")]
    [InlineData($"= 0 {Digest} cat")]
    [InlineData($"= 99999999999 {Digest} cat")]
    [InlineData($"= 2000000 {Digest} cat")]
    [InlineData($"= 5 {Digest} xz")]
    public void A_header_that_is_none_is_known_at_once(string header) => Assert.True(Parse(header + "\n").IsBroken);

    [Fact]
    public void A_compressed_bomb_is_not_unpacked()
    {
        var bomb = WithFiles("gzip", ("./a", new string('x', 2 << 20)));

        Assert.True(bomb.Length < 10_000);
        Assert.Null(Parse(bomb).ReadFiles());
    }

    [Fact]
    public void Nothing_that_a_guest_sends_breaks_the_reader()
    {
        var whole = WithFiles("cat", ("./a", "content"), ("./b", "more"));
        Prop.ForAll(
                Gen.Choose(0, whole.Length - 1).Zip(Gen.Choose(0, 255)).ArrayOf(4).ToArbitrary(),
                edits =>
                {
                    var bytes = (byte[])whole.Clone();
                    foreach (var (at, value) in edits)
                    {
                        bytes[at] = (byte)value;
                    }

                    _ = Parse(bytes).ReadFiles();
                }
            )
            .QuickCheckThrowOnFailure();
    }

    private static GuestStream Parse(string text) => Parse(Encoding.UTF8.GetBytes(text));

    private static GuestStream Parse(byte[] bytes)
    {
        var stream = new GuestStream(Limit);
        stream.Append(bytes);
        return stream;
    }

    private static byte[] WithFiles(string packing, params (string Name, string Content)[] files)
    {
        using var archive = new MemoryStream();
        using (var packed = packing == "gzip" ? new GZipStream(archive, CompressionLevel.Optimal, leaveOpen: true) : null)
        using (var tar = new TarWriter((Stream?)packed ?? archive, TarEntryFormat.Ustar, leaveOpen: true))
        {
            foreach (var (name, content) in files)
            {
                tar.WriteEntry(
                    new UstarTarEntry(TarEntryType.RegularFile, name)
                    {
                        DataStream = new MemoryStream(Encoding.ASCII.GetBytes(content)),
                    }
                );
            }
        }
        var digest = Convert.ToHexStringLower(SHA256.HashData(archive.ToArray()));
        return [.. Encoding.ASCII.GetBytes($"! 1 end 0\n= {archive.Length} {digest} {packing}\n"), .. archive.ToArray()];
    }
}
