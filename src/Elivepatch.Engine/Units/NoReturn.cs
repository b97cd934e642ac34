using Elivepatch.Elf;
using Elivepatch.Engine.Architectures;

namespace Elivepatch.Engine.Units;

/// <summary>
/// Tells functions that never return. The compiler leaves out what would lie behind a call of one; objtool has to know, and finds
/// it out by itself only of functions that it sees (<c>dead_end_function()</c>, <c>tools/objtool/check.c</c>).
/// </summary>
internal static class NoReturn
{
    /// <summary>
    /// True where no path leads out of a function: it has no return, and no jump to anything but itself or a function of its unit
    /// that never returns either. One that ends in a jump to such a function of another unit is not told. Nor is a weak one: the
    /// linker may have taken another for it.
    /// </summary>
    public static bool NeverReturns(Architecture architecture, Piece function) => NeverReturns(architecture, function, []);

    // Whatever is reached by jumps alone has to stay inside: what was seen already is looked at, or has been.
    private static bool NeverReturns(Architecture architecture, Piece function, HashSet<Piece> seen) =>
        !seen.Add(function)
        || (
            !function.Symbols.Exists(s => s.Binding == ElfSymbolBinding.Weak)
            && StaysInside(architecture, function, seen)
            && (function.Cold is not { } cold || StaysInside(architecture, cold, seen))
        );

    private static bool StaysInside(Architecture architecture, Piece piece, HashSet<Piece> seen)
    {
        var function = piece.Parent ?? piece;
        var branches = piece.References.Where(r => r.Use == ReferenceUse.Branch).ToLookup(r => piece.Start + r.Offset);
        var any = false;
        foreach (var instruction in architecture.Decode(piece.Section, piece.Start, piece.End).Where(i => i.IsValid))
        {
            any = true;
            var leaves = instruction.Flow switch
            {
                ControlFlow.Return or ControlFlow.IndirectJump or ControlFlow.Unknown => true,
                ControlFlow.Jump or ControlFlow.ConditionalJump => instruction.Immediate is not { } target
                    || branches[target.Offset].Any(Leaves),
                _ => false,
            };
            if (leaves)
            {
                return false;
            }
        }

        // Alternatives may replace what is there by a jump; entries of tables by where an exception goes on.
        return any
            && !piece.Entries.Any(e =>
                e.References.Any(r => r.Piece is { Kind: PieceKind.Replacement } other && !StaysInside(architecture, other, seen))
            );

        bool Leaves(Reference reference) =>
            reference.Piece is not { } target
            || (
                (target.Parent ?? target) is var other
                && other != function
                && (other.Kind != PieceKind.Function || !NeverReturns(architecture, other, seen))
            );
    }
}
