using System.Buffers.Binary;

namespace Elivepatch.Elf.Tests;

/// <summary>Damages a file: at random, or in a field whose meaning is known. The same seed damages in the same way.</summary>
internal sealed class Mutation(int seed)
{
    private const int HeaderSize = 64,
        SymbolSize = 24,
        RelocationSize = 24;
    private static readonly (int Offset, int Size)[] FileHeaderFields =
    [
        (4, 1),
        (5, 1),
        (6, 1),
        (16, 2),
        (18, 2),
        (20, 4),
        (32, 8),
        (40, 8),
        (52, 2),
        (56, 2),
        (58, 2),
        (60, 2),
        (62, 2),
    ];
    private static readonly (int Offset, int Size)[] SectionFields =
    [
        (0, 4),
        (4, 4),
        (8, 8),
        (16, 8),
        (24, 8),
        (32, 8),
        (40, 4),
        (44, 4),
        (48, 8),
        (56, 8),
    ];
    private static readonly (int Offset, int Size)[] SymbolFields = [(0, 4), (4, 1), (5, 1), (6, 2), (8, 8), (16, 8)];
    private static readonly (int Offset, int Size)[] RelocationFields = [(0, 8), (8, 4), (12, 4), (16, 8)];

    private readonly Random _random = new(seed);

    public byte[] Apply(byte[] original)
    {
        byte[] file = [.. original];
        var rounds = 1 + _random.Next(3);
        for (var i = 0; i < rounds; i++)
        {
            switch (_random.Next(8))
            {
                case 0:
                    if (file.Length > 0)
                    {
                        file[_random.Next(file.Length)] ^= (byte)(1 << _random.Next(8));
                    }

                    break;
                case 1:
                    file = file[.._random.Next(file.Length + 1)];
                    break;
                case 2:
                    ChangeField(file, 0, FileHeaderFields);
                    break;
                case 3 or 4:
                    ChangeField(file, SomeSectionHeader(file), SectionFields);
                    break;
                case 5:
                    ChangeField(file, SomeEntry(file, 2, SymbolSize), SymbolFields);
                    break;
                case 6:
                    ChangeField(file, SomeEntry(file, 4, RelocationSize), RelocationFields);
                    break;
                default:
                    CopyRange(file);
                    break;
            }
        }
        return file;
    }

    /// <summary>Damages what the debugging information of a well-formed file says, where the ELF reader cannot see it.</summary>
    public void DamageDebugSections(ElfObject elf)
    {
        ElfSection[] sections =
        [
            .. elf.Sections.Where(s =>
                s.Name.StartsWith(".debug_", StringComparison.Ordinal)
                && s.Name is not (".debug_aranges" or ".debug_frame" or ".debug_loc")
            ),
        ];
        var rounds = 1 + _random.Next(6);
        for (var i = 0; i < rounds; i++)
        {
            var section = sections[_random.Next(sections.Length)];
            var content = section.Content;
            if (content.Length == 0)
            {
                continue;
            }

            var at = _random.Next(content.Length);
            switch (_random.Next(7))
            {
                case 0:
                    content[at] ^= (byte)(1 << _random.Next(8));
                    break;
                case 1:
                    content[at] = (byte)_random.Next(256);
                    break;
                case 2:
                    content[at] = (byte)(_random.Next(2) * 255);
                    break;
                case 3:
                    section.Content = content[..at];
                    break;
                case 4:
                    CopyRange(content);
                    break;
                case 5:
                    BitConverter.TryWriteBytes(content.AsSpan(at), (uint)Value(content.Length));
                    break;
                case 6 when section.Relocations is { Entries.Count: > 0 } relocations:
                    var entry = relocations.Entries[_random.Next(relocations.Entries.Count)];
                    entry.Addend = (long)Value(content.Length);
                    if (_random.Next(3) == 0)
                    {
                        entry.Offset = Value(content.Length);
                    }

                    if (_random.Next(3) == 0)
                    {
                        entry.Symbol = _random.Next(2) == 0 ? null : elf.Symbols[_random.Next(elf.Symbols.Count)];
                    }

                    break;
            }
        }
    }

    private long SomeSectionHeader(byte[] file)
    {
        if (file.Length < HeaderSize)
        {
            return -1;
        }

        long count = BinaryPrimitives.ReadUInt16LittleEndian(file.AsSpan(60));
        return BinaryPrimitives.ReadInt64LittleEndian(file.AsSpan(40)) + _random.NextInt64(Math.Max(count, 1)) * HeaderSize;
    }

    /// <summary>Where an entry of a section of this type stands, or -1.</summary>
    private long SomeEntry(byte[] file, uint type, int entrySize)
    {
        for (var attempt = 0; attempt < 50; attempt++)
        {
            var header = SomeSectionHeader(file);
            if (header < 0 || header > file.Length - HeaderSize)
            {
                return -1;
            }

            ReadOnlySpan<byte> fields = file.AsSpan((int)header);
            if (BinaryPrimitives.ReadUInt32LittleEndian(fields[4..]) != type)
            {
                continue;
            }

            var count = BinaryPrimitives.ReadInt64LittleEndian(fields[32..]) / entrySize;
            return BinaryPrimitives.ReadInt64LittleEndian(fields[24..]) + _random.NextInt64(Math.Max(count, 1)) * entrySize;
        }
        return -1;
    }

    private void ChangeField(byte[] file, long record, (int Offset, int Size)[] fields)
    {
        (var offset, var size) = fields[_random.Next(fields.Length)];
        if (record < 0 || record > file.Length - offset - size)
        {
            return;
        }

        var field = file.AsSpan((int)record + offset, size);
        Span<byte> value = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(value, Value(file.Length));
        value[..size].CopyTo(field);
    }

    /// <summary>Values at which arithmetic and tables have their edges, small numbers, and any.</summary>
    private ulong Value(int length) =>
        _random.Next(12) switch
        {
            0 => 0,
            1 => ulong.MaxValue,
            2 => (ulong)length,
            3 => (ulong)length + 1,
            4 => (ulong)length - (ulong)_random.Next(100),
            5 => 0x7fffffffffffffff,
            6 => ulong.MaxValue - (ulong)_random.Next(100),
            7 => 0xff00 + (ulong)_random.Next(256),
            8 => 1UL << _random.Next(64),
            9 => (ulong)_random.NextInt64(),
            _ => (ulong)_random.Next(40),
        };

    private void CopyRange(byte[] file)
    {
        if (file.Length == 0)
        {
            return;
        }

        var size = Math.Min(1 << _random.Next(8), file.Length);
        int from = _random.Next(file.Length - size + 1),
            to = _random.Next(file.Length - size + 1);
        file.AsSpan(from, size).CopyTo(file.AsSpan(to));
    }
}
