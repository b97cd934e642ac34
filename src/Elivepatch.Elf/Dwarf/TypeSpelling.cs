// In: the entries of types. Out: one spelling for each, in C's own declarator syntax, that is equal in two units exactly if
// the types are. Typedefs are resolved, so that a typedef that changes its meaning is seen; a type with a tag is spelled by
// the tag alone, as its layout is compared by itself; a type without any name is spelled by its members.
using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Elivepatch.Elf.Dwarf;

/// <summary>Spells types; each once.</summary>
/// <param name="entries">The entries.</param>
/// <param name="strings">Their names.</param>
/// <param name="ofStorage">
/// True to spell what the bits of a type mean to whoever finds them in memory: qualifiers do not count, numbers are told apart by
/// kind and size alone, an enum without any name is its size (whoever compares units compares its constants by their names), and
/// what only a typedef names is spelled <c>typedef foo</c>.
/// </param>
internal sealed class TypeSpelling(DebugEntries entries, DwarfStrings strings, bool ofStorage = false)
{
    /// <summary>How deep types are nested without passing a name; more can only be a circle.</summary>
    private const int MostNesting = 100;

    /// <summary>Longer spellings are replaced by their digest, or nested types could double at each level.</summary>
    private const int LongestSpelling = 1000;

    private readonly Dictionary<int, Declarator> _known = [];
    private readonly Dictionary<int, string> _layouts = [];
    private int _nesting;

    /// <summary>Characters that may still be spelled. Real units need about one for each byte.</summary>
    private long _budget = 1_000_000 + 64L * entries.Information.Bytes.Length;

    [Flags]
    private enum Qualifiers
    {
        None = 0,
        Const = 1,
        Volatile = 2,
        Restrict = 4,
        Atomic = 8,
    }

    /// <summary>
    /// What stands before and after the declared name: <c>int (*</c> and <c>)(void)</c>. Qualifiers are a set, as a compiler puts
    /// them in an order that depends on the rest of the unit, and repeats them for an array and its elements.
    /// </summary>
    private readonly record struct Declarator(string Unqualified, string Right, Qualifiers Qualifiers = Qualifiers.None)
    {
        public string Left
        {
            get
            {
                if (Qualifiers == Qualifiers.None)
                {
                    return Unqualified;
                }

                var words = Qualifiers.ToString().ToLowerInvariant().Replace(",", "", StringComparison.Ordinal);
                return Unqualified.EndsWith('*') ? Unqualified + words : $"{words} {Unqualified}";
            }
        }

        public string Text
        {
            get
            {
                var left = Left;
                return Right.Length == 0 || left.EndsWith('*') || Right[0] == ')' ? left + Right : $"{left} {Right}";
            }
        }
    }

    /// <summary>The spelling of the type that an entry's DW_AT_type refers to; <c>void</c> without one.</summary>
    public string OfReference(int typeOffset) => Refer(typeOffset).Text;

    /// <summary>The spelling of what a typedef stands for; the typedef's own where that has no name.</summary>
    public string OfTypedef(int number) => Spell(number).Text;

    /// <summary>
    /// The members of a struct or union, those of unnamed ones inside lifted into it, or the constants of an enum.
    /// </summary>
    public List<LayoutMember> MembersOf(int number)
    {
        var members = new List<LayoutMember>();
        AddMembers(number, 0, members);
        return members;
    }

    /// <summary>The type of a parameter or result. Qualifiers of the value itself are the function's own affair.</summary>
    public SignatureType InSignature(int typeOffset)
    {
        var type = Refer(typeOffset) with { Qualifiers = Qualifiers.None };
        var mutable = type.Text;
        if (
            Unwrap(typeOffset, throughArrays: false) is var pointer
            && pointer >= 0
            && entries.All[pointer].Tag == DwarfTag.PointerType
        )
        {
            var target = Refer(entries.All[pointer].Type);
            if (target.Qualifiers.HasFlag(Qualifiers.Const))
            {
                mutable = PointerTo(target with { Qualifiers = target.Qualifiers & ~Qualifiers.Const }).Text;
            }
        }
        return new SignatureType(type.Text, mutable, ValueLayoutOf(typeOffset));
    }

    /// <summary>
    /// A digest of how the structs, unions and enums lie in memory that a value of this type consists of; empty where it has
    /// none. What it points at does not count.
    /// </summary>
    public string ValueLayoutOf(int typeOffset)
    {
        var number = Unwrap(typeOffset, throughArrays: true);
        if (
            number < 0
            || entries.All[number].Tag is not (DwarfTag.StructureType or DwarfTag.UnionType or DwarfTag.EnumerationType)
        )
        {
            return "";
        }

        if (_layouts.TryGetValue(number, out var known))
        {
            return known;
        }

        Enter(number);
        var all = entries.All;
        var text = new StringBuilder().Append(all[number].ByteSize).Append(' ');
        if (all[number].Tag != DwarfTag.EnumerationType)
        {
            foreach (var member in MembersOf(number))
            {
                text.Append(
                    CultureInfo.InvariantCulture,
                    $"{member.Type} {member.Name} {member.Offset}.{member.BitOffset}:{member.BitSize};"
                );
                Shorten(text);
            }
            for (var child = number + 1; child < all[number].End; child = all[child].End)
            {
                if (all[child].Tag != DwarfTag.Member)
                {
                    continue;
                }

                text.Append(ValueLayoutOf(all[child].Type));
                Shorten(text);
            }
        }
        _nesting--;
        var layout = Convert.ToHexStringLower(SHA256.HashData(Encoding.Latin1.GetBytes(text.ToString())).AsSpan(0, 8));
        _layouts.Add(number, layout);
        return layout;
    }

