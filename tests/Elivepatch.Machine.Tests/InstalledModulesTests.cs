using System.Diagnostics;
using System.IO.Compression;

namespace Elivepatch.Machine.Tests;

/// <summary>The modules that are installed for a kernel.</summary>
public sealed class InstalledModulesTests : IDisposable
{
    private const string Release = "6.12.5-test";
    private const string Folder = $"lib/modules/{Release}";

    private readonly Scratch scratch = new();

    public void Dispose() => scratch.Dispose();

    [Fact]
    public void A_module_is_found_with_all_that_it_depends_on()
    {
        Write(
            "modules.dep",
            "kernel/fs/nfs/nfs.ko.xz: kernel/net/sunrpc/sunrpc.ko.xz updates/dkms/zero-copy.ko\nkernel/a/snd-pcm.ko:\n"
        );
        Write("kernel/fs/nfs/nfs.ko.xz", "");
        var modules = Read();
        Assert.Equal(["nfs", "sunrpc", "zero_copy"], modules.Closure("nfs"));
        Assert.Equal(["snd_pcm"], modules.Closure("snd_pcm"));
        Assert.Equal(["unknown"], modules.Closure("unknown"));
        Assert.Equal(scratch.PathOf($"{Folder}/kernel/fs/nfs/nfs.ko.xz"), modules.PathOf("nfs"));
        // It is listed, and somebody removed it.
        Assert.True(modules.Has("snd_pcm"));
        Assert.Null(modules.PathOf("snd_pcm"));
        Assert.Null(modules.PathOf("unknown"));
    }

    [Fact]
    public void Where_there_is_no_list_nothing_is_found()
    {
        Assert.True(Read().IsEmpty);
        Write("modules.dep", "no colon\n\n:\n: kernel/a.ko\n");
        Assert.True(Read().IsEmpty);
    }

    [Theory]
    [InlineData("")]
    [InlineData(".gz")]
    [InlineData(".xz")]
    [InlineData(".zst")]
    public void The_build_id_of_a_file_is_read_however_it_is_compressed(string suffix)
    {
        Write("modules.dep", $"kernel/loop.ko{suffix}:\n");
        Compress(Compile(), scratch.PathOf($"{Folder}/kernel/loop.ko{suffix}"), suffix);
        Assert.Equal("000102030405060708090a0b0c0d0e0f10111213", Read().BuildIdOf("loop")?.Hex);
    }

    [Fact]
    public void What_lies_in_the_current_folder_is_not_run()
    {
        Write("modules.dep", "kernel/loop.ko.xz:\n");
        Compress(Compile(), scratch.PathOf($"{Folder}/kernel/loop.ko.xz"), ".xz");
        var stranger = scratch.Write("xz", $"#!/bin/sh\ntouch {scratch.PathOf("ran")}\n");
        File.SetUnixFileMode(stranger, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        var before = Environment.CurrentDirectory;
        Environment.CurrentDirectory = scratch.Folder;
        try
        {
            Assert.NotNull(Read().BuildIdOf("loop"));
        }
        finally
        {
            Environment.CurrentDirectory = before;
        }

        Assert.False(File.Exists(scratch.PathOf("ran")));
    }

    [Theory]
    [InlineData("")]
    [InlineData(".gz")]
    [InlineData(".xz")]
    [InlineData(".zst")]
    public void A_file_that_is_damaged_has_no_build_id(string suffix)
    {
        Write("modules.dep", $"kernel/loop.ko{suffix}:\n");
        Write($"kernel/loop.ko{suffix}", "no module");
        Assert.Null(Read().BuildIdOf("loop"));
    }

    private InstalledModules Read() => InstalledModules.Read(new(scratch.Folder), Release);

    private void Write(string path, string text)
    {
        var full = scratch.PathOf($"{Folder}/{path}");
        Directory.CreateDirectory(Path.GetDirectoryName(full)!);
        File.WriteAllText(full, text);
    }

    private string Compile() =>
        scratch.Compile(
            "loop",
            """
            asm(".section .note.gnu.build-id,\"a\",@note\n.long 4, 20, 3\n.asciz \"GNU\"\n"
                ".byte 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19\n.previous\n");
            int loop_module;
            """
        );

    private void Compress(string from, string to, string suffix)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(to)!);
        switch (suffix)
        {
            case "":
                File.Copy(from, to);
                break;
            case ".gz":
                using (var file = new GZipStream(File.Create(to), CompressionMode.Compress))
                {
                    file.Write(File.ReadAllBytes(from));
                }

                break;
            default:
                using (var tool = Process.Start(suffix == ".xz" ? "xz" : "zstd", ["-qk", from]))
                {
                    tool.WaitForExit();
                }

                File.Move(from + suffix, to);
                break;
        }
    }
}
