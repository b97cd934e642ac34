namespace Elivepatch.Engine.SelfCheck;

/// <summary>One of the kernel's own tables, such as <c>__bug_table</c>.</summary>
/// <param name="Name">Section name.</param>
/// <param name="Size">Size in bytes.</param>
/// <param name="Entries">Number of entries; null where the size of an entry is not known.</param>
public sealed record TableSummary(string Name, ulong Size, ulong? Entries);
