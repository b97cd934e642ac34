using Elivepatch.Model;
using Elivepatch.Protocol.Captures;

namespace Elivepatch.Kernel.Records;

/// <summary>Everything a builder needs to know of one kernel: the facts, and the files beside them.</summary>
/// <param name="Folder">The folder of the record.</param>
/// <param name="Facts">The small facts.</param>
public sealed record KernelRecord(string Folder, KernelFacts Facts)
{
    /// <summary>The configuration.</summary>
    public string ConfigPath => Path.Combine(Folder, RecordFiles.Config);

    /// <summary>The symbols with their addresses, as <c>/proc/kallsyms</c> gave them.</summary>
    public string KallsymsPath => Path.Combine(Folder, RecordFiles.Kallsyms);

    /// <summary>The exports with their CRCs, or null where nobody knows them.</summary>
    public string? SymversPath => Existing(RecordFiles.Symvers);

    /// <summary>The boot image, or null.</summary>
    public string? BootImagePath => Existing(RecordFiles.BootImage);

    /// <summary>The ELF file from the boot image, without symbols, or null.</summary>
    public string? VmlinuxPath => Existing(RecordFiles.Vmlinux);

    /// <summary>The generated headers that the kernel's own packages carry, to compare ours with, or null.</summary>
    public string? PackagedHeadersPath
    {
        get
        {
            var path = Path.Combine(Folder, RecordFiles.PackagedHeaders);
            return Directory.Exists(path) ? path : null;
        }
    }

    /// <summary>The base patches in order.</summary>
    public IReadOnlyList<string> BasePatchPaths =>
        [.. Facts.BasePatches.Select(p => Path.Combine(Folder, RecordFiles.BasePatches, p.Name))];

    /// <summary>Reads the configuration.</summary>
    public KernelConfig ReadConfig() => KernelConfig.Parse(File.ReadAllText(ConfigPath));

    /// <summary>The key of the source archive.</summary>
    public ContentDigest SourceKey => new(Facts.SourceDigest);

    /// <summary>The file of a module that the record itself has, or null.</summary>
    /// <param name="name">Its name, as the kernel calls it.</param>
    public string? ModulePath(string name) => Existing(Path.Combine(RecordFiles.Modules, name + ".ko"));

    private string? Existing(string name)
    {
        var path = Path.Combine(Folder, name);
        return File.Exists(path) ? path : null;
    }
}
