using Elivepatch.Kernel.Records;
using Elivepatch.Kernel.Trees;
using Elivepatch.Model;

namespace Elivepatch.Kernel.Import;

/// <summary>What the packages of a kernel carry, in the folder that becomes its record.</summary>
/// <param name="Release">The release.</param>
/// <param name="Folder">The folder.</param>
/// <param name="Image">The boot image, opened.</param>
/// <param name="Source">The source, once it is in the cache.</param>
internal sealed record PackageFiles(string Release, string Folder, BootImage Image, SourceArchive? Source)
{
    /// <summary>Members of a package that are to be unpacked, for tar: all but modules and what is for people.</summary>
    public static IReadOnlyList<string> WithoutModules { get; } =
    ["--exclude=./lib/modules/*/kernel", "--exclude=./usr/lib/modules/*/kernel", "--exclude=./usr/share"];

    /// <summary>The boot image.</summary>
    public string BootImagePath => Path.Combine(Folder, RecordFiles.BootImage);

    /// <summary>The configuration.</summary>
    public string ConfigPath => Path.Combine(Folder, RecordFiles.Config);

    /// <summary>The generated headers.</summary>
    public string HeadersPath => Path.Combine(Folder, RecordFiles.PackagedHeaders);

    /// <summary>Takes the files of interest out of unpacked packages.</summary>
    public static async Task<Outcome<PackageFiles>> ExtractAsync(
        DebianKernel kernel,
        string unpacked,
        string folder,
        CancellationToken cancellation
    )
    {
        var headers = Path.Combine(unpacked, "usr", "src", $"linux-headers-{kernel.Release}");
        string[] images =
        [
            Path.Combine(unpacked, "boot", $"vmlinuz-{kernel.Release}"),
            // From 7.x on.
            Path.Combine(unpacked, "usr", "lib", "modules", kernel.Release, "vmlinuz"),
        ];
        (string From, string To)[] files =
        [
            (images.FirstOrDefault(File.Exists) ?? images[0], RecordFiles.BootImage),
            // Not the one in /boot: from that the package removes keys and salt.
            (Path.Combine(headers, ".config"), RecordFiles.Config),
            (Path.Combine(headers, "Module.symvers"), RecordFiles.Symvers),
        ];
        foreach (var (from, to) in files)
        {
            if (!File.Exists(from))
            {
                return new Problem(
                    RecordProblems.PackageMissing,
                    $"the packages of {kernel.Release} carry no {Path.GetFileName(from)}"
                );
            }

            File.Copy(from, Path.Combine(folder, to));
        }
        // Where kbuild puts what it generates.
        string[] all = ["include/generated", kernel.Architecture.GeneratedHeaders];
        foreach (var generated in all.Where(g => Directory.Exists(Path.Combine(headers, g))))
        {
            CopyHeaders(Path.Combine(headers, generated), Path.Combine(folder, RecordFiles.PackagedHeaders, generated));
        }

        var bytes = await File.ReadAllBytesAsync(Path.Combine(folder, RecordFiles.BootImage), cancellation);
        var image = await BootImage.OpenAsync(bytes, cancellation);
        if (!image.Succeeded)
        {
            return Outcome<PackageFiles>.Failure(image.Problems);
        }

        await using (var stream = File.Create(Path.Combine(folder, RecordFiles.Vmlinux)))
        {
            await stream.WriteAsync(image.Value.Vmlinux, cancellation);
        }

        return new PackageFiles(kernel.Release, folder, image.Value, null);
    }

    private static void CopyHeaders(string from, string to)
    {
        foreach (var file in Directory.EnumerateFiles(from, "*.h", SearchOption.AllDirectories))
        {
            var target = Path.Combine(to, Path.GetRelativePath(from, file));
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            File.Copy(file, target);
        }
    }
}
