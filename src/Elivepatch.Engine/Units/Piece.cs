using Elivepatch.Elf;

namespace Elivepatch.Engine.Units;

/// <summary>What a piece of an object file is.</summary>
public enum PieceKind
{
    /// <summary>A function that has an entry of its own.</summary>
    Function,

    /// <summary>The rarely executed part of a function, reached from its parent by jumps only.</summary>
    ColdPart,

    /// <summary>A variable or constant with a name.</summary>
    Variable,

    /// <summary>A mergeable string or constant.</summary>
    Literal,

    /// <summary>Data without a name, such as a jump table.</summary>
    Unnamed,

    /// <summary>Replacement code of alternatives.</summary>
    Replacement,

    /// <summary>An entry of a table that the code it describes refers to by its address.</summary>
    TableEntry,
}

/// <summary>
/// The smallest thing that the diff compares and a livepatch includes: one function, one datum, one string. It is a range of
/// a section, with everything that refers out of it and every table entry that describes it.
/// </summary>
public sealed class Piece(PieceKind kind, string name, ElfSection section, ulong start, ulong anchor, ulong end)
{
    /// <summary>What it is.</summary>
    public PieceKind Kind { get; } = kind;

    /// <summary>Name of the primary symbol; for pieces without one the section and offset.</summary>
    public string Name { get; } = name;

    /// <summary>Section that holds it.</summary>
    public ElfSection Section { get; } = section;

    /// <summary>First byte, as an offset in the section; padding in front of a function's entry included.</summary>
    public ulong Start { get; } = start;

    /// <summary>The offset that its symbol names; displacements count from here.</summary>
    public ulong Anchor { get; } = anchor;

    /// <summary>First byte behind it.</summary>
    public ulong End { get; } = end;

    /// <summary>All symbols at <see cref="Anchor"/>; the first is the primary one.</summary>
    public List<ElfSymbol> Symbols { get; } = [];

    /// <summary>References out of the piece, by offset.</summary>
    public IReadOnlyList<Reference> References
    {
        get;
        internal set
        {
            field = value;
            labelledFunctions = null;
        }
    } = [];

    /// <summary>
    /// For data the functions of which it holds places inside, cold parts counted to their function: labels as values, switch
    /// tables. Such a datum is part of the code of these functions. Empty for everything else.
    /// </summary>
    public IReadOnlyList<Piece> LabelledFunctions =>
        labelledFunctions ??= IsCode
            ? []
            : [.. References.Where(r => r.IsInsideFunction).Select(r => r.Piece!.Parent ?? r.Piece).Distinct()];

    private IReadOnlyList<Piece>? labelledFunctions;

    /// <summary>Table entries about places in this piece, in table order.</summary>
    public List<TableEntry> Entries { get; } = [];

    /// <summary>The cold part of a function.</summary>
    public Piece? Cold { get; internal set; }

    /// <summary>The function that a cold part belongs to; the code that a table entry describes.</summary>
    public Piece? Parent { get; internal set; }

    /// <summary>A branch to another function of the section that is too short to carry a relocation, or null.</summary>
    public string? ShortBranchTo { get; internal set; }

    /// <summary>Size in bytes.</summary>
    public ulong Size => End - Start;

    /// <summary>
    /// Alignment in bytes, a power of two, as far as the section tells: a piece from the middle of one is as aligned as its
    /// offset.
    /// </summary>
    public ulong Alignment => Math.Max(Start == 0 ? Section.Alignment : Math.Min(Section.Alignment, Start & ~(Start - 1)), 1);

    /// <summary>True for executable pieces.</summary>
    public bool IsCode => Kind is PieceKind.Function or PieceKind.ColdPart or PieceKind.Replacement;

    /// <summary>True where other objects can refer to the piece by name.</summary>
    public bool IsGlobal => Symbols.Exists(s => s.Binding != ElfSymbolBinding.Local);

    /// <summary>True where a fresh copy is as good as the running kernel's.</summary>
    public bool IsThrowaway => Kind == PieceKind.Variable && SymbolNames.IsThrowaway(Name);

    /// <summary>True for constant data.</summary>
    public bool IsConstant => Kind is PieceKind.Variable or PieceKind.Unnamed && SectionRules.IsConstant(Section);

    /// <summary>
    /// True where the compiler gave the function an ftrace entry: a call of <c>__fentry__</c>, which a livepatch needs to divert
    /// it. Where recordmcount or objtool made a NOP of the call, its relocation is left, as one of no type.
    /// </summary>
    public bool HasFtraceEntry { get; internal set; }

    /// <summary>The bytes; empty where the section takes no room in the file.</summary>
    public ReadOnlySpan<byte> Bytes =>
        Section.Type == ElfSectionType.NoBits ? [] : Section.Content.AsSpan((int)Start, (int)(End - Start));

    /// <inheritdoc/>
    public override string ToString() => Name;
}
