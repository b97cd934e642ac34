// Section headers, the tables among them, and sections with their content and links.
namespace Elivepatch.Elf;

public static partial class ElfReader
{
    private sealed partial class Reading
    {
        private void ReadSectionHeaders(FileHeaderRecord header)
        {
            if (header.SectionHeaderOffset == 0)
            {
                if (header.SectionCount != 0 || header.SectionNamesIndex != 0)
                {
                    throw new ElfFormatException("file header: e_shnum or e_shstrndx without section headers");
                }

                return;
            }
            if (header.SectionHeaderSize != SectionHeaderRecord.RecordSize)
            {
                throw new ElfFormatException(
                    $"file header: e_shentsize is {header.SectionHeaderSize}, not {SectionHeaderRecord.RecordSize}"
                );
            }
            CheckRange("section header 0", header.SectionHeaderOffset, SectionHeaderRecord.RecordSize);
            ReadOnlySpan<byte> table = file.AsSpan((int)header.SectionHeaderOffset);
            var first = SectionHeaderRecord.Read(table, _order);

            // Numbers that do not fit the 16 bits of the file header stand in the null section's header.
            ulong count = header.SectionCount;
            if (count >= SectionIndexes.FirstReserved)
            {
                throw new ElfFormatException($"file header: e_shnum 0x{count:x} is a reserved value");
            }

            if (count == 0)
            {
                count = first.Size;
            }

            if (count == 0 || count > (ulong)table.Length / SectionHeaderRecord.RecordSize)
            {
                throw new ElfFormatException($"file header: {count} section headers do not fit in the file");
            }

            _sectionNamesIndex =
                header.SectionNamesIndex == SectionIndexes.Extended ? first.Link
                : header.SectionNamesIndex < SectionIndexes.FirstReserved ? header.SectionNamesIndex
                : throw new ElfFormatException($"file header: e_shstrndx 0x{header.SectionNamesIndex:x} is a reserved value");

            _headers = new SectionHeaderRecord[count];
            for (var i = 0; i < _headers.Length; i++)
            {
                _headers[i] = SectionHeaderRecord.Read(table[(i * SectionHeaderRecord.RecordSize)..], _order);
            }

            ExtendFile(header.SectionHeaderOffset, count * SectionHeaderRecord.RecordSize);
            CheckContents();
        }

        /// <summary>
        /// Every section's bytes lie in the file, and no two sections hold the same: without that, a small file could
        /// ask for the square of its size in memory.
        /// </summary>
        private void CheckContents()
        {
            var left = (ulong)file.Length;
            for (var i = 1; i < _headers.Length; i++)
            {
                ref readonly var header = ref _headers[i];
                if (header.Type is ElfSectionType.Null or ElfSectionType.NoBits)
                {
                    continue;
                }

                if (header.Offset > (ulong)file.Length || header.Size > (ulong)file.Length - header.Offset)
                {
                    CheckRange($"section {i}", header.Offset, header.Size);
                }

                if (header.Size > left)
                {
                    throw new ElfFormatException($"section {i}: the sections are larger than the file, so some overlap");
                }

                left -= header.Size;
                if (header.Size > 0)
                {
                    ExtendFile(header.Offset, header.Size);
                }
            }
        }

        /// <summary>Finds the tables that hold names and indexes only; they do not become sections of the model.</summary>
        private void FindTables()
        {
            if (_sectionNamesIndex != 0)
            {
                CheckTable("e_shstrndx", _sectionNamesIndex, ElfSectionType.StringTable);
            }

            for (uint i = 1; i < _headers.Length; i++)
            {
                if (_headers[i].Type != ElfSectionType.SymbolTable)
                {
                    continue;
                }

                if (_symbolTableIndex != 0)
                {
                    throw new ElfFormatException($"section {i}: a second symbol table");
                }

                _symbolTableIndex = i;
                _symbolNamesIndex = _headers[i].Link;
                CheckTable($"sh_link of the symbol table, section {i},", _symbolNamesIndex, ElfSectionType.StringTable);
            }
            for (uint i = 1; i < _headers.Length; i++)
            {
                if (_headers[i].Type != ElfSectionType.SymbolTableIndexes)
                {
                    continue;
                }

                if (_symbolIndexesIndex != 0)
                {
                    throw new ElfFormatException($"section {i}: a second table of extended section indexes");
                }

                if (_headers[i].Link != _symbolTableIndex || _symbolTableIndex == 0)
                {
                    throw new ElfFormatException($"section {i}: extended section indexes of no symbol table");
                }

                _symbolIndexesIndex = i;
            }
        }

