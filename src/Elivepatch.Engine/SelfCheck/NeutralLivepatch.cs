using System.Text;
using Elivepatch.Elf;
using Elivepatch.Engine.Architectures;
using Elivepatch.Engine.Facts;

namespace Elivepatch.Engine.SelfCheck;

/// <summary>
/// Makes other livepatches of a finished one, for its trial: they need no compiler, and fit every kernel that the first one fits.
/// </summary>
public static class NeutralLivepatch
{
    private const string NamesSection = ".rodata.elivepatch_stand_in";

    /// <summary>The same livepatch under another name.</summary>
    /// <param name="file">The module.</param>
    /// <param name="name">The new name.</param>
    /// <param name="layouts">The target kernel's structure layouts where they are known.</param>
    public static byte[] Rename(byte[] file, string name, EntryLayouts? layouts = null)
    {
        var elf = ElfReader.Read(file);
        Rename(elf, name, layouts);
        return ElfWriter.Write(elf);
    }

    /// <summary>
    /// A livepatch that replaces all others and changes nothing: its functions are said to be those of modules that no kernel
    /// has, so the livepatch core waits for these and patches nothing. Null where the module's lists cannot be found in its data.
    /// </summary>
    /// <param name="file">The module.</param>
    /// <param name="name">Name of the new one.</param>
    /// <param name="layouts">The target kernel's structure layouts where they are known.</param>
    public static byte[]? Create(byte[] file, string name, EntryLayouts? layouts = null)
    {
        var elf = ElfReader.Read(file);
        if (KnownArchitectures.Of(elf) is not { } architecture)
        {
            return null;
        }

        var fields = new DataFields(architecture, elf);
        if (
            new StaticLists(architecture, elf, fields, new(elf, fields), layouts).FindStructures()
            is not { Objects.Count: > 0 } lists
        )
        {
            return null;
        }

        var replace = lists.Patch.Offset + (ulong)(layouts?.OffsetOf("klp_patch.replace") ?? (int)StaticLists.PatchReplace);
        if (replace >= (ulong)lists.Patch.Section.Content.Length)
        {
            return null;
        }

        lists.Patch.Section.Content[replace] = 1;

        var names = new ElfSection(NamesSection, ElfSectionType.ProgBits) { Flags = ElfSectionFlags.Alloc };
        var symbol = new ElfSymbol("")
        {
            Type = ElfSymbolType.Section,
            Place = ElfSymbolPlace.Section,
            Section = names,
        };
        foreach (var (index, place) in lists.Objects.Index())
        {
            if (place.Section.Relocations is not { } relocations)
            {
                return null;
            }

            relocations.Entries.RemoveAll(r => r.Offset == place.Offset);
            relocations.Entries.Add(new(place.Offset, architecture.Pointer.Number, symbol, names.Content.Length));
            names.Content =
            [
                .. names.Content,
                .. Encoding.ASCII.GetBytes(FormattableString.Invariant($"elivepatch_absent_{index}\0")),
            ];
        }

        elf.Sections.Add(names);
        elf.Symbols.Insert(0, symbol);
        Rename(elf, name, layouts);
        return ElfWriter.Write(elf);
    }

    private static void Rename(ElfObject elf, string name, EntryLayouts? layouts)
    {
        ModuleStart.Rename(elf, name, layouts);
        if (elf.FindSection(".modinfo") is not { } information)
        {
            return;
        }

        var texts = Encoding
            .Latin1.GetString(information.Content)
            .Split('\0', StringSplitOptions.RemoveEmptyEntries)
            .Select(t => t.StartsWith("name=", StringComparison.Ordinal) ? "name=" + name : t);
        information.Content = Encoding.Latin1.GetBytes(string.Concat(texts.Select(t => t + '\0')));
    }
}
