using System.Formats.Tar;
using System.Text.Json;
using Elivepatch.Kernel.Architectures;
using Elivepatch.Kernel.Processes;
using Elivepatch.Kernel.Toolchains;
using Elivepatch.Model;
using Xunit;
using static Elivepatch.Kernel.Tests.StockKernel;

namespace Elivepatch.Kernel.Tests.Toolchains;

/// <summary>Root file systems that somebody made elsewhere, and what is found in them.</summary>
public sealed class ToolchainRootTests : IDisposable
{
    private readonly TemporaryCache folder = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private ToolchainRoots Roots => new(folder.Cache);

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task An_archive_becomes_a_root_by_what_its_tools_say_and_is_found_for_a_kernel()
    {
        var root = Get(await ImportAsync(new SmallRoot()));
        Assert.Equal([("/usr/bin/gcc-77", SmallRoot.Compiler)], root.Facts.Compilers.Select(c => (c.Path, c.Text)));
        Assert.Equal((24400, 24400, "root.tar"), (root.Facts.Assembler, root.Facts.Linker, root.Facts.Name));
        var found = Get(await FindAsync(SmallRoot.Compiler));
        Assert.Equal(("/usr/bin/gcc-77", root.Digest), (found.ExecutablePath, found.Root));
        var run = Get(await Sandbox.RunAsync(new SandboxRequest { File = "gcc-77", Userland = found.Userland }, Cancellation));
        Assert.Equal(SmallRoot.Compiler + "\n", run.Output);
        Assert.Contains(SmallRoot.Compiler, await new ToolchainFinder(folder.Cache).ListAsync(Cancellation));
    }

    [Fact]
    public async Task A_root_has_one_digest_however_it_comes_and_is_kept_once()
    {
        var one = Get(await ImportAsync(new SmallRoot()));
        var layers = Get(
            await new ImportedRoots(folder.Cache).RunAsync(await LayoutAsync(new SmallRoot(), [("tmp/unseen", "")]), Cancellation)
        );
        Assert.Equal(one.Digest, layers.Digest);
        var other = Get(await ImportAsync(new SmallRoot().File("usr/bin/more", "")));
        Assert.NotEqual(one.Digest, other.Digest);
        Assert.Equal(2, Roots.List().Count);
        Assert.Equal(other.Digest, Roots.Open("root.tar").Value.Digest);
        Assert.Equal(one.Digest, Roots.Open(one.Digest.Hex[..12]).Value.Digest);
        Assert.True(Roots.Remove(one.Digest.Hex).Succeeded);
        Assert.Equal([other.Digest], Roots.List().Select(r => r.Digest));
        Assert.Equal(ToolchainProblems.RootUnknown, Roots.Open(one.Digest.Hex[..12]).Problems[0].Code);
    }

    [Fact]
    public async Task A_layer_of_an_image_covers_and_deletes_what_is_below_it_and_nothing_outside()
    {
        var outside = Path.Combine(folder.FullPath, "kept");
        await File.WriteAllTextAsync(outside, "kept", Cancellation);
        var base_ = new SmallRoot()
            .Script("usr/bin/gcc-78", "gcc-78 (Elsewhere 78.1.0-1) 78.1.0")
            .Link("usr/away", folder.FullPath);
        var path = await LayoutAsync(
            base_,
            [("usr/bin/.wh.gcc-78", ""), ("usr/away/.wh.kept", ""), ("usr/bin/as", "#!/bin/sh\necho GNU as 2.47.50.20261021\n")]
        );
        var root = Get(await new ImportedRoots(folder.Cache).RunAsync(path, Cancellation));
        Assert.Equal(["/usr/bin/gcc-77"], root.Facts.Compilers.Select(c => c.Path));
        Assert.Equal(24750, root.Facts.Assembler);
        Assert.True(File.Exists(outside));
    }

