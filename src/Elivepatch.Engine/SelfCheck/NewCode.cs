namespace Elivepatch.Engine.SelfCheck;

/// <summary>The place in the module that a list entry gives as new function.</summary>
/// <param name="Section">Section name.</param>
/// <param name="Offset">Offset in the section in bytes.</param>
/// <param name="Symbol">The function symbol at this place; null where there is none.</param>
/// <param name="Size">Size of that symbol in bytes; 0 without symbol.</param>
/// <param name="IsCode">True where the section holds instructions.</param>
/// <param name="HasFtraceEntry">True where the module's <c>__mcount_loc</c> has an entry for this function.</param>
public sealed record NewCode(string Section, ulong Offset, string? Symbol, ulong Size, bool IsCode, bool HasFtraceEntry);
