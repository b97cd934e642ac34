using Elivepatch.Elf;
using Elivepatch.Engine.Architectures;

namespace Elivepatch.Engine.Units;

/// <summary>How a reference is used.</summary>
public enum ReferenceUse
{
    /// <summary>The target of a call or jump.</summary>
    Branch,

    /// <summary>An address that may be read, written or stored.</summary>
    Address,
}

/// <summary>
/// One relocation, understood: what it points at rather than how the assembler spelled it. A section symbol with an addend
/// has become the piece that it means.
/// </summary>
/// <param name="Offset">Offset of the relocated field from the start of the piece or table entry, in bytes.</param>
/// <param name="Type">Relocation type.</param>
/// <param name="Piece">The piece referred to when it is in this object, else null.</param>
/// <param name="External">The undefined or absolute symbol referred to otherwise; null for a relocation without symbol.</param>
/// <param name="Displacement">Bytes from the target's anchor (or symbol) to the address meant.</param>
/// <param name="Bias">
/// For PC-relative fields the bytes from the field to the end of its instruction: the processor adds the displacement to the
/// address of the next instruction, the relocation counts from the field. 0 for data and absolute fields.
/// </param>
/// <param name="Use">How it is used.</param>
public sealed record Reference(
    ulong Offset,
    RelocationType Type,
    Piece? Piece,
    ElfSymbol? External,
    long Displacement,
    int Bias,
    ReferenceUse Use
)
{
    /// <summary>Name of what is referred to.</summary>
    public string TargetName => Piece?.Name ?? External?.Name ?? "";

    /// <summary>
    /// True where the reference leads to a place of a function that is not its entry. A cold part has no entry: it is all inside.
    /// </summary>
    public bool IsInsideFunction =>
        Piece is { Kind: PieceKind.ColdPart } || (Piece is { Kind: PieceKind.Function } && Displacement != 0);

    /// <summary>
    /// True where the address is that of a memory operand: the instruction reads or writes what is there, and the address itself
    /// goes nowhere.
    /// </summary>
    public bool IsMemoryOperand { get; init; }

    /// <summary>True for the target of a call, which leaves a return address on the stack; false for that of a jump.</summary>
    public bool IsCall { get; init; }

    /// <summary>Size of the field in bytes, or 0 for types whose formula this engine does not know.</summary>
    public int FieldSize => Type.IsKnown ? Type.Size : 0;
}

/// <summary>One entry of a table such as <c>__bug_table</c>.</summary>
/// <param name="Table">The table's section.</param>
/// <param name="Offset">Offset of the entry in the table, in bytes.</param>
/// <param name="Size">Size of the entry in bytes.</param>
/// <param name="References">References in the entry; the first one to code names the owner.</param>
public sealed record TableEntry(ElfSection Table, ulong Offset, ulong Size, IReadOnlyList<Reference> References)
{
    /// <summary>The bytes of the entry.</summary>
    public ReadOnlySpan<byte> Bytes => Table.Content.AsSpan((int)Offset, (int)Size);
}
