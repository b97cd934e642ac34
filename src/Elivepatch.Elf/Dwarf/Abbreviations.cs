namespace Elivepatch.Elf.Dwarf;

/// <summary>One abbreviation: what the entries of one shape have in common (DWARF 4, section 7.5.3).</summary>
internal sealed record Abbreviation(DwarfTag Tag, bool HasChildren, AttributeShape[] Attributes);

/// <summary>An attribute's name and form; the value where the form is DW_FORM_implicit_const.</summary>
internal readonly record struct AttributeShape(DwarfAttribute Attribute, DwarfForm Form, long ImplicitValue);

/// <summary>The abbreviation table of one unit, by code.</summary>
internal sealed class Abbreviations
{
    /// <summary>
    /// No compiler makes entries with more attributes, and some forms take no byte: without a limit, a small hostile file
    /// could ask for the square of its size in work.
    /// </summary>
    private const int MostAttributes = 64;

    private readonly Dictionary<ulong, Abbreviation> _byCode = [];

    /// <summary>Compilers number the codes from 1 without gaps, so most are found by index.</summary>
    private readonly List<Abbreviation?> _dense = [null];

    public Abbreviations(DwarfSection section, int offset)
    {
        var cursor = section.At(offset);
        while (cursor.ReadUnsigned() is var code && code != 0)
        {
            var tag = (DwarfTag)Small(cursor.ReadUnsigned());
            var hasChildren = cursor.ReadByte() != 0;
            var attributes = new List<AttributeShape>();
            while (true)
            {
                var attribute = (DwarfAttribute)Small(cursor.ReadUnsigned());
                var form = (DwarfForm)Small(cursor.ReadUnsigned());
                if (attribute == 0 && form == 0)
                {
                    break;
                }

                if (attributes.Count == MostAttributes)
                {
                    throw cursor.Malformed($"abbreviation {code} has more than {MostAttributes} attributes");
                }

                attributes.Add(new AttributeShape(attribute, form, form == DwarfForm.ImplicitConst ? cursor.ReadSigned() : 0));
            }
            var abbreviation = new Abbreviation(tag, hasChildren, [.. attributes]);
            if (code == (ulong)_dense.Count)
            {
                _dense.Add(abbreviation);
            }
            else if (!_byCode.TryAdd(code, abbreviation) || code < (ulong)_dense.Count)
            {
                throw cursor.Malformed($"a second abbreviation {code}");
            }
        }
        Length = cursor.Offset - offset;
    }

    /// <summary>Length of the table in bytes.</summary>
    public int Length { get; }

    public Abbreviation? Find(ulong code) => code < (ulong)_dense.Count ? _dense[(int)code] : _byCode.GetValueOrDefault(code);

    /// <summary>Numbers that do not fit stand for what nobody knows.</summary>
    private static ushort Small(ulong number) => number <= ushort.MaxValue ? (ushort)number : ushort.MaxValue;
}
