// In: .debug_info and .debug_abbrev. Out: all entries of all units as one flat array in a single pass, with only the
// attributes that matter here; nothing is resolved yet.
using System.Runtime.InteropServices;

namespace Elivepatch.Elf.Dwarf;

/// <summary>The entries of an object's debug information (DWARF 4 and 5, section 7.5).</summary>
internal sealed class DebugEntries
{
    private readonly List<DebugEntry> _entries;
    private readonly List<DebugUnit> _units = [];
    private readonly Dictionary<int, Abbreviations> _abbreviations = [];
    private readonly DwarfSection _information,
        _abbreviationTables,
        _strings,
        _lineStrings;
    private int _relocation;

    /// <summary>
    /// Bytes of the abbreviation tables read so far. Tables that overlap could ask for the square of their size.
    /// </summary>
    private long _abbreviationBytes;

    public DebugEntries(ElfObject elf)
    {
        _information = DwarfSection.Find(elf, ".debug_info");
        _abbreviationTables = DwarfSection.Find(elf, ".debug_abbrev");
        _strings = DwarfSection.Find(elf, ".debug_str");
        _lineStrings = DwarfSection.Find(elf, ".debug_line_str");
        _entries = new List<DebugEntry>(_information.Bytes.Length / 8);
        var cursor = _information.At(0);
        while (cursor.Remaining > 0)
        {
            ReadUnit(ref cursor);
        }
    }

    public DwarfSection Information => _information;

    public ReadOnlySpan<DebugEntry> All => CollectionsMarshal.AsSpan(_entries);

    public IReadOnlyList<DebugUnit> Units => _units;

    /// <summary>The number of the entry at an offset in .debug_info, as a reference gives it.</summary>
    public int NumberOf(int offset)
    {
        var entries = All;
        int low = 0,
            high = entries.Length - 1;
        while (low <= high)
        {
            var middle = (low + high) >>> 1;
            var at = entries[middle].Offset;
            if (at == offset)
            {
                return middle;
            }

            if (at < offset)
            {
                low = middle + 1;
            }
            else
            {
                high = middle - 1;
            }
        }
        throw new ElfFormatException($"{_information.Name}: a reference to offset 0x{offset:x}, where no entry is");
    }

    private void ReadUnit(ref DwarfCursor section)
    {
        var start = section.Offset;
        var length = section.ReadUInt32();
        if (length >= 0xfffffff0)
        {
            throw section.Malformed("64-bit DWARF is not supported");
        }

        if (length > section.Remaining)
        {
            throw section.Malformed($"a unit of 0x{length:x} bytes exceeds the section");
        }

        var end = section.Offset + (int)length;
        var cursor = new DwarfCursor(_information.Bytes.AsSpan(0, end), _information.Order, _information.Name, section.Offset);
        section.Skip(length);

        int version = cursor.ReadUInt16();
        if (version is < 2 or > 5)
        {
            throw cursor.Malformed($"DWARF version {version} is not supported");
        }

        var unitType = version >= 5 ? cursor.ReadByte() : 1;
        var addressSize = version >= 5 ? cursor.ReadByte() : 8;
        var abbreviationOffset = ReadOffset(ref cursor);
        if (version < 5)
        {
            addressSize = cursor.ReadByte();
        }

        if (addressSize != 8)
        {
            throw cursor.Malformed($"addresses of {addressSize} bytes");
        }

        if (unitType is not (1 or 3)) // DW_UT_compile, DW_UT_partial; type and split units describe nothing that is used here
        {
            return;
        }

        if (!_abbreviations.TryGetValue(abbreviationOffset, out var abbreviations))
        {
            abbreviations = new Abbreviations(_abbreviationTables, abbreviationOffset);
            _abbreviations.Add(abbreviationOffset, abbreviations);
            _abbreviationBytes += abbreviations.Length;
            if (_abbreviationBytes > _abbreviationTables.Bytes.Length)
            {
                throw cursor.Malformed("the units' abbreviation tables overlap");
            }
        }
        var unit = new DebugUnit(version, start);
        _units.Add(unit);
        ReadEntries(ref cursor, unit, abbreviations);
    }

