// In: a module's file. Out: for a function of it, the bytes that are in memory as they are in the file, wherever the module is
// loaded. All others the loader writes: relocated fields (apply_relocate_add()), and the instructions that tables name, for
// ftrace, static branches and calls, alternatives, mitigations (module_finalize()).
using Elivepatch.Elf;
using Elivepatch.Engine.Architectures;
using Elivepatch.Engine.Units;

namespace Elivepatch.Engine.Targets;

/// <summary>A function of a module, as far as the loader leaves it alone.</summary>
/// <param name="Section">Name of its section.</param>
/// <param name="Offset">Where it begins in that, in bytes.</param>
/// <param name="Size">
/// Bytes up to the next symbol of the section, which is how the kernel tells its size; null where there is no other symbol.
/// </param>
/// <param name="Code">Its bytes in the file, up to the end of its own symbol.</param>
/// <param name="Kept">Ranges of these that are in memory unchanged, by offset.</param>
public sealed record LoadedFunction(
    string Section,
    ulong Offset,
    ulong? Size,
    ReadOnlyMemory<byte> Code,
    IReadOnlyList<(int Start, int Length)> Kept
);

/// <summary>Reads the functions of a module's file.</summary>
internal sealed class LoadedCode(Architecture architecture, ElfObject file)
{
    // The length is a byte.
    private const int LongestAlternative = 255;

    private readonly Lazy<Dictionary<ElfSection, List<(ulong Start, ulong End)>>> sites = new(() =>
        FindSites(architecture, file)
    );

    /// <summary>Reads a function.</summary>
    /// <param name="function">Its symbol in the file.</param>
    public LoadedFunction Read(ElfSymbol function)
    {
        var section = function.Section!;
        var (start, end) = (function.Value, Math.Min(function.Value + function.Size, (ulong)section.Content.Length));
        var next = file
            .Symbols.Where(s => s.Section == section && s.Value > start && CountsForSizes(s))
            .Select(s => (ulong?)s.Value)
            .Min();
        end = Math.Max(Math.Min(end, next ?? end), start);
        var written = new List<(ulong Start, ulong End)>();
        foreach (var relocation in section.Relocations?.Entries ?? [])
        {
            if (relocation.Offset < end && relocation.Offset + sizeof(ulong) > start)
            {
                written.Add((relocation.Offset, relocation.Offset + (ulong)architecture.TypeOf(relocation).Size));
            }
        }

        var named = sites.Value.GetValueOrDefault(section, []).Where(s => s.Start < end && s.End > start).ToList();
        foreach (var instruction in architecture.Decode(section, start, end))
        {
            foreach (var site in named.Where(s => s.Start < instruction.End && s.End > instruction.Offset))
            {
                written.Add((Math.Min(site.Start, instruction.Offset), Math.Max(site.End, instruction.End)));
            }

            // What cannot be read may be anything up to the end.
            if (!instruction.IsValid)
            {
                written.Add((instruction.Offset, end));
                break;
            }
        }

        return new(
            section.Name,
            start,
            next - start,
            section.Content.AsMemory((int)start, (int)(end - start)),
            [.. Between(start, end, written).Select(r => ((int)(r.Start - start), (int)(r.End - r.Start)))]
        );
    }

    // find_kallsyms_symbol() and is_mapping_symbol(), kernel/module/kallsyms.c.
    private static bool CountsForSizes(ElfSymbol symbol) =>
        symbol.Name.Length > 0
        && !symbol.Name.StartsWith(".L", StringComparison.Ordinal)
        && !symbol.Name.StartsWith("L0", StringComparison.Ordinal)
        && symbol.Name[0] != '$';

    private static IEnumerable<(ulong Start, ulong End)> Between(ulong start, ulong end, List<(ulong Start, ulong End)> written)
    {
        foreach (var (first, last) in written.Order())
        {
            if (first > start)
            {
                yield return (start, Math.Min(first, end));
            }

            start = Math.Max(start, last);
            if (start >= end)
            {
                yield break;
            }
        }

        yield return (start, end);
    }

    private static Dictionary<ElfSection, List<(ulong Start, ulong End)>> FindSites(Architecture architecture, ElfObject file)
    {
        var found = new Dictionary<ElfSection, List<(ulong Start, ulong End)>>();
        foreach (var table in file.RelocationSections)
        {
            var isAlternatives = table.Target.Name == SectionRules.Alternatives;
            if (!isAlternatives && !SectionRules.ListsRewrittenSites(table.Target, architecture.Sections))
            {
                continue;
            }

            // The first field of an entry leads to the instruction; the next one that leads to such code begins another entry.
            ElfRelocation[] places = [.. table.Entries.Where(r => IsPlace(architecture, r)).OrderBy(r => r.Offset)];
            for (var i = 0; i < places.Length; i++)
            {
                var symbol = places[i].Symbol!;
                var site = unchecked(symbol.Value + (ulong)places[i].Addend);
                var entryEnd = i + 1 < places.Length ? places[i + 1].Offset : (ulong)table.Target.Content.Length;
                var entry = table.Target.Content.AsSpan((int)places[i].Offset, (int)(entryEnd - places[i].Offset));
                var length = isAlternatives ? architecture.Alternatives.LengthsOf(entry)?.Original ?? LongestAlternative : 1;
                if (!found.TryGetValue(symbol.Section!, out var sites))
                {
                    found.Add(symbol.Section!, sites = []);
                }

                sites.Add((site, site + (ulong)length));
            }
        }

        return found;
    }

    private static bool IsPlace(Architecture architecture, ElfRelocation relocation) =>
        relocation.Symbol?.Section is { } code
        && code.Has(ElfSectionFlags.Execute)
        && !architecture.Sections.Replacements.Contains(code.Name);
}
