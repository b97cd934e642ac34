namespace Elivepatch.Elf.Dwarf;

/// <summary>What the entries of one compilation unit share.</summary>
/// <param name="Version">DWARF version, 2 to 5.</param>
/// <param name="Offset">Offset of the unit's header in .debug_info, to which references are relative.</param>
internal sealed record DebugUnit(int Version, int Offset)
{
    /// <summary>DW_AT_stmt_list, the unit's line table in .debug_line; -1 without.</summary>
    public int StatementList { get; set; } = -1;

    /// <summary>File names by DW_AT_decl_file; null until somebody asks.</summary>
    public string?[]? Files { get; set; }
}
