using System.Text;
using Elivepatch.Kernel.Build;
using Elivepatch.Kernel.Import;
using Elivepatch.Kernel.Trees;
using Elivepatch.Kernel.VirtualMachines;
using Elivepatch.Model;
using Xunit;

namespace Elivepatch.Kernel.Tests.OutOfTree;

/// <summary>Livepatches of a module that is built outside of the kernel's tree, from its own source.</summary>
public sealed class OutOfTreeModuleTests(StockKernel stock, PulseModule pulse) : IClassFixture<PulseModule>, IDisposable
{
    private const string Header = """
        --- a/pulse.h
        +++ b/pulse.h
        @@ -13,6 +13,6 @@ struct pulse_history {
         
         static inline unsigned int pulse_kept(const struct pulse_history *history)
         {
        -	return history->count < PULSE_VALUES ? history->count : PULSE_VALUES;
        +	return history->count < 2 ? history->count : 2;
         }
         

        """;

    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("out-of-tree-");

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => folder.Delete(recursive: true);

    [Fact]
    public async Task A_patch_for_the_source_of_a_DKMS_module_becomes_live_in_a_guest()
    {
        var built = StockKernel.Get(await BuildAsync(PulseModule.Source, [PulseModule.Patch]));
        Assert.Equal([("pulse_mean", "history.c")], built.Explanation.Functions.Select(f => (f.Name, f.Unit)));
        Assert.Equal(["pulse"], built.Explanation.Objects.Select(o => o.Name));
        Assert.Equal([("history.c", "bytes")], built.Explanation.Units.Select(u => (u.Unit, u.Proof)));

        var record = await stock.RecordAsync();
        var livepatch = Path.Combine(folder.FullName, built.Name + ".ko");
        await File.WriteAllBytesAsync(livepatch, built.Module, Cancellation);
        var given = StockKernel.Get(await GivenModules.ReadAsync(record, [pulse.InstalledFile], Cancellation));
        var trial = StockKernel.Get(
            await LivepatchTrial.RunAsync(
                new()
                {
                    Architecture = record.Facts.Architecture,
                    Kernel = record.BootImagePath!,
                    Modules = new(stock.Cache, record, given),
                    Cases =
                    [
                        new()
                        {
                            Name = "pulse",
                            Modules = [livepatch],
                            Script = await File.ReadAllTextAsync(PulseModule.Script, Cancellation),
                        },
                    ],
                },
                Cancellation
            )
        );
        Assert.Empty(trial[0].Problems);
    }

    [Fact]
    public async Task A_header_of_the_module_changes_every_unit_that_includes_it()
    {
        var built = StockKernel.Get(await BuildAsync(PulseModule.Source, [Write("header.patch", Header)]));
        Assert.Equal(
            [("pulse_mean", "history.c"), ("pulse_show", "main.c")],
            built.Explanation.Functions.Select(f => (f.Name, f.Unit)).Order()
        );
    }

    [Theory]
    [InlineData("history.c", "UINT_MAX)", "UINT_MAX - 1)")] // of a function that no patch touches
    [InlineData("Kbuild", "obj-m := pulse.o", "obj-m := pulse.o\nccflags-y += -O1")]
    [InlineData("Kbuild", "ccflags-$(CONFIG_PULSE_LOG)", "ccflags-$(CONFIG_PULSE_OTHER)")]
    [InlineData("pulse.h", "PULSE_VALUES 4", "PULSE_VALUES 8")]
    [InlineData("dkms.conf", "CONFIG_PULSE_LOG=y", "CONFIG_PULSE_LOG=n")]
    [InlineData("dkms.conf", "PACKAGE_VERSION=\"1.0\"", "PACKAGE_VERSION=\"1.1\"")] // a warning names its source file
    public async Task Another_source_than_that_of_the_installed_file_is_refused(string file, string from, string to)
    {
        // The genuine one is compiled before: nothing of it may be taken for this one.
        _ = StockKernel.Get(await BuildAsync(PulseModule.Source, [PulseModule.Patch]));
        var source = ChangedSource(file, from, to);
        var problem = Assert.Single((await BuildAsync(source, [PulseModule.Patch])).Problems);
        Assert.Equal(ProblemKind.Mismatch, problem.Code.Kind);
        Assert.InRange(problem.Code.Number, 301, 302);
    }

    [Fact]
    public async Task The_path_and_the_variables_of_the_build_may_be_given_and_the_path_may_be_known()
    {
        var source = Directory.CreateDirectory(Path.Combine(folder.FullName, "source")).FullName;
        PulseModule.CopyOfSource(source);
        File.Delete(Path.Combine(source, "dkms.conf"));
        var elsewhere = Assert.Single((await BuildAsync(source, [PulseModule.Patch])).Problems);
        Assert.Equal(ProblemKind.Mismatch, elsewhere.Code.Kind);

        var known = new ModuleSource(source, PulseModule.BuildPath, ["CONFIG_PULSE_LOG=y"]);
        Assert.True((await BuildAsync(known, [PulseModule.Patch])).Succeeded);

        // Debug information names whole paths, where nobody stripped it.
        var unstripped = StockKernel.Get(
            await GivenModules.ReadAsync(await stock.RecordAsync(), [pulse.UnstrippedFile], Cancellation)
        );
        var taken = await new ModuleSources(stock.Cache).TakeAsync(
            await stock.TreeAsync(),
            new(source, null, null),
            unstripped,
            Cancellation
        );
        Assert.Equal(PulseModule.BuildPath, StockKernel.Get(taken).Root);
    }

