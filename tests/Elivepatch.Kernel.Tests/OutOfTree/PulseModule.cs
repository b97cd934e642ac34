using Elivepatch.Kernel.Processes;
using Elivepatch.Kernel.Trees;
using Xunit;

namespace Elivepatch.Kernel.Tests.OutOfTree;

/// <summary>
/// The module of <c>examples/out-of-tree-module</c>, built once for the stock kernel where and as DKMS builds it, and stripped as
/// DKMS strips it.
/// </summary>
public sealed class PulseModule(StockKernel stock) : IAsyncLifetime
{
    /// <summary>Where DKMS compiles it.</summary>
    public const string BuildPath = "/var/lib/dkms/pulse/1.0/build";

    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("pulse-module-");

    /// <summary>Its source.</summary>
    public static string Source { get; } = Path.Combine(Repository.Root, "examples", "out-of-tree-module");

    /// <summary>A patch for it.</summary>
    public static string Patch { get; } = Source + ".patch";

    /// <summary>The script that checks the patch.</summary>
    public static string Script { get; } = Source + ".sh";

    /// <summary>Its file.</summary>
    public string InstalledFile => Path.Combine(folder.FullName, "pulse.ko");

    /// <summary>The file as the linker left it, with debug information.</summary>
    public string UnstrippedFile => Path.Combine(folder.FullName, "unstripped", "pulse.ko");

    public async ValueTask InitializeAsync()
    {
        var tree = await stock.TreeAsync();
        CopyOfSource(folder.FullName);
        File.Copy((await stock.RecordAsync()).SymversPath!, Path.Combine(folder.FullName, "kernel.symvers"));
        await RunAsync(
            tree,
            "make",
            [
                "-C",
                PreparedTree.InsidePath,
                $"M={BuildPath}",
                "CONFIG_PULSE_LOG=y",
                $"KBUILD_EXTRA_SYMBOLS={BuildPath}/kernel.symvers",
                .. tree.MakeVariables,
                "modules",
            ]
        );
        Directory.CreateDirectory(Path.GetDirectoryName(UnstrippedFile)!);
        File.Copy(InstalledFile, UnstrippedFile);
        await RunAsync(tree, "strip", ["-g", "pulse.ko"]);
    }

    public ValueTask DisposeAsync()
    {
        folder.Delete(recursive: true);
        return ValueTask.CompletedTask;
    }

    /// <summary>Copies the source, for a test that changes it.</summary>
    public static void CopyOfSource(string to)
    {
        foreach (var file in new DirectoryInfo(Source).EnumerateFiles())
        {
            file.CopyTo(Path.Combine(to, file.Name));
        }
    }

    private async Task RunAsync(PreparedTree tree, string program, string[] arguments)
    {
        var result = StockKernel.Get(
            await Sandbox.RunAsync(
                new()
                {
                    File = program,
                    Arguments = arguments,
                    WorkingDirectory = BuildPath,
                    Environment = tree.Environment,
                    Binds = [.. tree.Binds, new(folder.FullName, BuildPath, Writable: true)],
                },
                CancellationToken.None
            )
        );
        Assert.True(result.Succeeded, result.Describe());
    }
}
