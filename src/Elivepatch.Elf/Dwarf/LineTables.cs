// In: .debug_line. Out: the file names that DW_AT_decl_file counts; the line programs themselves are not run.
using System.Text;

namespace Elivepatch.Elf.Dwarf;

/// <summary>File names from the headers of line number programs (DWARF 4 and 5, section 6.2.4).</summary>
internal sealed class LineTables(ElfObject elf, DwarfStrings strings)
{
    private const int PathContent = 1,
        DirectoryIndexContent = 2; // DW_LNCT_path, DW_LNCT_directory_index

    private readonly DwarfSection _lines = DwarfSection.Find(elf, ".debug_line");
    private readonly DwarfSection _strings = DwarfSection.Find(elf, ".debug_str");
    private readonly DwarfSection _lineStrings = DwarfSection.Find(elf, ".debug_line_str");
    private readonly Dictionary<int, string?[]> _known = [];

    /// <summary>Bytes of names made so far; headers that overlap could ask for the square of their size.</summary>
    private long _bytes;

    /// <summary>The name of a unit's file by its number in the unit; null where it has none.</summary>
    public string? FileOf(DebugUnit unit, int file)
    {
        if (unit.StatementList < 0 || _lines.Bytes.Length == 0)
        {
            return null;
        }

        unit.Files ??= Files(unit.StatementList);
        return (uint)file < (uint)unit.Files.Length ? unit.Files[file] : null;
    }

    private string?[] Files(int offset)
    {
        if (!_known.TryGetValue(offset, out var files))
        {
            _known.Add(offset, files = ReadHeader(offset));
        }

        return files;
    }

    private string?[] ReadHeader(int offset)
    {
        var cursor = _lines.At(offset);
        var length = cursor.ReadUInt32();
        if (length > cursor.Remaining)
        {
            throw cursor.Malformed($"a line table of 0x{length:x} bytes exceeds the section");
        }

        cursor = new DwarfCursor(_lines.Bytes.AsSpan(0, cursor.Offset + (int)length), _lines.Order, _lines.Name, cursor.Offset);
        int version = cursor.ReadUInt16();
        if (version is < 2 or > 5)
        {
            throw cursor.Malformed($"line table version {version} is not supported");
        }

        if (version >= 5)
        {
            cursor.Skip(2); // address size, segment selector size
        }

        cursor.Skip(4); // header length
        cursor.Skip(version >= 4 ? 5u : 4u); // instruction length, operations per instruction (from 4), default, line base, range
        int opcodes = cursor.ReadByte();
        cursor.Skip((ulong)Math.Max(opcodes - 1, 0));
        return version >= 5 ? ReadFormattedFiles(ref cursor) : ReadFiles(ref cursor);
    }

    /// <summary>
    /// Versions 2 to 4: directories, an empty name, files of name, directory, time and length, an empty name; from 1.
    /// </summary>
    private string?[] ReadFiles(ref DwarfCursor cursor)
    {
        var directories = new List<string> { "" };
        while (ReadString(ref cursor) is { Length: > 0 } directory)
        {
            directories.Add(directory);
        }

        var files = new List<string?> { null };
        while (ReadString(ref cursor) is { Length: > 0 } name)
        {
            var directory = cursor.ReadUnsigned();
            cursor.ReadUnsigned();
            cursor.ReadUnsigned();
            files.Add(Join(directory > 0 && directory < (ulong)directories.Count ? directories[(int)directory] : "", name));
        }
        return [.. files];
    }

    /// <summary>Version 5: each table says which contents in which forms its entries have; from 0.</summary>
    private string?[] ReadFormattedFiles(ref DwarfCursor cursor)
    {
        var directories = ReadFormattedTable(ref cursor);
        var files = ReadFormattedTable(ref cursor);
        // Directory 0 is the one the compiler ran in, to which other names are relative.
        return
        [
            .. files.Select(f =>
                Join(f.Directory > 0 && f.Directory < (ulong)directories.Length ? directories[f.Directory].Name : "", f.Name)
            ),
        ];
    }

    private (string Name, ulong Directory)[] ReadFormattedTable(ref DwarfCursor cursor)
    {
        var formats = new (ulong Content, DwarfForm Form)[cursor.ReadByte()];
        for (var i = 0; i < formats.Length; i++)
        {
            formats[i] = (cursor.ReadUnsigned(), (DwarfForm)(ushort)cursor.ReadUnsigned());
        }

        var count = cursor.ReadUnsigned();
        // No form used here takes no byte, so this bounds the work.
        if (count > (ulong)cursor.Remaining || (formats.Length == 0 && count > 0))
        {
            throw cursor.Malformed($"{count} entries do not fit in the table");
        }

        var entries = new (string Name, ulong Directory)[count];
        for (var i = 0; i < entries.Length; i++)
        {
            entries[i].Name = "";
            foreach ((var content, var form) in formats)
            {
                (var text, var value) = ReadForm(ref cursor, form);
                if (content == PathContent)
                {
                    entries[i].Name = text ?? "";
                }
                else if (content == DirectoryIndexContent)
                {
                    entries[i].Directory = value;
                }
            }
        }
        return entries;
    }

    private (string? Text, ulong Value) ReadForm(ref DwarfCursor cursor, DwarfForm form)
    {
        switch (form)
        {
            case DwarfForm.String:
                return (ReadString(ref cursor), 0);
            case DwarfForm.StringOffset or DwarfForm.LineStringOffset:
                var relocation = _lines.RelocationAt(cursor.Offset);
                var offset = _lines.OffsetOf(relocation, cursor.ReadUInt32());
                return (strings.Read(form == DwarfForm.StringOffset ? _strings : _lineStrings, offset), 0);
            case DwarfForm.UnsignedData:
                return (null, cursor.ReadUnsigned());
            case DwarfForm.Data1:
                return (null, cursor.ReadByte());
            case DwarfForm.Data2:
                return (null, cursor.ReadUInt16());
            case DwarfForm.Data4:
                return (null, cursor.ReadUInt32());
            case DwarfForm.Data8:
                return (null, cursor.ReadUInt64());
            case DwarfForm.Data16:
                cursor.Skip(16);
                return default;
            case DwarfForm.Block:
                cursor.Skip(cursor.ReadUnsigned());
                return default;
            default:
                throw cursor.Malformed($"form 0x{(int)form:x} is not supported");
        }
    }

    private string ReadString(ref DwarfCursor cursor)
    {
        var text = cursor.ReadString();
        Charge(text.Length);
        return Encoding.Latin1.GetString(text);
    }

    private string Join(string directory, string name)
    {
        Charge(directory.Length);
        return directory.Length == 0 || name.StartsWith('/') ? name : $"{directory}/{name}";
    }

    private void Charge(int length)
    {
        _bytes += length + 1;
        if (_bytes > 1_000_000 + 64L * _lines.Bytes.Length)
        {
            throw new ElfFormatException($"{_lines.Name}: the names are out of all proportion to the section");
        }
    }
}
