using System.Text;
using Elivepatch.Elf;
using Elivepatch.Model;

namespace Elivepatch.Engine.Facts;

/// <summary>
/// The strings of section <c>.modinfo</c>: <c>key=value</c>, each ended by a zero byte, with more zero bytes between them as
/// alignment wants (<c>include/linux/moduleparam.h</c>).
/// </summary>
/// <param name="Entries">All entries in file order; keys may repeat.</param>
public sealed record ModuleInformation(IReadOnlyList<KeyValuePair<string, string>> Entries)
{
    /// <summary>Name that kbuild gave the module.</summary>
    public string? Name => First("name");

    /// <summary><c>Y</c> for a livepatch.</summary>
    public string? Livepatch => First("livepatch");

    /// <summary>Licence. Where there are several entries the kernel looks at the first.</summary>
    public string? License => First("license");

    /// <summary>Which kernel the module was built for: release and the options that change interfaces.</summary>
    public string? Vermagic => First("vermagic");

    /// <summary>Modules that must be loaded before.</summary>
    public IReadOnlyList<string> Depends => First("depends")?.Split(',', StringSplitOptions.RemoveEmptyEntries) ?? [];

    /// <summary>The same, as the kernel calls them: a file's name may have dashes, a module's never.</summary>
    public IEnumerable<string> NeededModules => Depends.Select(ModuleName.OfFile);

    /// <summary>Export namespaces that the module imports.</summary>
    public IReadOnlyList<string> ImportedNamespaces => [.. All("import_ns")];

    /// <summary>True where the kernel compares checksums of exported symbols.</summary>
    public bool HasModuleVersions => Vermagic?.Split(' ').Contains("modversions") ?? false;

    /// <summary>Version and patch level of the kernel the module was built for; null where the vermagic gives none.</summary>
    public Version? KernelVersion
    {
        get
        {
            var release = Vermagic?.Split(' ')[0] ?? "";
            var end = release.AsSpan().IndexOfAnyExcept(".0123456789");
            var numbers = (end < 0 ? release : release[..end]).Split('.');
            return numbers.Length >= 2 && int.TryParse(numbers[0], out var version) && int.TryParse(numbers[1], out var level)
                ? new(version, level)
                : null;
        }
    }

    /// <summary>What a module says of itself; nothing where it has no <c>.modinfo</c>.</summary>
    public static ModuleInformation Of(ElfObject module) => Read(module.FindSection(".modinfo")?.Content);

    /// <summary>Reads the content of <c>.modinfo</c>. What has no <c>=</c> is no entry, as for the kernel.</summary>
    public static ModuleInformation Read(ReadOnlySpan<byte> content)
    {
        var entries = new List<KeyValuePair<string, string>>();
        foreach (var range in content.Split((byte)0))
        {
            var text = content[range];
            var equals = text.IndexOf((byte)'=');
            if (equals > 0)
            {
                entries.Add(new(Encoding.Latin1.GetString(text[..equals]), Encoding.Latin1.GetString(text[(equals + 1)..])));
            }
        }

        return new(entries);
    }

    /// <summary>The first value of a key, or null.</summary>
    public string? First(string key) => All(key).FirstOrDefault();

    private IEnumerable<string> All(string key) => Entries.Where(e => e.Key == key).Select(e => e.Value);
}
