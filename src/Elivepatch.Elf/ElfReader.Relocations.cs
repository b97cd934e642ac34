// Relocation sections and section groups: the sections that refer to others and to symbols.
using System.Runtime.InteropServices;

namespace Elivepatch.Elf;

public static partial class ElfReader
{
    private sealed partial class Reading
    {
        private void ReadRelocations()
        {
            for (uint i = 1; i < _headers.Length; i++)
            {
                if (_sections[i] is ElfRelocationSection section)
                {
                    ReadRelocations(section, i);
                }
            }
        }

        private void ReadRelocations(ElfRelocationSection section, uint index)
        {
            ref readonly var header = ref _headers[index];
            if (header.Link != _symbolTableIndex)
            {
                throw new ElfFormatException(
                    $"section {index} ({section.Name}): relocations against section {header.Link}, no symbol table"
                );
            }

            if (header.EntrySize != RelocationRecord.Size || header.Size % RelocationRecord.Size != 0)
            {
                throw new ElfFormatException(
                    $"section {index} ({section.Name}): 0x{header.Size:x} bytes in entries of {header.EntrySize} are not an array of Elf64_Rela"
                );
            }
            var target = SectionAt(header.Info, $"sh_info of section {index} ({section.Name})");
            if (target is ElfRelocationSection or ElfGroupSection)
            {
                throw new ElfFormatException(
                    $"section {index} ({section.Name}): relocations of {target.Name}, which has no content"
                );
            }

            section.Target = target;
            if (!section.Has(ElfSectionFlags.RelaLivepatch))
            {
                target.Relocations ??= section;
            }

            // Only in a relocatable file is r_offset an offset in the target.
            var limit = IsRelocatable ? ElfSectionRules.RelocatableSize(target) : ulong.MaxValue;
            var table = BytesOf(index);
            var count = table.Length / RelocationRecord.Size;
            CollectionsMarshal.SetCount(section.Entries, count);
            var entries = CollectionsMarshal.AsSpan(section.Entries);
            for (var i = 0; i < count; i++)
            {
                var record = RelocationRecord.Read(table[(i * RelocationRecord.Size)..], _order);
                if (record.SymbolIndex >= _symbols.Length)
                {
                    SymbolAt(record.SymbolIndex, $"section {index} ({section.Name}), relocation {i}");
                }

                if (record.Offset > limit)
                {
                    throw new ElfFormatException(
                        $"section {index} ({section.Name}), relocation {i}: offset 0x{record.Offset:x} is outside {target.Name}"
                    );
                }
                entries[i] = new ElfRelocation(record.Offset, record.Type, _symbols[record.SymbolIndex], record.Addend);
            }
        }

        private void ReadGroups()
        {
            for (uint i = 1; i < _headers.Length; i++)
            {
                if (_sections[i] is ElfGroupSection group)
                {
                    ReadGroup(group, i);
                }
            }
        }

        private void ReadGroup(ElfGroupSection group, uint index)
        {
            ref readonly var header = ref _headers[index];
            if (header.EntrySize != sizeof(uint) || header.Size % sizeof(uint) != 0 || header.Size == 0)
            {
                throw new ElfFormatException(
                    $"section {index} ({group.Name}): 0x{header.Size:x} bytes in entries of {header.EntrySize} are not a section group"
                );
            }
            if (header.Link != _symbolTableIndex)
            {
                throw new ElfFormatException(
                    $"section {index} ({group.Name}): a group named by section {header.Link}, no symbol table"
                );
            }

            group.Signature = SymbolAt(header.Info, $"sh_info of section {index} ({group.Name})");
            var words = BytesOf(index);
            group.GroupFlags = _order.ReadUInt32(words);
            for (var i = sizeof(uint); i < words.Length; i += sizeof(uint))
            {
                var member = _order.ReadUInt32(words[i..]);
                group.Members.Add(SectionAt(member, $"section {index} ({group.Name}), member"));
            }
        }
    }
}
