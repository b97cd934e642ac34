using Elivepatch.Engine.Architectures;

namespace Elivepatch.Engine.Units;

/// <summary>
/// Tells functions that never return. The compiler leaves out what would lie behind a call of one; objtool has to know, and finds
/// it out by itself only of functions that it sees (<c>dead_end_function()</c>, <c>tools/objtool/check.c</c>).
/// </summary>
internal static class NoReturn
{
    /// <summary>
    /// True where no path leads out of a function: it has no return, and no jump to anything but itself. One that ends in a jump
    /// to another that never returns is not told.
    /// </summary>
    public static bool NeverReturns(Architecture architecture, Piece function) =>
        StaysInside(architecture, function) && (function.Cold is not { } cold || StaysInside(architecture, cold));

    private static bool StaysInside(Architecture architecture, Piece piece)
    {
        var function = piece.Parent ?? piece;
        var outside = piece
            .References.Where(r => r.Use == ReferenceUse.Branch && (r.Piece is null || (r.Piece.Parent ?? r.Piece) != function))
            .Select(r => piece.Start + r.Offset)
            .ToHashSet();
        var any = false;
        foreach (var instruction in architecture.Decode(piece.Section, piece.Start, piece.End).Where(i => i.IsValid))
        {
            any = true;
            var leaves = instruction.Flow switch
            {
                ControlFlow.Return or ControlFlow.IndirectJump or ControlFlow.Unknown => true,
                ControlFlow.Jump or ControlFlow.ConditionalJump => instruction.Immediate is not { } target
                    || outside.Contains(target.Offset),
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
                e.References.Any(r => r.Piece is { Kind: PieceKind.Replacement } other && !StaysInside(architecture, other))
            );
    }
}