    [Fact]
    public async Task Of_a_root_a_sandbox_sees_tools_and_libraries_and_nothing_that_is_more_than_a_file()
    {
        var root = Get(
            await ImportAsync(
                new SmallRoot()
                    .Pipe("usr/lib/pipe")
                    .File("root/secret", "")
                    .File("etc/passwd", "")
                    .File("etc/ld.so.conf", "/usr/lib\n")
                    .Link("etc/alternatives", "/etc")
            )
        );
        Assert.Equal(["bin", "etc", "lib", "lib64", "sbin", "usr"], Entries(root.Folder));
        Assert.Equal(["alternatives", "ld.so.conf"], Entries(Path.Combine(root.Folder, "etc")));
        Assert.False(File.Exists(Path.Combine(root.Folder, "usr/lib/pipe")));
        var run = Get(
            await Sandbox.RunAsync(
                new SandboxRequest
                {
                    File = "sh",
                    Arguments = ["-c", "busybox ls / /etc"],
                    Userland = root.Userland,
                },
                Cancellation
            )
        );
        // The link would lead to this machine's /etc.
        Assert.DoesNotContain("alternatives", run.Output, StringComparison.Ordinal);
        Assert.Contains("ld.so.conf", run.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("usr/bin/gcc-77", "it has no GCC")]
    [InlineData("usr/bin/make", "it has no make")]
    [InlineData("usr/bin/sh", "no shell runs in it")]
    public async Task A_root_that_lacks_what_a_build_runs_is_refused(string path, string reason)
    {
        var refused = await ImportAsync(new SmallRoot().Without(path));
        Assert.Equal(ToolchainProblems.RootUnusable, refused.Problems[0].Code);
        Assert.Contains(reason, refused.Problems[0].Reason, StringComparison.Ordinal);
        Assert.Empty(Roots.List());
    }

    [Theory]
    [InlineData("usr", "/")]
    [InlineData("usr", "../../..")]
    public async Task A_root_whose_folder_of_programs_is_a_link_is_refused(string path, string target)
    {
        var file = Path.Combine(folder.FullPath, "root.tar");
        await using (var writer = new TarWriter(File.Create(file)))
        {
            await writer.WriteEntryAsync(new PaxTarEntry(TarEntryType.SymbolicLink, path) { LinkName = target }, Cancellation);
        }

        var refused = await new ImportedRoots(folder.Cache).RunAsync(file, Cancellation);
        Assert.Equal(ToolchainProblems.RootUnusable, refused.Problems[0].Code);
        Assert.Empty(Roots.List());
    }

    [Theory]
    [InlineData("")]
    [InlineData("not an archive")]
    public async Task What_is_no_archive_is_refused(string text)
    {
        var file = Path.Combine(folder.FullPath, "root.tar");
        await File.WriteAllTextAsync(file, text, Cancellation);
        Assert.False((await new ImportedRoots(folder.Cache).RunAsync(file, Cancellation)).Succeeded);
        Assert.False((await new ImportedRoots(folder.Cache).RunAsync(file + ".none", Cancellation)).Succeeded);
        Assert.False((await new ImportedRoots(folder.Cache).RunAsync(folder.FullPath, Cancellation)).Succeeded);
    }

    [Fact]
    public async Task A_layer_that_is_not_what_its_digest_says_is_refused()
    {
        var path = await LayoutAsync(new SmallRoot(), [("tmp/unseen", "")]);
        var blob = Directory.GetFiles(Path.Combine(path, "blobs", "sha256")).MaxBy(f => new FileInfo(f).Length)!;
        await File.AppendAllTextAsync(blob, "more", Cancellation);
        var refused = await new ImportedRoots(folder.Cache).RunAsync(path, Cancellation);
        Assert.Equal(ToolchainProblems.RootUnusable, refused.Problems[0].Code);
    }

    [Fact]
    public async Task A_root_that_was_damaged_is_not_used()
    {
        var root = Get(await ImportAsync(new SmallRoot()));
        await File.AppendAllTextAsync(Path.Combine(root.Folder, "usr/bin/as"), "# more\n", Cancellation);
        Assert.Empty(Roots.List());
        Assert.Equal(ToolchainProblems.RootDamaged, Roots.Open(root.Digest.Hex).Problems[0].Code);
        Assert.Equal(CompileProblems.CompilerMissing, (await FindAsync(SmallRoot.Compiler)).Problems[0].Code);
    }

    [Theory]
    [InlineData("gcc-99 (Debian 99.1.0-1) 99.1.0", "`elivepatch toolchain add debian:SUITE`")]
    [InlineData("gcc (Elsewhere 99.1.0-1) 99.1.0", "`elivepatch toolchain import FILE`")]
    public async Task A_compiler_that_is_nowhere_is_named_with_a_way_to_have_it(string text, string remedy)
    {
        var problem = (await FindAsync(text)).Problems[0];
        Assert.Equal(CompileProblems.CompilerMissing, problem.Code);
        Assert.Contains(text, problem.Reason, StringComparison.Ordinal);
        Assert.Contains(remedy, problem.Remedy, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_root_that_is_sent_to_another_machine_is_the_same_there()
    {
        var sent = Get(
            await ImportAsync(
                new SmallRoot()
                    .Folder("usr/lib/empty")
                    .File("usr/lib/dev/module.h", "")
                    .File("usr/lib/" + new string('n', 200), "long")
                    .Link("usr/lib/nowhere", "../../../away")
            )
        );
        var archive = Path.Combine(folder.FullPath, "sent");
        await using (var stream = File.Create(archive))
        {
            await RootTransfer.WriteAsync(sent, stream, Cancellation);
        }

        using var there = new TemporaryCache();
        Assert.False((await ReceiveAsync(new(new('0', 64)))).Succeeded);
        Assert.Empty(new ToolchainRoots(there.Cache).List());
        var received = Get(await ReceiveAsync(sent.Digest));
        Assert.Equal(sent.Digest, received.Digest);
        Assert.Equal(sent.Facts.Compilers, received.Facts.Compilers);
        Assert.True(File.Exists(Path.Combine(received.Folder, "usr/lib/dev/module.h")));

        Task<Outcome<ToolchainRoot>> ReceiveAsync(ContentDigest digest) =>
            RootTransfer.ReceiveAsync(there.Cache, archive, digest, sent.Facts.Name, Cancellation);
    }

    [Fact]
    public async Task A_root_that_came_in_part_is_refused()
    {
        var sent = Get(await ImportAsync(new SmallRoot()));
        using var whole = new MemoryStream();
        await RootTransfer.WriteAsync(sent, whole, Cancellation);
        var archive = Path.Combine(folder.FullPath, "sent");
        await File.WriteAllBytesAsync(archive, whole.ToArray()[..^100], Cancellation);
        using var there = new TemporaryCache();
        Assert.False((await RootTransfer.ReceiveAsync(there.Cache, archive, sent.Digest, "x", Cancellation)).Succeeded);
        Assert.Empty(new ToolchainRoots(there.Cache).List());
    }

    [Theory]
    [InlineData("clang version 16.0.0")]
    [InlineData("../../evil (x) 1.2.3")]
    [InlineData("")]
    public async Task What_is_no_gcc_is_refused(string text) =>
        Assert.Equal(CompileProblems.CompilerUnsupported, (await FindAsync(text)).Problems[0].Code);

    // The same compiler with other binutils would not give the configuration that the kernel has.
    [Fact]
    public async Task Of_two_roots_with_the_compiler_that_with_the_right_binutils_is_taken()
    {
        _ = Get(await ImportAsync(new SmallRoot()));
        var newer = Get(
            await ImportAsync(
                new SmallRoot()
                    .Without("usr/bin/ld")
                    .Script("usr/bin/ld", "GNU ld (GNU Binutils) 2.47.50.20261021")
                    .Without("usr/bin/as")
                    .Script("usr/bin/as", "GNU assembler (GNU Binutils) 2.47.50.20261021")
            )
        );
        var tools = new RequiredTools(SmallRoot.Compiler, 24750, 24750, "");
        var found = Get(
            await new ToolchainFinder(folder.Cache) { IsOffline = true }.GetAsync(KernelArchitectures.X8664, tools, Cancellation)
        );
        Assert.Equal(newer.Digest, found.Root);
    }

    private Task<Outcome<Toolchain>> FindAsync(string text) =>
        new ToolchainFinder(folder.Cache) { IsOffline = true }.GetAsync(
            KernelArchitectures.X8664,
            new(text, 0, 0, ""),
            Cancellation
        );

    private async Task<Outcome<ToolchainRoot>> ImportAsync(SmallRoot root) =>
        await new ImportedRoots(folder.Cache).RunAsync(
            await root.WriteAsync(Path.Combine(folder.FullPath, "root.tar")),
            Cancellation
        );

    // An OCI image layout: the root, and a layer over it.
    private async Task<string> LayoutAsync(SmallRoot root, IReadOnlyList<(string Path, string Text)> over)
    {
        var layout = Directory.CreateDirectory(Path.Combine(folder.FullPath, "layout")).FullName;
        var blobs = Directory.CreateDirectory(Path.Combine(layout, "blobs", "sha256")).FullName;
        await File.WriteAllTextAsync(Path.Combine(layout, "oci-layout"), """{"imageLayoutVersion":"1.0.0"}""", Cancellation);
        var lower = await root.WriteAsync(Path.Combine(folder.FullPath, "lower.tar"));
        var upper = Path.Combine(folder.FullPath, "upper.tar");
        await using (var writer = new TarWriter(File.Create(upper)))
        {
            foreach (var (path, text) in over)
            {
                await writer.WriteEntryAsync(
                    new PaxTarEntry(TarEntryType.RegularFile, path)
                    {
                        Mode = (UnixFileMode)0x1ed,
                        DataStream = new MemoryStream(System.Text.Encoding.UTF8.GetBytes(text)),
                    },
                    Cancellation
                );
            }
        }

        List<object> layers = [await BlobAsync(lower), await BlobAsync(upper)];
        var manifest = Path.Combine(folder.FullPath, "manifest");
        await File.WriteAllTextAsync(manifest, JsonSerializer.Serialize(new { schemaVersion = 2, layers }), Cancellation);
        var index = JsonSerializer.Serialize(new { schemaVersion = 2, manifests = new[] { await BlobAsync(manifest) } });
        await File.WriteAllTextAsync(Path.Combine(layout, "index.json"), index, Cancellation);
        return layout;

        async Task<object> BlobAsync(string file)
        {
            var digest = (await ContentDigest.OfFileAsync(file, Cancellation)).Hex;
            var size = new FileInfo(file).Length;
            File.Move(file, Path.Combine(blobs, digest), overwrite: true);
            return new { digest = $"sha256:{digest}", size };
        }
    }

    private static IEnumerable<string> Entries(string path) =>
        Directory.EnumerateFileSystemEntries(path).Select(e => Path.GetFileName(e)).Order(StringComparer.Ordinal);
}
