// In: the source package of the stock kernel. Out: a kernel that somebody configured, patched and built alone, and the record of
// it that comes from a capture in its own virtual machine and not from the folder in which it was built. It is built once.

using Elivepatch.Kernel.Architectures;
using Elivepatch.Kernel.Import;
using Elivepatch.Kernel.Processes;
using Elivepatch.Kernel.Records;
using Elivepatch.Kernel.Storage;
using Elivepatch.Kernel.Trees;
using Elivepatch.Kernel.VirtualMachines;
using Elivepatch.Machine;
using Elivepatch.Model;
using static Elivepatch.Kernel.Tests.StockKernel;

namespace Elivepatch.Kernel.Tests.SelfConfigured;

/// <summary>A small kernel with a configuration, a name and a base patch of its own.</summary>
public sealed class SelfConfiguredKernel : IDisposable
{
    // Raised whenever the script below makes another kernel of the same inputs.
    private const string Version = "1";
    private const string Image = "vmlinuz";
    private const string Symvers = "Module.symvers";

    // As anybody builds a kernel: by the compiler that is there, in a folder of another name than the product's.
    private const string Script = """
        set -e
        patch -p1 --fuzz=0 <base.patch
        make ARCH=x86 KCONFIG_ALLCONFIG=small.config allnoconfig
        while IFS== read -r option _; do
            case $option in CONFIG_*) grep -q "^$option=" .config || { echo "$option was not taken" >&2; exit 1; } ;; esac
        done <small.config
        make ARCH=x86 -j "$(nproc)" bzImage modules
        """;

    private static readonly EntryKind Kind = new("self-configured");

    private readonly StockKernel stock;
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("self-configured-");
    private readonly Lazy<Task<string>> built;
    private readonly Lazy<Task<string>> captured;

    public SelfConfiguredKernel(StockKernel stock)
    {
        this.stock = stock;
        built = new(BuildAsync);
        captured = new(CaptureAsync);
    }

    public CacheRoot Cache => stock.Cache;

    /// <summary>
    /// The record from capture, source and base patch. It takes the place of that with the boot image, whichever was imported
    /// first.
    /// </summary>
    public Task<KernelRecord> RecordAsync() => ImportAsync(image: false);

    /// <summary>The record of an import that got the boot image as well. It takes the place of the other.</summary>
    public Task<KernelRecord> RecordWithImageAsync() => ImportAsync(image: true);

    /// <summary>What the machine boots.</summary>
    public async Task<string> BootImageAsync() => Path.Combine(await built.Value, Image);

    public void Dispose() => folder.Delete(recursive: true);

    /// <summary>A file beside these tests.</summary>
    public static string Data(string name) => Path.Combine(AppContext.BaseDirectory, "SelfConfigured", name);

    private async Task<SourceArchive> SourceAsync() => Get(new SourceArchives(Cache).Find((await stock.RecordAsync()).SourceKey));

    private async Task<string> BuildAsync()
    {
        var source = await SourceAsync();
        var key = ContentDigest.OfParts(
            Version,
            source.Key.Hex,
            await File.ReadAllTextAsync(Data("small.config")),
            await File.ReadAllTextAsync(Data("base.patch"))
        );
        return Get(await Cache.GetAsync(Kind, key, entry => BuildAsync(source, entry), CancellationToken.None));
    }

    private async Task<Problem?> BuildAsync(SourceArchive source, string entry)
    {
        using var workspace = Cache.NewWorkspace();
        var tree = Directory.CreateDirectory(Path.Combine(workspace.FullPath, "linux")).FullName;
        if (await Archives.UnpackSourceAsync(source.FilePath, tree, CancellationToken.None) is { } problem)
        {
            return problem;
        }

        foreach (var name in new[] { "small.config", "base.patch" })
        {
            File.Copy(Data(name), Path.Combine(tree, name));
        }

        var made = await Sandbox.RunSuccessfullyAsync(
            new SandboxRequest
            {
                File = "bash",
                Arguments = ["-c", Script],
                Environment = new Dictionary<string, string>
                {
                    ["PATH"] = "/usr/bin:/bin",
                    ["HOME"] = "/tmp",
                    ["LC_ALL"] = "C",
                },
                Binds = [new(tree, "/linux", Writable: true)],
                WorkingDirectory = "/linux",
                Timeout = TimeSpan.FromHours(2),
                OutputLimit = 64 << 20,
            },
            "building the kernel",
            CancellationToken.None
        );
        if (!made.Succeeded)
        {
            return made.Problems[0];
        }

        File.Copy(Path.Combine(tree, "arch/x86/boot/bzImage"), Path.Combine(entry, Image));
        File.Copy(Path.Combine(tree, Symvers), Path.Combine(entry, Symvers));
        return null;
    }

    private async Task<string> CaptureAsync()
    {
        var kernel = await built.Value;
        var job = new GuestJob
        {
            Architecture = KernelArchitectures.X8664,
            Kernel = Path.Combine(kernel, Image),
            Script = GuestCapture.Script,
        };
        var result = Get(Get(await VirtualMachine.RunAsync(job, CancellationToken.None)).RequireSuccess());
        var root = Path.Combine(folder.FullName, "root");
        result.WriteFiles(root);
        // Whoever builds a kernel has the folder of the build behind /lib/modules/RELEASE/build; of it a capture takes the
        // exports.
        var release = (await File.ReadAllTextAsync(Path.Combine(root, "proc/sys/kernel/osrelease"))).Trim();
        var build = Directory.CreateDirectory(Path.Combine(root, "lib/modules", release, "build")).FullName;
        File.Copy(Path.Combine(kernel, Symvers), Path.Combine(build, Symvers));
        var path = Path.Combine(folder.FullName, "kernel.capture");
        await using var stream = File.Create(path);
        Get(new MachineCapture(root).Take()).Write(stream);
        return path;
    }

    private async Task<KernelRecord> ImportAsync(bool image)
    {
        var import = new CaptureImport(Cache) { BootImagePath = image ? await BootImageAsync() : null };
        return Get(
            await import.RunAsync(
                await captured.Value,
                (await SourceAsync()).FilePath,
                [Data("base.patch")],
                CancellationToken.None
            )
        );
    }
}
