// The symbol table, with names and places resolved.
namespace Elivepatch.Elf;

public static partial class ElfReader
{
    private sealed partial class Reading
    {
        private void ReadSymbols()
        {
            _symbols = new ElfSymbol?[1];
            if (_symbolTableIndex == 0)
            {
                return;
            }

            ref readonly var header = ref _headers[_symbolTableIndex];
            if (header.EntrySize != SymbolRecord.Size || header.Size % SymbolRecord.Size != 0)
            {
                throw new ElfFormatException(
                    $"symbol table: 0x{header.Size:x} bytes in entries of {header.EntrySize} are not an array of Elf64_Sym"
                );
            }
            var table = BytesOf(_symbolTableIndex);
            var count = table.Length / SymbolRecord.Size;
            if (count == 0)
            {
                return;
            }

            var indexes = _symbolIndexesIndex == 0 ? default : BytesOf(_symbolIndexesIndex);
            if (_symbolIndexesIndex != 0 && indexes.Length != count * sizeof(uint))
            {
                throw new ElfFormatException($"extended section indexes: 0x{indexes.Length:x} bytes for {count} symbols");
            }

            var names = new NameReader(BytesOf(_symbolNamesIndex), "symbol name table", count);
            _symbols = new ElfSymbol?[count];
            _elf.Symbols.EnsureCapacity(count);
            for (var i = 1; i < count; i++)
            {
                var record = SymbolRecord.Read(table[(i * SymbolRecord.Size)..], _order);
                var symbol = new ElfSymbol(names.Read(record.Name, ref _nameBudget))
                {
                    Binding = (ElfSymbolBinding)(record.Info >> 4),
                    Type = (ElfSymbolType)(record.Info & 0xf),
                    Other = record.Other,
                    Value = record.Value,
                    Size = record.ObjectSize,
                };
                SetPlace(symbol, i, record.SectionIndex, indexes);
                _symbols[i] = symbol;
                _elf.Symbols.Add(symbol);
            }
            if (IsRelocatable)
            {
                CheckLocalsFirst(header.Info);
            }
        }

        private void SetPlace(ElfSymbol symbol, int number, ushort index, ReadOnlySpan<byte> extendedIndexes)
        {
            uint section = index;
            switch (index)
            {
                case SectionIndexes.Undefined:
                    return;
                case SectionIndexes.Absolute:
                    symbol.Place = ElfSymbolPlace.Absolute;
                    return;
                case SectionIndexes.Common:
                    symbol.Place = ElfSymbolPlace.Common;
                    return;
                case SectionIndexes.Livepatch:
                    symbol.Place = ElfSymbolPlace.Livepatch;
                    return;
                case SectionIndexes.Extended:
                    if (extendedIndexes.IsEmpty)
                    {
                        throw new ElfFormatException(
                            $"symbol {number} ({symbol.Name}): st_shndx refers to a table that is absent"
                        );
                    }

                    section = _order.ReadUInt32(extendedIndexes[(number * sizeof(uint))..]);
                    break;
                case >= SectionIndexes.FirstReserved:
                    symbol.Place = ElfSymbolPlace.Reserved;
                    symbol.ReservedIndex = index;
                    return;
            }
            var defining = section < _sections.Length ? _sections[section] : null;
            symbol.Section =
                defining
                ?? throw new ElfFormatException(
                    $"symbol {number} ({symbol.Name}): defined in section {section} of {_sections.Length}, which does not exist or is a table"
                );
            symbol.Place = ElfSymbolPlace.Section;
        }

        /// <summary>
        /// The order that the gABI asks for: <paramref name="firstGlobal"/> (sh_info) parts locals from the others.
        /// </summary>
        private void CheckLocalsFirst(uint firstGlobal)
        {
            if (firstGlobal > _symbols.Length)
            {
                throw new ElfFormatException($"symbol table: sh_info is {firstGlobal}, but there are {_symbols.Length} symbols");
            }

            for (var i = 1; i < _symbols.Length; i++)
            {
                if ((_symbols[i]!.Binding == ElfSymbolBinding.Local) != (i < firstGlobal))
                {
                    throw new ElfFormatException(
                        $"symbol {i} ({_symbols[i]!.Name}): on the wrong side of sh_info, {firstGlobal}"
                    );
                }
            }
        }

        private ElfSymbol? SymbolAt(uint index, string reference) =>
            index < _symbols.Length
                ? _symbols[index]
                : throw new ElfFormatException($"{reference}: symbol {index} of {_symbols.Length}");
    }
}
