namespace Elivepatch.Elf.Dwarf;

/// <summary>
/// A debugging information entry, with those of its attributes that this reader uses. Entries are numbered in the order of the
/// section, parents before children; -1 stands for none.
/// </summary>
internal struct DebugEntry
{
    /// <summary>Offset in .debug_info.</summary>
    public int Offset;

    public DwarfTag Tag;

    /// <summary>The number after the last of this entry's children, so of its next sibling where it has one.</summary>
    public int End;

    public int Parent;

    /// <summary>The nearest enclosing subprogram.</summary>
    public int Subprogram;

    /// <summary>The nearest enclosing subprogram or inlined subroutine.</summary>
    public int Function;

    /// <summary>The section that holds the name, and where.</summary>
    public DwarfSection? NameSection;
    public int NameOffset;

    /// <summary>DW_AT_type, as an offset in .debug_info.</summary>
    public int Type;

    /// <summary>DW_AT_abstract_origin, as an offset in .debug_info.</summary>
    public int AbstractOrigin;

    /// <summary>DW_AT_specification, as an offset in .debug_info.</summary>
    public int Specification;

    /// <summary>DW_AT_decl_file and the unit whose line table has it.</summary>
    public int Unit;
    public int File;
    public int Line;

    public bool IsExternal;
    public bool IsDeclaration;

    /// <summary>DW_AT_noreturn.</summary>
    public bool NeverReturns;

    /// <summary>DW_AT_inline: bit 0 inlined, bit 1 declared inline; -1 where absent.</summary>
    public sbyte Inline;

    /// <summary>DW_AT_byte_size, -1 where absent.</summary>
    public long ByteSize;

    /// <summary>DW_AT_data_member_location in bytes.</summary>
    public long MemberOffset;

    /// <summary>DW_AT_bit_size; 0 where absent.</summary>
    public int BitSize;

    /// <summary>DW_AT_data_bit_offset, from the start of the struct; -1 where absent.</summary>
    public long DataBitOffset;

    /// <summary>DW_AT_bit_offset, from the highest bit of the storage unit; -1 where absent.</summary>
    public int OldBitOffset;

    /// <summary>
    /// DW_AT_const_value, or the number of elements from DW_AT_upper_bound or DW_AT_count, or a base type's DW_AT_encoding.
    /// </summary>
    public long Value;
    public bool HasValue;

    /// <summary>Relocations of DW_AT_low_pc and of the address in DW_AT_location.</summary>
    public int LowPc;
    public int Location;

    /// <summary>True where there is a DW_AT_location, of whatever form.</summary>
    public bool HasLocation;

    /// <summary>DW_AT_ranges, an offset in .debug_ranges or .debug_rnglists.</summary>
    public int Ranges;

    public static DebugEntry Empty =>
        new()
        {
            Parent = -1,
            Subprogram = -1,
            Function = -1,
            Type = -1,
            AbstractOrigin = -1,
            Specification = -1,
            Inline = -1,
            ByteSize = -1,
            DataBitOffset = -1,
            OldBitOffset = -1,
            LowPc = -1,
            Location = -1,
            Ranges = -1,
        };
}
