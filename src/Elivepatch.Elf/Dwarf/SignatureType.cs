namespace Elivepatch.Elf.Dwarf;

/// <summary>The type of a function's parameter or result.</summary>
/// <param name="Spelling">Type, spelled as in <see cref="LayoutMember.Type"/>, without qualifiers of the value itself.</param>
/// <param name="MutableSpelling">
/// The same without the <c>const</c> of what it points to; the same text where there is none.
/// </param>
/// <param name="ValueLayout">
/// Names how a struct, union or enum that is passed by value lies in memory: equal texts mean equal layouts. Empty for other
/// types.
/// </param>
public readonly record struct SignatureType(string Spelling, string MutableSpelling, string ValueLayout)
{
    /// <summary>
    /// True where a value of the type <paramref name="given"/> can stand where this is expected: the types are the same, or what
    /// the receiver has promised not to write is more than before.
    /// </summary>
    public bool Accepts(SignatureType given) =>
        ValueLayout == given.ValueLayout && (Spelling == given.Spelling || MutableSpelling == given.Spelling);

    /// <inheritdoc/>
    public override string ToString() => Spelling;
}