        private void CheckTable(string reference, uint index, ElfSectionType type)
        {
            if (index == 0 || index >= _headers.Length || _headers[index].Type != type)
            {
                throw new ElfFormatException($"{reference} names section {index}, which is no {type}");
            }
        }

        private bool IsTable(uint index) =>
            index == _symbolTableIndex
            || index == _symbolNamesIndex
            || index == _sectionNamesIndex
            || index == _symbolIndexesIndex;

        private void ReadSections()
        {
            var names = _sectionNamesIndex == 0 ? default : BytesOf(_sectionNamesIndex);
            var reader = new NameReader(names, "section name table", _headers.Length);
            _sections = new ElfSection?[_headers.Length];
            _elf.Sections.EnsureCapacity(_headers.Length);
            for (uint i = 1; i < _headers.Length; i++)
            {
                if (IsTable(i))
                {
                    continue;
                }

                var section = MakeSection(i, reader.Read(_headers[i].Name, ref _nameBudget));
                _sections[i] = section;
                _elf.Sections.Add(section);
            }
        }

        private ElfSection MakeSection(uint index, string name)
        {
            ref readonly var header = ref _headers[index];
            if ((header.Alignment & (header.Alignment - 1)) != 0)
            {
                throw new ElfFormatException($"section {index} ({name}): alignment 0x{header.Alignment:x} is not a power of two");
            }

            ElfSection section;
            if (HoldsRelocations(index))
            {
                // The target may come later in the file: ReadRelocations sets it.
                section = new ElfRelocationSection(name, target: null!);
            }
            else if (header.Type == ElfSectionType.Group && IsRelocatable)
            {
                section = new ElfGroupSection(name);
            }
            else
            {
                if (IsRelocatable && header.Type is ElfSectionType.Rel)
                {
                    throw new ElfFormatException($"section {index} ({name}): relocations without addend in a 64-bit file");
                }

                section = new ElfSection(name, header.Type);
                if (header.Type == ElfSectionType.NoBits)
                {
                    section.NoBitsSize = header.Size;
                }
                else if (header.Type != ElfSectionType.Null)
                {
                    section.Content = BytesOf(index).ToArray();
                }
            }
            section.Flags = header.Flags;
            section.Address = header.Address;
            section.Alignment = header.Alignment;
            section.EntrySize = header.EntrySize;
            return section;
        }

        /// <summary>
        /// True for SHT_RELA that refers to the symbol table. A linked image also has some that refer to dynamic symbols or to
        /// no section; these stay plain bytes, as nothing here edits images.
        /// </summary>
        private bool HoldsRelocations(uint index)
        {
            ref readonly var header = ref _headers[index];
            if (header.Type != ElfSectionType.Rela)
            {
                return false;
            }

            return IsRelocatable
                || (
                    _symbolTableIndex != 0
                    && header.Link == _symbolTableIndex
                    && header.Info != 0
                    && header.Info < _headers.Length
                    && !IsTable(header.Info)
                );
        }

        /// <summary>Turns <c>sh_link</c> and <c>sh_info</c> of the plain sections into references.</summary>
        private void ResolveLinks()
        {
            for (uint i = 1; i < _headers.Length; i++)
            {
                var section = _sections[i];
                if (section is null or ElfRelocationSection or ElfGroupSection || section.Type == ElfSectionType.Null)
                {
                    continue;
                }

                var link = _headers[i].Link;
                section.LinkedTable =
                    link == 0 ? ElfTable.None
                    : link == _symbolTableIndex ? ElfTable.Symbols
                    : link == _symbolNamesIndex ? ElfTable.SymbolNames
                    : link == _sectionNamesIndex ? ElfTable.SectionNames
                    : ElfTable.None;
                if (link != 0 && section.LinkedTable == ElfTable.None)
                {
                    section.Link = SectionAt(link, $"sh_link of section {i} ({section.Name})");
                }

                if (section.Has(ElfSectionFlags.InfoLink) && _headers[i].Info != 0 && IsRelocatable)
                {
                    section.InfoSection = SectionAt(_headers[i].Info, $"sh_info of section {i} ({section.Name})");
                }
                else
                {
                    section.Info = _headers[i].Info;
                }
            }
        }

        private ElfSection SectionAt(uint index, string reference)
        {
            var section = index < _sections.Length ? _sections[index] : null;
            return section
                ?? throw new ElfFormatException(
                    $"{reference} names section {index} of {_sections.Length}, which does not exist or is a table of names and indexes"
                );
        }
    }
}