    /// <summary>The type itself, without typedefs and qualifiers, and for an array that of its elements; -1 for void.</summary>
    public int Unwrap(int typeOffset, bool throughArrays)
    {
        for (var i = 0; i < MostNesting; i++)
        {
            if (typeOffset < 0)
            {
                return -1;
            }

            var number = entries.NumberOf(typeOffset);
            var isWrapper =
                entries.All[number].Tag
                is DwarfTag.Typedef
                    or DwarfTag.ConstType
                    or DwarfTag.VolatileType
                    or DwarfTag.RestrictType
                    or DwarfTag.AtomicType;
            if (!isWrapper && !(throughArrays && entries.All[number].Tag == DwarfTag.ArrayType))
            {
                return number;
            }

            typeOffset = entries.All[number].Type;
        }
        throw new ElfFormatException($".debug_info at offset 0x{typeOffset:x}: a type that contains itself");
    }

    private Declarator Refer(int typeOffset) => typeOffset < 0 ? new("void", "") : Spell(entries.NumberOf(typeOffset));

    private Declarator Spell(int number)
    {
        if (_known.TryGetValue(number, out var known))
        {
            return known;
        }

        Enter(number);
        var spelled = SpellNew(number);
        _nesting--;
        var length = spelled.Unqualified.Length + spelled.Right.Length;
        _budget -= length;
        if (_budget < 0)
        {
            throw new ElfFormatException(".debug_info: the types are out of all proportion to the section");
        }

        if (length > LongestSpelling)
        {
            spelled = new Declarator(Digest(spelled.Text), "");
        }

        _known.Add(number, spelled);
        return spelled;
    }

    private void Enter(int number)
    {
        if (++_nesting > MostNesting)
        {
            throw new ElfFormatException($".debug_info at offset 0x{entries.All[number].Offset:x}: a type that contains itself");
        }
    }

    private Declarator SpellNew(int number)
    {
        ref readonly var entry = ref entries.All[number];
        switch (entry.Tag)
        {
            case DwarfTag.PointerType:
                return PointerTo(Refer(entry.Type));
            case DwarfTag.ConstType or DwarfTag.VolatileType or DwarfTag.RestrictType or DwarfTag.AtomicType when ofStorage:
                return Refer(entry.Type);
            case DwarfTag.ConstType:
                return Qualify(Qualifiers.Const, Refer(entry.Type));
            case DwarfTag.VolatileType:
                return Qualify(Qualifiers.Volatile, Refer(entry.Type));
            case DwarfTag.RestrictType:
                return Qualify(Qualifiers.Restrict, Refer(entry.Type));
            case DwarfTag.AtomicType:
                return Qualify(Qualifiers.Atomic, Refer(entry.Type));
            case DwarfTag.ArrayType:
                var element = Refer(entry.Type);
                return element with { Right = Dimensions(number) + element.Right };
            case DwarfTag.SubroutineType:
                var result = Refer(entry.Type);
                return new(result.Left, Parameters(number) + result.Right);
            case DwarfTag.Typedef:
                if (entry.Type >= 0 && IsAnonymous(entries.NumberOf(entry.Type)))
                {
                    return new(ofStorage ? $"typedef {strings.NameOf(in entry)}" : strings.NameOf(in entry), "");
                }

                return Refer(entry.Type);
            case DwarfTag.StructureType:
                return new(Aggregate("struct", number), "");
            case DwarfTag.UnionType:
                return new(Aggregate("union", number), "");
            case DwarfTag.EnumerationType when ofStorage && entry.NameSection is null:
                return new($"enumeration of {entry.ByteSize} bytes", "");
            case DwarfTag.EnumerationType:
                return new(Aggregate("enum", number), "");
            case DwarfTag.BaseType when ofStorage:
                return new($"{EncodingOf(entry.Value)} of {entry.ByteSize} bytes", "");
            case DwarfTag.BaseType or DwarfTag.UnspecifiedType:
                return new(strings.NameOf(in entry), "");
            default:
                throw new ElfFormatException($".debug_info at offset 0x{entry.Offset:x}: tag 0x{(int)entry.Tag:x} is not a type");
        }
    }

    // DW_ATE_* (DWARF 5, table 7.11): a character is a small number.
    private static string EncodingOf(long encoding) =>
        encoding switch
        {
            0x02 => "bool",
            0x05 or 0x06 => "signed",
            0x07 or 0x08 => "unsigned",
            _ => $"encoding {encoding}",
        };

