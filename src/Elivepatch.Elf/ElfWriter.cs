// In: an ElfObject of type ET_REL. Out: the bytes of the file. The layout is fixed, so equal models give equal files: file
// header; the sections in the model's order; .symtab, .symtab_shndx where an index needs it, .strtab, .shstrtab; section
// headers. The writer checks that the graph is closed: whatever is referred to is in the model.
namespace Elivepatch.Elf;

/// <summary>Writes an <see cref="ElfObject"/> of type <see cref="ElfFileType.Relocatable"/>.</summary>
public static class ElfWriter
{
    /// <summary>
    /// Lays out and writes the whole file. Equal models give equal bytes. Symbols are written locals first, otherwise in the
    /// model's order; the model itself is not changed.
    /// </summary>
    /// <exception cref="ElfFormatException">
    /// The model is no relocatable file: it is of another type, a reference leads out of it, or a part contradicts itself.
    /// </exception>
    public static byte[] Write(ElfObject elf)
    {
        ArgumentNullException.ThrowIfNull(elf);
        return new Writing(elf).Write();
    }

    /// <summary>The state of one call: what index each part has, and the headers as they become known.</summary>
    private sealed class Writing
    {
        /// <summary>
        /// Sections are placed at multiples of their alignment, but of no more than a page: only the address in memory must be
        /// aligned, and a file must not grow without bound because a section asks for more.
        /// </summary>
        private const ulong LargestFileAlignment = 4096;

        private readonly ElfObject _elf;
        private readonly Dictionary<ElfSection, uint> _sectionIndexes;
        private readonly Dictionary<ElfSymbol, uint> _symbolIndexes;
        private readonly List<ElfSymbol> _symbols;
        private readonly int _firstGlobal;
        private readonly bool _extendedIndexes;
        private readonly NameTable _sectionNames = new();
        private readonly NameTable _symbolNames = new();
        private readonly SectionHeaderRecord[] _headers;
        private readonly uint _symbolTableIndex,
            _symbolNamesIndex,
            _sectionNamesIndex;

        /// <summary>Where the next part goes, and after the layout the end of the last section.</summary>
        private ulong _end = FileHeaderRecord.Size;

        public Writing(ElfObject elf)
        {
            _elf = elf;
            if (elf.FileType != ElfFileType.Relocatable)
            {
                throw new ElfFormatException($"only relocatable files can be written, not {elf.FileType}");
            }

            _sectionIndexes = new(elf.Sections.Count, ReferenceEqualityComparer.Instance);
            foreach (var section in elf.Sections)
            {
                if (!_sectionIndexes.TryAdd(section, (uint)_sectionIndexes.Count + 1))
                {
                    throw new ElfFormatException($"section {section.Name} is twice among the sections");
                }
            }

            _symbols = [.. elf.Symbols.Where(s => s.Binding == ElfSymbolBinding.Local)];
            _firstGlobal = _symbols.Count + 1;
            _symbols.AddRange(elf.Symbols.Where(s => s.Binding != ElfSymbolBinding.Local));
            _symbolIndexes = new(_symbols.Count, ReferenceEqualityComparer.Instance);
            foreach (var symbol in _symbols)
            {
                if (!_symbolIndexes.TryAdd(symbol, (uint)_symbolIndexes.Count + 1))
                {
                    throw new ElfFormatException($"symbol {symbol} is twice among the symbols");
                }
            }

            // A symbol needs the extended table once its section's index reaches the reserved range.
            _extendedIndexes =
                elf.Sections.Count >= SectionIndexes.FirstReserved
                && _symbols.Exists(s =>
                    s.Section is not null && IndexOf(s.Section, "symbol", s.Name) >= SectionIndexes.FirstReserved
                );
            var next = (uint)elf.Sections.Count + 1;
            _symbolTableIndex = next++;
            if (_extendedIndexes)
            {
                next++;
            }

            _symbolNamesIndex = next++;
            _sectionNamesIndex = next++;
            _headers = new SectionHeaderRecord[next];
        }

        public byte[] Write()
        {
            LayOutSections();
            LayOutTables();
            var headersOffset = AlignUp(_end, 8);
            var length = headersOffset + (ulong)_headers.Length * SectionHeaderRecord.RecordSize;
            if (length > (ulong)Array.MaxLength)
            {
                throw new ElfFormatException($"the file would take {length} bytes");
            }

            var file = new byte[length];
            WriteFileHeader(file, headersOffset);
            foreach (var section in _elf.Sections)
            {
                WriteSection(file.AsSpan(), section);
            }

            WriteSymbols(file);
            _symbolNames.CopyTo(file.AsSpan((int)_headers[_symbolNamesIndex].Offset));
            _sectionNames.CopyTo(file.AsSpan((int)_headers[_sectionNamesIndex].Offset));
            for (var i = 0; i < _headers.Length; i++)
            {
                _headers[i].Write(file.AsSpan((int)headersOffset + i * SectionHeaderRecord.RecordSize), _elf.Order);
            }

            return file;
        }