    [Fact]
    public async Task A_file_for_another_release_is_refused()
    {
        var record = await stock.RecordAsync();
        var other = Path.Combine(folder.FullName, "other.ko");
        var (own, another) = ($"vermagic={record.Facts.Release}", $"vermagic={record.Facts.Release[..^1]}x");
        var content = Encoding.Latin1.GetString(await File.ReadAllBytesAsync(pulse.InstalledFile, Cancellation));
        await File.WriteAllTextAsync(
            other,
            content.Replace(own, another, StringComparison.Ordinal),
            Encoding.Latin1,
            Cancellation
        );
        var problem = Assert.Single((await GivenModules.ReadAsync(record, [other], Cancellation)).Problems);
        Assert.Equal(RecordProblems.ModuleContradicts, problem.Code);
    }

    [Fact]
    public async Task Without_its_file_nothing_can_be_proven()
    {
        var problem = Assert.Single((await BuildAsync(PulseModule.Source, [PulseModule.Patch], withFile: false)).Problems);
        Assert.Equal(RecordProblems.ModuleMissing, problem.Code);
    }

    [Fact]
    public async Task A_patch_of_the_kernel_beside_one_of_the_module_is_refused()
    {
        var kernel = Path.Combine(Repository.Root, "examples", "meminfo-caps.patch");
        var problem = Assert.Single((await BuildAsync(PulseModule.Source, [PulseModule.Patch, kernel])).Problems);
        Assert.Equal(PatchProblems.PatchOfTwoSources, problem.Code);
        Assert.Contains("fs/proc/meminfo.c", problem.Reason, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("ln -s /etc/passwd secret.h", "the link secret.h leads out of it")]
    [InlineData("ln -s ../../secret.h secret.h", "the link secret.h leads out of it")]
    [InlineData("mkfifo secret.h", "secret.h is neither a file, a directory nor a link")]
    [InlineData("rm Kbuild", "no Kbuild or Makefile at its top")]
    [InlineData("truncate -s 600M large.h", "more than 512 MiB")]
    public async Task A_source_that_is_not_one_by_itself_is_refused(string change, string reason)
    {
        PulseModule.CopyOfSource(folder.FullName);
        using var shell = System.Diagnostics.Process.Start(
            new System.Diagnostics.ProcessStartInfo("sh", ["-c", change]) { WorkingDirectory = folder.FullName }
        )!;
        await shell.WaitForExitAsync(Cancellation);
        var taken = await new ModuleSources(stock.Cache).TakeAsync(
            await stock.TreeAsync(),
            new(folder.FullName, null, null),
            GivenModules.None,
            Cancellation
        );
        var problem = Assert.Single(taken.Problems);
        Assert.Equal(CompileProblems.ModuleSourceUnusable, problem.Code);
        Assert.Contains(reason, problem.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_was_built_in_the_source_makes_no_difference_and_what_is_in_it_does()
    {
        PulseModule.CopyOfSource(folder.FullName);
        var first = await KeyAsync(folder.FullName, null);
        await File.WriteAllTextAsync(Path.Combine(folder.FullName, "history.o"), "built", Cancellation);
        Assert.Equal(first, await KeyAsync(folder.FullName, null));
        Assert.NotEqual(first, await KeyAsync(folder.FullName, "/srv/pulse"));
        await File.AppendAllTextAsync(Path.Combine(folder.FullName, "pulse.h"), "\n", Cancellation);
        Assert.NotEqual(first, await KeyAsync(folder.FullName, null));
    }

    private async Task<ContentDigest> KeyAsync(string source, string? path) =>
        StockKernel
            .Get(
                await new ModuleSources(stock.Cache).TakeAsync(
                    await stock.TreeAsync(),
                    new(source, path, null),
                    GivenModules.None,
                    Cancellation
                )
            )
            .Key;

    private Task<Outcome<BuildResult>> BuildAsync(string source, string[] patches, bool withFile = true) =>
        BuildAsync(new ModuleSource(source, null, null), patches, withFile);

    private async Task<Outcome<BuildResult>> BuildAsync(ModuleSource source, string[] patches, bool withFile = true) =>
        await new LivepatchBuild(stock.Cache).RunAsync(
            new(await stock.RecordAsync(), patches, [], "livepatch_pulse", Replace: true, KeepFolder: null)
            {
                ModuleSource = source,
                ModuleFiles = withFile ? [pulse.InstalledFile] : [],
            },
            Cancellation
        );

    private string ChangedSource(string file, string from, string to)
    {
        PulseModule.CopyOfSource(folder.FullName);
        var path = Path.Combine(folder.FullName, file);
        var text = File.ReadAllText(path);
        Assert.Contains(from, text, StringComparison.Ordinal);
        File.WriteAllText(path, text.Replace(from, to, StringComparison.Ordinal));
        return folder.FullName;
    }

    private string Write(string name, string text)
    {
        var path = Path.Combine(folder.FullName, name);
        File.WriteAllText(path, text);
        return path;
    }
}