    private static Declarator PointerTo(Declarator target)
    {
        var left = target.Left;
        var space = left.EndsWith('*') ? "" : " ";
        // An array or a function needs parentheses around the star; a pointer to one has them already.
        return target.Right.StartsWith('[') || target.Right.StartsWith('(')
            ? new($"{left}{space}(*", $"){target.Right}")
            : new($"{left}{space}*", target.Right);
    }

    private static Declarator Qualify(Qualifiers qualifier, Declarator type) =>
        type with
        {
            Qualifiers = type.Qualifiers | qualifier,
        };

    private bool IsAnonymous(int number)
    {
        ref readonly var entry = ref entries.All[number];
        return entry.NameSection is null
            && entry.Tag is (DwarfTag.StructureType or DwarfTag.UnionType or DwarfTag.EnumerationType);
    }

    private string Dimensions(int array)
    {
        var text = new StringBuilder();
        var all = entries.All;
        for (var child = array + 1; child < all[array].End && text.Length <= LongestSpelling; child = all[child].End)
        {
            if (all[child].Tag == DwarfTag.SubrangeType)
            {
                text.Append(all[child].HasValue ? $"[{all[child].Value}]" : "[]");
            }
        }
        return text.ToString();
    }

    private string Parameters(int function)
    {
        var text = new StringBuilder("(");
        var all = entries.All;
        for (var child = function + 1; child < all[function].End; child = all[child].End)
        {
            var parameter = all[child].Tag switch
            {
                DwarfTag.FormalParameter => OfReference(all[child].Type),
                DwarfTag.UnspecifiedParameters => "...",
                _ => null,
            };
            if (parameter is null)
            {
                continue;
            }

            if (text.Length > 1)
            {
                text.Append(", ");
            }

            text.Append(parameter);
            Shorten(text);
        }
        return text.Append(')').ToString();
    }

    private string Aggregate(string kind, int number)
    {
        ref readonly var entry = ref entries.All[number];
        var name = strings.NameOf(in entry);
        if (name.Length > 0)
        {
            return $"{kind} {name}";
        }

        var text = new StringBuilder($"{kind} {{");
        foreach (var member in MembersOf(number))
        {
            text.Append(member.Type.Length > 0 ? $" {member.Type}" : "").Append($" {member.Name} {member.Offset}");
            if (member.BitSize > 0)
            {
                text.Append($".{member.BitOffset}:{member.BitSize}");
            }

            text.Append(';');
            Shorten(text);
        }
        return text.Append(" }").ToString();
    }

    /// <summary>Replaces what has become long by its digest, so that no text grows without bound while it is made.</summary>
    private static void Shorten(StringBuilder text)
    {
        if (text.Length <= LongestSpelling)
        {
            return;
        }

        var digest = Digest(text.ToString());
        text.Clear().Append(digest);
    }

    private static string Digest(string text) =>
        $"{text[..40]}...#{Convert.ToHexStringLower(SHA256.HashData(Encoding.Latin1.GetBytes(text)).AsSpan(0, 8))}";

    private void AddMembers(int number, long start, List<LayoutMember> members)
    {
        var all = entries.All;
        Enter(number);
        for (var child = number + 1; child < all[number].End; child = all[child].End)
        {
            // Unnamed structs may be shared by many, so what is lifted out of them counts as well.
            if (--_budget < 0)
            {
                throw new ElfFormatException(".debug_info: the types are out of all proportion to the section");
            }

            ref readonly var entry = ref all[child];
            if (entry.Tag == DwarfTag.Enumerator)
            {
                members.Add(new LayoutMember(strings.NameOf(in entry), entry.Value, 0, 0, ""));
            }

            if (entry.Tag != DwarfTag.Member)
            {
                continue;
            }

            var type = entry.Type < 0 ? -1 : entries.NumberOf(entry.Type);
            if (entry.NameSection is null && type >= 0 && IsAnonymous(type))
            {
                AddMembers(type, start + entry.MemberOffset, members);
            }
            else
            {
                members.Add(Member(in entry, type, start));
            }
        }
        _nesting--;
    }

    private LayoutMember Member(in DebugEntry entry, int type, long start)
    {
        var offset = start + entry.MemberOffset;
        var bit = 0;
        if (entry.BitSize > 0)
        {
            // Two attributes, two ways to count: from the start of the struct, or from the top of the storage unit.
            var position = entry.MemberOffset * 8;
            if (entry.DataBitOffset >= 0)
            {
                position = entry.DataBitOffset;
            }
            else if (entry.OldBitOffset >= 0)
            {
                position += StorageSize(in entry, type) * 8 - entry.OldBitOffset - entry.BitSize;
            }

            offset = start + (position >> 3);
            bit = (int)(position & 7);
        }
        return new LayoutMember(strings.NameOf(in entry), offset, bit, entry.BitSize, OfReference(entry.Type));
    }

    private long StorageSize(in DebugEntry entry, int type)
    {
        var size = entry.ByteSize;
        for (var i = 0; i < MostNesting && size < 0 && type >= 0; i++)
        {
            size = entries.All[type].ByteSize;
            var next = entries.All[type].Type;
            type = next < 0 ? -1 : entries.NumberOf(next);
        }
        return Math.Max(size, 0);
    }
}
