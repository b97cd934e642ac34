namespace Elivepatch.Engine.Facts;

/// <summary>
/// Sizes and field offsets of the structures behind the kernel's tables, read from the target's own headers by compiling a
/// probe: never constants of ours, because they differ between versions and configurations.
/// </summary>
/// <param name="EntrySizes">Entry size in bytes by section name, such as <c>__bug_table</c>.</param>
/// <param name="FieldOffsets">Offset in bytes by structure and field, such as <c>bug_entry.line</c>.</param>
/// <param name="StructureSizes">Size in bytes by structure name, such as <c>module</c>.</param>
public sealed record EntryLayouts(
    IReadOnlyDictionary<string, int> EntrySizes,
    IReadOnlyDictionary<string, int> FieldOffsets,
    IReadOnlyDictionary<string, int> StructureSizes
)
{
    /// <summary>Entry size of a table in bytes, or null where the headers define none.</summary>
    public int? SizeOf(string section) => EntrySizes.TryGetValue(section, out var size) ? size : null;

    /// <summary>Offset of a field in bytes, or null where the structure has none.</summary>
    public int? OffsetOf(string field) => FieldOffsets.TryGetValue(field, out var offset) ? offset : null;
}
