namespace Elivepatch.Elf.Dwarf;

/// <summary>
/// One member of a struct or union, or one constant of an enum.
/// </summary>
/// <param name="Name">Name; the members of an unnamed struct or union inside appear as members of the outer one.</param>
/// <param name="Offset">Offset from the start in bytes; for an enum the constant's value.</param>
/// <param name="BitOffset">
/// Offset of a bit field in bits from <paramref name="Offset"/>, 0 to 7, counted from the lowest bit.
/// </param>
/// <param name="BitSize">Size of a bit field in bits; 0 where it is none.</param>
/// <param name="Type">
/// Type in C's spelling without the name, typedefs resolved: <c>struct foo *</c>, <c>int [4]</c>, <c>void (*)(int)</c>. A type
/// without any name stands with its members. What would be very long is shortened to a digest that still tells it apart.
/// </param>
public readonly record struct LayoutMember(string Name, long Offset, int BitOffset, int BitSize, string Type);