        private void LayOutSections()
        {
            foreach (var section in _elf.Sections)
            {
                ElfSectionRules.Check(section);
                if (section.Relocations is { } relocations)
                {
                    IndexOf(relocations, "relocations of", section.Name);
                }

                (var link, var info) = LinkAndInfo(section);
                var size = section switch
                {
                    ElfRelocationSection rela => (ulong)rela.Entries.Count * RelocationRecord.Size,
                    ElfGroupSection group => ((ulong)group.Members.Count + 1) * sizeof(uint),
                    _ => section.Size,
                };
                var empty = size == 0 || section.Type is ElfSectionType.NoBits or ElfSectionType.Null;
                Place(
                    _sectionIndexes[section],
                    section.Name,
                    empty ? 0 : size,
                    new SectionHeaderRecord(
                        0,
                        section.Type,
                        section.Flags,
                        section.Address,
                        0,
                        size,
                        link,
                        info,
                        section.Alignment,
                        section.EntrySize
                    )
                );
            }
        }

        /// <summary>Gives a section its place in the file, of <paramref name="fileSize"/> bytes, and its header.</summary>
        private void Place(uint index, string name, ulong fileSize, SectionHeaderRecord header)
        {
            // What takes no room needs no padding either.
            var offset = fileSize == 0 ? _end : AlignUp(_end, Math.Min(header.Alignment, LargestFileAlignment));
            _headers[index] = header with { Name = _sectionNames.Add(name), Offset = offset };
            _end = offset + fileSize;
            if (_end > (ulong)Array.MaxLength)
            {
                throw new ElfFormatException($"section {name}: the file would be larger than {Array.MaxLength} bytes");
            }
        }

        private (uint Link, uint Info) LinkAndInfo(ElfSection section)
        {
            switch (section)
            {
                case ElfRelocationSection rela:
                    return (_symbolTableIndex, IndexOf(rela.Target, "target of", rela.Name));
                case ElfGroupSection group:
                    return (_symbolTableIndex, group.Signature is null ? 0 : IndexOf(group.Signature, group.Name));
            }
            var link = section.LinkedTable switch
            {
                ElfTable.None => section.Link is null ? 0 : IndexOf(section.Link, "link of", section.Name),
                ElfTable.Symbols => _symbolTableIndex,
                ElfTable.SymbolNames => _symbolNamesIndex,
                ElfTable.SectionNames => _sectionNamesIndex,
                _ => throw new ElfFormatException($"section {section.Name}: link to {section.LinkedTable}"),
            };
            var info = section.InfoSection is null ? section.Info : IndexOf(section.InfoSection, "information of", section.Name);
            return (link, info);
        }

        private void LayOutTables()
        {
            var symbolCount = (ulong)_symbols.Count + 1;
            Place(
                _symbolTableIndex,
                ".symtab",
                symbolCount * SymbolRecord.Size,
                new SectionHeaderRecord(
                    0,
                    ElfSectionType.SymbolTable,
                    0,
                    0,
                    0,
                    symbolCount * SymbolRecord.Size,
                    _symbolNamesIndex,
                    (uint)_firstGlobal,
                    8,
                    SymbolRecord.Size
                )
            );
            if (_extendedIndexes)
            {
                Place(
                    _symbolTableIndex + 1,
                    ".symtab_shndx",
                    symbolCount * sizeof(uint),
                    new SectionHeaderRecord(
                        0,
                        ElfSectionType.SymbolTableIndexes,
                        0,
                        0,
                        0,
                        symbolCount * sizeof(uint),
                        _symbolTableIndex,
                        0,
                        sizeof(uint),
                        sizeof(uint)
                    )
                );
            }
            foreach (var symbol in _symbols)
            {
                _symbolNames.Add(symbol.Name);
            }

            PlaceNames(_symbolNamesIndex, ".strtab", _symbolNames);
            _sectionNames.Add(".shstrtab");
            PlaceNames(_sectionNamesIndex, ".shstrtab", _sectionNames);

            // Numbers that do not fit the file header stand in the null section's header.
            var large = _headers.Length >= SectionIndexes.FirstReserved;
            _headers[0] = new SectionHeaderRecord() with
            {
                Size = large ? (ulong)_headers.Length : 0,
                Link = _sectionNamesIndex >= SectionIndexes.FirstReserved ? _sectionNamesIndex : 0,
            };
        }

        private void PlaceNames(uint index, string name, NameTable names) =>
            Place(
                index,
                name,
                (ulong)names.Length,
                new SectionHeaderRecord(0, ElfSectionType.StringTable, 0, 0, 0, (ulong)names.Length, 0, 0, 1, 0)
            );