    private void ReadEntries(ref DwarfCursor cursor, DebugUnit unit, Abbreviations abbreviations)
    {
        var parent = -1;
        while (cursor.Remaining > 0)
        {
            var offset = cursor.Offset;
            var code = cursor.ReadUnsigned();
            if (code == 0)
            {
                if (parent < 0)
                {
                    continue; // padding after the unit's own entry
                }

                ref var closed = ref CollectionsMarshal.AsSpan(_entries)[parent];
                closed.End = _entries.Count;
                parent = closed.Parent;
                continue;
            }
            var abbreviation = abbreviations.Find(code) ?? throw cursor.Malformed($"an entry of unknown abbreviation {code}");
            var entry = DebugEntry.Empty;
            entry.Offset = offset;
            entry.Tag = abbreviation.Tag;
            entry.Unit = _units.Count - 1;
            entry.Parent = parent;
            SetEnclosing(ref entry);
            foreach (ref readonly var shape in abbreviation.Attributes.AsSpan())
            {
                ReadAttribute(ref cursor, unit, in shape, ref entry);
            }

            var number = _entries.Count;
            entry.End = number + 1;
            _entries.Add(entry);
            if (abbreviation.HasChildren)
            {
                parent = number;
            }
        }
        // Not every producer closes what is open at the end.
        for (; parent >= 0; parent = _entries[parent].Parent)
        {
            CollectionsMarshal.AsSpan(_entries)[parent].End = _entries.Count;
        }
    }

    private void SetEnclosing(ref DebugEntry entry)
    {
        if (entry.Parent < 0)
        {
            return;
        }

        ref readonly var parent = ref All[entry.Parent];
        entry.Subprogram = parent.Tag == DwarfTag.Subprogram ? entry.Parent : parent.Subprogram;
        entry.Function = parent.Tag is DwarfTag.Subprogram or DwarfTag.InlinedSubroutine ? entry.Parent : parent.Function;
    }

    private void ReadAttribute(ref DwarfCursor cursor, DebugUnit unit, in AttributeShape shape, ref DebugEntry entry)
    {
        var at = cursor.Offset;
        ulong value = 0;
        var reference = -1;
        var address = -1;
        var isConstant = false;
        switch (shape.Form)
        {
            case DwarfForm.Data1 or DwarfForm.Flag:
                value = cursor.ReadByte();
                isConstant = true;
                break;
            case DwarfForm.Data2:
                value = cursor.ReadUInt16();
                isConstant = true;
                break;
            case DwarfForm.Data4:
                value = cursor.ReadUInt32();
                isConstant = true;
                break;
            case DwarfForm.Data8:
                value = cursor.ReadUInt64();
                isConstant = true;
                break;
            case DwarfForm.UnsignedData:
                value = cursor.ReadUnsigned();
                isConstant = true;
                break;
            case DwarfForm.SignedData:
                value = (ulong)cursor.ReadSigned();
                isConstant = true;
                break;
            case DwarfForm.ImplicitConst:
                value = (ulong)shape.ImplicitValue;
                isConstant = true;
                break;
            case DwarfForm.FlagPresent:
                value = 1;
                isConstant = true;
                break;
            case DwarfForm.Reference1:
                reference = Relative(unit, cursor.ReadByte());
                break;
            case DwarfForm.Reference2:
                reference = Relative(unit, cursor.ReadUInt16());
                break;
            case DwarfForm.Reference4:
                reference = Relative(unit, cursor.ReadUInt32());
                break;
            case DwarfForm.Reference8:
                reference = Relative(unit, cursor.ReadUInt64());
                break;
            case DwarfForm.ReferenceUnsigned:
                reference = Relative(unit, cursor.ReadUnsigned());
                break;
            case DwarfForm.ReferenceAddress:
                reference = ReadOffset(ref cursor);
                break;
            case DwarfForm.SectionOffset:
                value = (ulong)ReadOffset(ref cursor);
                break;
            case DwarfForm.StringOffset or DwarfForm.LineStringOffset:
                var text = ReadOffset(ref cursor);
                if (shape.Attribute == DwarfAttribute.Name)
                {
                    entry.NameSection = shape.Form == DwarfForm.StringOffset ? _strings : _lineStrings;
                    entry.NameOffset = text;
                }
                return;
            case DwarfForm.String:
                cursor.ReadString();
                if (shape.Attribute == DwarfAttribute.Name)
                {
                    entry.NameSection = _information;
                    entry.NameOffset = at;
                }
                return;
            case DwarfForm.Address:
                address = _information.RelocationAt(at, ref _relocation);
                cursor.ReadUInt64();
                break;
            case DwarfForm.Expression or DwarfForm.Block:
                ReadBlock(ref cursor, cursor.ReadUnsigned(), shape.Attribute, ref entry);
                return;
            case DwarfForm.Block1:
                ReadBlock(ref cursor, cursor.ReadByte(), shape.Attribute, ref entry);
                return;
            case DwarfForm.Block2:
                ReadBlock(ref cursor, cursor.ReadUInt16(), shape.Attribute, ref entry);
                return;
            case DwarfForm.Block4:
                ReadBlock(ref cursor, cursor.ReadUInt32(), shape.Attribute, ref entry);
                return;
            case DwarfForm.Data16:
                cursor.Skip(16);
                return;
            case DwarfForm.Signature:
                cursor.Skip(8);
                return;
            default:
                throw cursor.Malformed($"attribute form 0x{(int)shape.Form:x} is not supported");
        }
        Store(shape.Attribute, value, isConstant, reference, address, unit, ref entry);
    }

