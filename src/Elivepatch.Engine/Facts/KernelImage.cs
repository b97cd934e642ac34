// In: the kernel's ELF file as its boot image carries it, without symbols, and the symbols of the running kernel. Out: the bytes
// that the linker put at an address. The running kernel may have been moved as a whole (KASLR); _text, whose place both know,
// tells by how much.
using Elivepatch.Elf;
using Elivepatch.Engine.Architectures;
using Elivepatch.Model;

namespace Elivepatch.Engine.Facts;

/// <summary>
/// The linked kernel at the addresses of the link, and how these relate to the addresses of one running kernel.
/// </summary>
public sealed class KernelImage
{
    private readonly ElfSection[] sections;
    private readonly ulong lowest;

    private KernelImage(ElfSection[] sections, ulong lowest, ulong displacement)
    {
        this.sections = sections;
        this.lowest = lowest;
        Displacement = displacement;
    }

    /// <summary>
    /// By how many bytes the running kernel lies above the addresses of the link, modulo 2^64; 0 without KASLR.
    /// </summary>
    public ulong Displacement { get; }

    /// <summary>Brings the image and the symbols of the same running kernel together.</summary>
    /// <param name="architecture">The kernel's processor.</param>
    /// <param name="vmlinux">The image.</param>
    /// <param name="symbols">The symbols.</param>
    public static Outcome<KernelImage> Open(Architecture architecture, ElfObject vmlinux, KernelSymbols symbols)
    {
        ElfSection[] sections =
        [
            .. vmlinux.Sections.Where(s => s.Has(ElfSectionFlags.Alloc) && s.Size > 0).OrderBy(s => s.Address),
        ];
        if (vmlinux.FileType != ElfFileType.Executable || Array.Find(sections, s => s.Name == ".text") is not { } text)
        {
            return new Problem(
                FactProblems.UnusableImage,
                "the image is not a linked kernel: it has no section .text at an address"
            );
        }

        for (var i = 1; i < sections.Length; i++)
        {
            if (sections[i].Address - sections[i - 1].Address < sections[i - 1].Size)
            {
                return new Problem(
                    FactProblems.UnusableImage,
                    $"sections {sections[i - 1]} and {sections[i]} of the image overlap"
                );
            }
        }

        // arch/*/kernel/vmlinux.lds.S: the output section .text begins with _text.
        var start = symbols.Vmlinux.Named("_text");
        return start.Count == 1
            ? new KernelImage(sections, architecture.LowestAddress, unchecked(start[0].Address - text.Address))
            : new Problem(
                FactProblems.UnusableImage,
                $"the symbols have '_text' {start.Count} times, so nothing says where the image runs"
            );
    }

    /// <summary>An image whose sections lie where they run: no two of them overlap.</summary>
    internal static KernelImage Of(IEnumerable<ElfSection> sections) =>
        new([.. sections.Where(s => s.Size > 0).OrderBy(s => s.Address)], 0, 0);

    /// <summary>All sections that are loaded, by address.</summary>
    public IReadOnlyList<ElfSection> Sections => sections;

    /// <summary>The address of the link for an address of the running kernel.</summary>
    public ulong ToLink(ulong running) => running >= lowest ? unchecked(running - Displacement) : running;

    /// <summary>The address in the running kernel for an address of the link.</summary>
    public ulong ToRunning(ulong link) => link >= lowest ? unchecked(link + Displacement) : link;

    /// <summary>The section of this name, or null.</summary>
    public ElfSection? FindSection(string name) => Array.Find(sections, s => s.Name == name);

    /// <summary>The section that covers this address of the link, or null.</summary>
    public ElfSection? SectionAt(ulong link)
    {
        var low = 0;
        var high = sections.Length;
        while (low < high)
        {
            var middle = low + ((high - low) / 2);
            if (sections[middle].Address <= link)
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }

        return low > 0 && link - sections[low - 1].Address < sections[low - 1].Size ? sections[low - 1] : null;
    }

    /// <summary>
    /// The bytes from this address of the link to the end of the section it lies in; empty outside of all sections and in those
    /// that have no bytes in the file.
    /// </summary>
    public ReadOnlySpan<byte> BytesFrom(ulong link) =>
        SectionAt(link) is { } section && section.Type != ElfSectionType.NoBits
            ? section.Content.AsSpan((int)(link - section.Address))
            : default;
}
