namespace Elivepatch.Elf.Dwarf;

/// <summary>A constant of an enum.</summary>
/// <param name="Name">Name; C has one for all enums of a scope.</param>
/// <param name="Value">Value.</param>
/// <param name="Enum">A number that the constants of one enum have in common.</param>
/// <param name="Tag">The enum's tag; empty where it has none.</param>
/// <param name="Scope">The function inside which it is declared, or null.</param>
public readonly record struct EnumConstant(string Name, long Value, int Enum, string Tag, string? Scope);