    private static void Store(
        DwarfAttribute attribute,
        ulong value,
        bool isConstant,
        int reference,
        int address,
        DebugUnit unit,
        ref DebugEntry entry
    )
    {
        switch (attribute)
        {
            case DwarfAttribute.Type:
                entry.Type = reference;
                break;
            case DwarfAttribute.AbstractOrigin:
                entry.AbstractOrigin = reference;
                break;
            case DwarfAttribute.Specification:
                entry.Specification = reference;
                break;
            case DwarfAttribute.LowPc:
                entry.LowPc = address;
                break;
            case DwarfAttribute.DeclarationFile:
                entry.File = (int)Math.Min(value, int.MaxValue);
                break;
            case DwarfAttribute.DeclarationLine:
                entry.Line = (int)Math.Min(value, int.MaxValue);
                break;
            case DwarfAttribute.External:
                entry.IsExternal = value != 0;
                break;
            case DwarfAttribute.Declaration:
                entry.IsDeclaration = value != 0;
                break;
            case DwarfAttribute.NoReturn:
                entry.NeverReturns = value != 0;
                break;
            case DwarfAttribute.Inline:
                entry.Inline = (sbyte)(value & 3);
                break;
            case DwarfAttribute.Location:
                // An offset of a location list: the place changes along the function.
                entry.HasLocation = true;
                break;
            case DwarfAttribute.ByteSize when isConstant:
                entry.ByteSize = (long)value;
                break;
            case DwarfAttribute.DataMemberLocation when isConstant:
                entry.MemberOffset = (long)value;
                break;
            case DwarfAttribute.BitSize when isConstant:
                entry.BitSize = (int)Math.Min(value, int.MaxValue);
                break;
            case DwarfAttribute.BitOffset when isConstant:
                entry.OldBitOffset = (int)Math.Min(value, int.MaxValue);
                break;
            case DwarfAttribute.DataBitOffset when isConstant:
                entry.DataBitOffset = (long)(value & long.MaxValue);
                break;
            case DwarfAttribute.ConstValue or DwarfAttribute.Count or DwarfAttribute.Encoding when isConstant:
                entry.Value = (long)value;
                entry.HasValue = true;
                break;
            case DwarfAttribute.UpperBound when isConstant:
                entry.Value = unchecked((long)value + 1);
                entry.HasValue = true;
                break;
            case DwarfAttribute.Ranges:
                entry.Ranges = (int)Math.Min(value, int.MaxValue);
                break;
            case DwarfAttribute.StatementList when entry.Tag == DwarfTag.CompileUnit:
                unit.StatementList = (int)Math.Min(value, int.MaxValue);
                break;
        }
    }

    /// <summary>
    /// Of all expressions only the address of a static variable matters, DW_OP_addr (0x03) alone, and a member's old form.
    /// </summary>
    private void ReadBlock(ref DwarfCursor cursor, ulong size, DwarfAttribute attribute, ref DebugEntry entry)
    {
        const byte address = 0x03,
            plusUnsigned = 0x23;
        var block = cursor;
        cursor.Skip(size);
        entry.HasLocation |= attribute == DwarfAttribute.Location && size > 0;
        if (attribute == DwarfAttribute.Location && size == 9 && block.ReadByte() == address)
        {
            entry.Location = _information.RelocationAt(block.Offset, ref _relocation);
        }
        else if (attribute == DwarfAttribute.DataMemberLocation && size >= 2 && block.ReadByte() == plusUnsigned)
        {
            entry.MemberOffset = (long)block.ReadUnsigned();
        }
    }

    private int ReadOffset(ref DwarfCursor cursor)
    {
        var relocation = _information.RelocationAt(cursor.Offset, ref _relocation);
        return _information.OffsetOf(relocation, cursor.ReadUInt32());
    }

    private static int Relative(DebugUnit unit, ulong offset) =>
        offset <= int.MaxValue
            ? unit.Offset + (int)offset
            : throw new ElfFormatException($".debug_info: a reference to 0x{offset:x} in a unit");
}
