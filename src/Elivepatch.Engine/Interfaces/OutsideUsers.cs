using System.Globalization;
using Elivepatch.Elf;
using Elivepatch.Engine.Architectures;
using Elivepatch.Engine.Facts;
using Elivepatch.Engine.Fidelity;
using Elivepatch.Engine.Targets;

namespace Elivepatch.Engine.Interfaces;

/// <summary>
/// Finds code and data of the running kernel that refer to a function and that the patch's build does not compile again. The
/// linked image has no relocations any more, so every field is looked at that could hold the address. What only looks like a
/// reference makes a user too many, and never one too few.
/// </summary>
internal sealed class OutsideUsers(
    Architecture architecture,
    PatchTarget target,
    KernelImage image,
    IReadOnlyList<UnitPlacement> compiled
)
{
    private readonly List<(ulong Start, ulong End)> ranges =
    [
        .. compiled
            .SelectMany(u => u.Sections)
            .Where(s => s.Address is not null)
            .Select(s => (image.ToLink(s.Address!.Value), image.ToLink(s.Address!.Value) + s.Section.Size)),
    ];

    /// <summary>
    /// Where the function at this address of the running kernel is used, for people; null where nothing outside uses it.
    /// </summary>
    public string? FindFirst(ulong address)
    {
        var wanted = image.ToLink(address);
        foreach (var section in image.Sections.Where(s => s.Type != ElfSectionType.NoBits))
        {
            var found =
                section.Has(ElfSectionFlags.Execute) ? InCode(section, wanted)
                : IsData(section) ? InData(section, wanted)
                : null;
            if (found is { } place)
            {
                return Describe(place);
            }
        }

        return null;
    }

    // What ran at the start will not run again; .altinstr_replacement was copied into code that does.
    private ulong? InCode(ElfSection section, ulong wanted)
    {
        if (section.Name is ".init.text" or ".exit.text")
        {
            return null;
        }

        var bytes = section.Content.AsSpan();
        for (var i = 0; i + sizeof(int) <= bytes.Length; i++)
        {
            var place = section.Address + (ulong)i;
            if (architecture.MayLeadTo(bytes, i, place, wanted) && !IsCompiled(place))
            {
                return place;
            }
        }

        return null;
    }

    // Tables of places in code (__mcount_loc, .orc_unwind_ip) name every function and call none.
    private static bool IsData(ElfSection section) =>
        section.Name is ".rodata" or ".pci_fixup" || section.Name.StartsWith(".data", StringComparison.Ordinal);

    private ulong? InData(ElfSection section, ulong wanted)
    {
        var bytes = section.Content.AsSpan();
        for (var i = 0; i + sizeof(int) <= bytes.Length; i += sizeof(int))
        {
            var place = section.Address + (ulong)i;
            var isRelative = unchecked(place + (ulong)(int)architecture.Order.ReadUInt32(bytes[i..])) == wanted;
            var isPointer = i + sizeof(ulong) <= bytes.Length && architecture.Order.ReadUInt64(bytes[i..]) == wanted;
            if ((isRelative || isPointer) && !IsCompiled(place))
            {
                return place;
            }
        }

        return null;
    }

    private bool IsCompiled(ulong place) => ranges.Exists(r => place >= r.Start && place < r.End);

    private string Describe(ulong place)
    {
        var running = image.ToRunning(place);
        return target.Symbols.AtOrBefore(running) is { } symbol && running - symbol.Address < 1 << 20
            ? string.Create(CultureInfo.InvariantCulture, $"{symbol.Name}+0x{running - symbol.Address:x}")
            : string.Create(CultureInfo.InvariantCulture, $"0x{running:x}");
    }
}
