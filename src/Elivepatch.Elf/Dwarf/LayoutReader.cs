// In: the entries. Out: a layout for each struct, union and enum that has a size and a name.
namespace Elivepatch.Elf.Dwarf;

/// <summary>Reads the layouts of a unit's types.</summary>
internal sealed class LayoutReader(DebugEntries entries, DwarfStrings strings, LineTables lines, TypeSpelling spelling)
{
    /// <summary>Duplicates are looked for among so many; the search stays linear.</summary>
    private const int MostVariants = 16;

    public List<StructLayout> Read()
    {
        var layouts = new List<StructLayout>();
        var known = new Dictionary<(LayoutKind, bool, string, string?), List<StructLayout>>();
        var all = entries.All;
        for (var i = 0; i < all.Length; i++)
        {
            var layout = all[i].Tag switch
            {
                DwarfTag.StructureType or DwarfTag.UnionType or DwarfTag.EnumerationType => ReadLayout(i, i, isTypedef: false),
                DwarfTag.Typedef
                    when all[i].Type >= 0 && entries.NumberOf(all[i].Type) is var target && all[target].NameSection is null =>
                    ReadLayout(target, i, isTypedef: true),
                _ => null,
            };
            if (layout is null)
            {
                continue;
            }
            // Several units in one object, or several blocks of one function, declare the same type again and again.
            var key = (layout.Kind, layout.IsNamedByTypedef, layout.Name, layout.Scope);
            if (!known.TryGetValue(key, out var same))
            {
                known.Add(key, same = []);
            }

            if (same.Exists(s => layout.DifferenceFrom(s) is null))
            {
                continue;
            }

            if (same.Count < MostVariants)
            {
                same.Add(layout);
            }

            layouts.Add(layout);
        }
        return layouts;
    }

    /// <summary>The constants of all enums, with a name or without, in order of declaration.</summary>
    public List<EnumConstant> ReadConstants()
    {
        var constants = new List<EnumConstant>();
        var all = entries.All;
        for (var i = 0; i < all.Length; i++)
        {
            if (all[i].Tag != DwarfTag.Enumerator)
            {
                continue;
            }

            var type = all[i].Parent;
            var tag = type < 0 ? "" : strings.NameOf(in all[type]);
            constants.Add(new EnumConstant(strings.NameOf(in all[i]), all[i].Value, type, tag, type < 0 ? null : ScopeOf(type)));
        }
        return constants;
    }

    /// <summary>
    /// The layout of what a variable holds where the unit has no name for it; null where it holds nothing of that kind.
    /// </summary>
    public StructLayout? ReadUnnamed(int typeOffset)
    {
        var number = spelling.Unwrap(typeOffset, throughArrays: true);
        return number >= 0 && (entries.All[number].NameSection is null || ScopeOf(number) is not null)
            ? ReadLayout(number, number, isTypedef: false, mayBeUnnamed: true)
            : null;
    }

    private StructLayout? ReadLayout(int type, int named, bool isTypedef, bool mayBeUnnamed = false)
    {
        ref readonly var entry = ref entries.All[type];
        var name = strings.NameOf(in entries.All[named]);
        if ((name.Length == 0 && !mayBeUnnamed) || entry.ByteSize < 0 || entry.IsDeclaration)
        {
            return null;
        }

        LayoutKind? kind = entry.Tag switch
        {
            DwarfTag.StructureType => LayoutKind.Struct,
            DwarfTag.UnionType => LayoutKind.Union,
            DwarfTag.EnumerationType => LayoutKind.Enum,
            _ => null,
        };
        if (kind is null)
        {
            return null;
        }

        return new StructLayout
        {
            Kind = kind.Value,
            Name = name,
            IsNamedByTypedef = isTypedef,
            Scope = ScopeOf(named),
            Declared = new SourceLine(lines.FileOf(entries.Units[entry.Unit], entries.All[named].File), entries.All[named].Line),
            Size = entry.ByteSize,
            Members = spelling.MembersOf(type),
        };
    }

    private string? ScopeOf(int number)
    {
        var function = entries.All[number].Subprogram;
        if (function < 0)
        {
            return null;
        }

        var named = EntryOrigin.Follow(entries, function);
        return strings.NameOf(in entries.All[named]);
    }
}
