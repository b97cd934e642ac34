// In: the bytes of a file, trusted in nothing. Out: the graph of ElfObject, or an ElfFormatException that names the wrong
// structure. Every offset, size and index is checked before use, in unsigned 64-bit arithmetic that cannot wrap, and the
// memory taken is at most a constant factor of the file's size: sections may not share bytes, and the text of names
// (which may be shared, by offset) has a budget.
namespace Elivepatch.Elf;

/// <summary>Reads 64-bit ELF files of either byte order into an <see cref="ElfObject"/>.</summary>
public static partial class ElfReader
{
    /// <summary>
    /// Reads a whole file: a relocatable object, a kernel module, or a linked image. Bytes after the end of the ELF file, such
    /// as a module's signature, are no error; see <see cref="ElfObject.FileLength"/>. Program headers are not read.
    /// </summary>
    /// <exception cref="ElfFormatException">The bytes are not a well-formed 64-bit ELF file.</exception>
    public static ElfObject Read(byte[] file)
    {
        ArgumentNullException.ThrowIfNull(file);
        return new Reading(file).Read();
    }

    /// <summary>The state of one call: the file, its headers, and what each index stands for.</summary>
    private sealed partial class Reading(byte[] file)
    {
        private readonly ElfObject _elf = new();
        private ElfByteOrder _order;

        /// <summary>All section headers, the null one included.</summary>
        private SectionHeaderRecord[] _headers = [];

        /// <summary>By section index; null for the null section and for tables that the writer makes.</summary>
        private ElfSection?[] _sections = [];

        /// <summary>By symbol index; null for the null symbol.</summary>
        private ElfSymbol?[] _symbols = [];

        /// <summary>Section indexes of the tables; 0 where there is none.</summary>
        private uint _sectionNamesIndex,
            _symbolTableIndex,
            _symbolNamesIndex,
            _symbolIndexesIndex;

        private NameBudget _nameBudget = new(file.Length);

        private bool IsRelocatable => _elf.FileType == ElfFileType.Relocatable;

        public ElfObject Read()
        {
            ReadSectionHeaders(ReadFileHeader());
            FindTables();
            ReadSections();
            ReadSymbols();
            ResolveLinks();
            ReadRelocations();
            ReadGroups();
            return _elf;
        }

        private FileHeaderRecord ReadFileHeader()
        {
            var header = FileHeaderRecord.Read(file);
            if (header.Type is < (ushort)ElfFileType.Relocatable or > (ushort)ElfFileType.Shared)
            {
                throw new ElfFormatException($"file header: e_type {header.Type} is neither an object file nor an image");
            }

            _elf.FileType = (ElfFileType)header.Type;
            _order = _elf.Order = header.Order;
            _elf.Machine = header.Machine;
            _elf.OsAbi = header.OsAbi;
            _elf.AbiVersion = header.AbiVersion;
            _elf.Flags = header.Flags;
            _elf.Entry = header.Entry;

            ExtendFile(0, FileHeaderRecord.Size);
            if (header.ProgramHeaderCount != 0)
            {
                if (IsRelocatable)
                {
                    throw new ElfFormatException("file header: a relocatable file with program headers");
                }

                var size = (ulong)header.ProgramHeaderCount * header.ProgramHeaderSize;
                CheckRange("program headers", header.ProgramHeaderOffset, size);
                ExtendFile(header.ProgramHeaderOffset, size);
            }
            return header;
        }

        /// <summary>Counts a part that was checked as belonging to the ELF file.</summary>
        private void ExtendFile(ulong offset, ulong size) => _elf.FileLength = Math.Max(_elf.FileLength, (int)(offset + size));

        private void CheckRange(string structure, ulong offset, ulong size)
        {
            var length = (ulong)file.Length;
            if (offset > length || size > length - offset)
            {
                throw new ElfFormatException(
                    $"{structure}: 0x{size:x} bytes at offset 0x{offset:x} exceed the file of 0x{length:x} bytes"
                );
            }
        }

        /// <summary>The bytes of a section in the file; its range was checked with the headers.</summary>
        private ReadOnlySpan<byte> BytesOf(uint index) => file.AsSpan((int)_headers[index].Offset, (int)_headers[index].Size);
    }
}
