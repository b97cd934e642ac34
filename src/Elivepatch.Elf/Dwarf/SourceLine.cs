namespace Elivepatch.Elf.Dwarf;

/// <summary>
/// Where something is declared: file as the compiler was given it, directory included, and line from 1. Both null and 0 where
/// the compiler made the thing itself.
/// </summary>
public readonly record struct SourceLine(string? File, int Line)
{
    /// <inheritdoc/>
    public override string ToString() => $"{File}:{Line}";
}