        private void WriteFileHeader(Span<byte> file, ulong sectionHeaderOffset) =>
            new FileHeaderRecord(
                _elf.Order,
                _elf.OsAbi,
                _elf.AbiVersion,
                (ushort)_elf.FileType,
                _elf.Machine,
                _elf.Entry,
                ProgramHeaderOffset: 0,
                sectionHeaderOffset,
                _elf.Flags,
                ProgramHeaderSize: 0,
                ProgramHeaderCount: 0,
                SectionHeaderRecord.RecordSize,
                SectionCount: _headers.Length < SectionIndexes.FirstReserved ? (ushort)_headers.Length : (ushort)0,
                SectionNamesIndex: _sectionNamesIndex < SectionIndexes.FirstReserved
                    ? (ushort)_sectionNamesIndex
                    : SectionIndexes.Extended
            ).Write(file);

        private void WriteSection(Span<byte> file, ElfSection section)
        {
            var place = file[(int)_headers[_sectionIndexes[section]].Offset..];
            switch (section)
            {
                case ElfRelocationSection rela:
                    WriteRelocations(place, rela);
                    break;
                case ElfGroupSection group:
                    WriteGroup(place, group);
                    break;
                default:
                    section.Content.CopyTo(place);
                    break;
            }
        }

        private void WriteRelocations(Span<byte> place, ElfRelocationSection section)
        {
            var limit = ElfSectionRules.RelocatableSize(section.Target);
            var at = 0;
            foreach (var entry in section.Entries)
            {
                if (entry.Offset > limit)
                {
                    throw new ElfFormatException($"section {section.Name}: {entry} is outside {section.Target.Name}");
                }

                var symbol = entry.Symbol is null ? 0 : IndexOf(entry.Symbol, section.Name);
                new RelocationRecord(entry.Offset, entry.Type, symbol, entry.Addend).Write(place[at..], _elf.Order);
                at += RelocationRecord.Size;
            }
        }

        private void WriteGroup(Span<byte> place, ElfGroupSection group)
        {
            _elf.Order.WriteUInt32(place, group.GroupFlags);
            for (var i = 0; i < group.Members.Count; i++)
            {
                var member = IndexOf(group.Members[i], "member of group", group.Name);
                _elf.Order.WriteUInt32(place[((i + 1) * sizeof(uint))..], member);
            }
        }

        private void WriteSymbols(Span<byte> file)
        {
            var table = file[(int)_headers[_symbolTableIndex].Offset..];
            var extended = _extendedIndexes ? file[(int)_headers[_symbolTableIndex + 1].Offset..] : default;
            for (var i = 0; i < _symbols.Count; i++)
            {
                var symbol = _symbols[i];
                if ((byte)symbol.Binding > 0xf || (byte)symbol.Type > 0xf)
                {
                    throw new ElfFormatException(
                        $"symbol {symbol}: binding {symbol.Binding} and type {symbol.Type} do not fit st_info"
                    );
                }

                var index = IndexOfPlace(symbol);
                var isExtended = symbol.Place == ElfSymbolPlace.Section && index >= SectionIndexes.FirstReserved;
                if (isExtended)
                {
                    _elf.Order.WriteUInt32(extended[((i + 1) * sizeof(uint))..], index);
                }

                new SymbolRecord(
                    _symbolNames.OffsetOf(symbol.Name),
                    (byte)(((byte)symbol.Binding << 4) | (byte)symbol.Type),
                    symbol.Other,
                    isExtended ? SectionIndexes.Extended : (ushort)index,
                    symbol.Value,
                    symbol.Size
                ).Write(table[((i + 1) * SymbolRecord.Size)..], _elf.Order);
            }
        }

        private uint IndexOfPlace(ElfSymbol symbol)
        {
            if ((symbol.Section is not null) != (symbol.Place == ElfSymbolPlace.Section))
            {
                throw new ElfFormatException(
                    $"symbol {symbol}: its place is {symbol.Place}, its section {symbol.Section?.Name ?? "none"}"
                );
            }

            return symbol.Place switch
            {
                ElfSymbolPlace.Undefined => SectionIndexes.Undefined,
                ElfSymbolPlace.Section => IndexOf(symbol.Section!, "section of symbol", symbol.Name),
                ElfSymbolPlace.Absolute => SectionIndexes.Absolute,
                ElfSymbolPlace.Common => SectionIndexes.Common,
                ElfSymbolPlace.Livepatch => SectionIndexes.Livepatch,
                ElfSymbolPlace.Reserved
                    when symbol.ReservedIndex is >= SectionIndexes.FirstReserved and < SectionIndexes.Extended =>
                    symbol.ReservedIndex,
                _ => throw new ElfFormatException($"symbol {symbol}: no such place, {symbol.Place} 0x{symbol.ReservedIndex:x}"),
            };
        }

        private uint IndexOf(ElfSection section, string role, string owner) =>
            _sectionIndexes.TryGetValue(section, out var index)
                ? index
                : throw new ElfFormatException($"{role} {owner}: {section.Name} is not among the sections");

        private uint IndexOf(ElfSymbol symbol, string owner) =>
            _symbolIndexes.TryGetValue(symbol, out var index)
                ? index
                : throw new ElfFormatException($"section {owner}: {symbol} is not among the symbols");

        private static ulong AlignUp(ulong offset, ulong alignment) =>
            alignment <= 1 ? offset : (offset + alignment - 1) & ~(alignment - 1);
    }
}
