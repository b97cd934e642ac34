using Iced.Intel;

namespace Elivepatch.Engine.Units;

/// <summary>
/// Tells functions that never return. The compiler leaves out what would lie behind a call of one; objtool has to know, and finds
/// it out by itself only of functions that it sees (<c>dead_end_function()</c>, <c>tools/objtool/check.c</c>).
/// </summary>
internal static class NoReturn
{
    /// <summary>
    /// True where no path leads out of a function: it has no return, and no jump to anything but itself. One that ends in a jump to
    /// another that never returns is not told.
    /// </summary>
    public static bool Is(Piece function) => StaysInside(function) && (function.Cold is not { } cold || StaysInside(cold));

    private static bool StaysInside(Piece piece)
    {
        var function = piece.Parent ?? piece;
        var outside = piece.References.Where(r => r.Use == ReferenceUse.Branch && (r.Piece is null || (r.Piece.Parent ?? r.Piece) != function))
            .Select(r => piece.Start + r.Offset).ToHashSet();
        var any = false;
        foreach (var (instruction, constants) in InstructionFields.Decode(piece.Section, piece.Start, piece.End))
        {
            any = true;
            var leaves = instruction.FlowControl switch
            {
                FlowControl.Return or FlowControl.IndirectBranch or FlowControl.XbeginXabortXend => true,
                FlowControl.UnconditionalBranch or FlowControl.ConditionalBranch => outside.Contains(instruction.IP + constants.ImmediateOffset),
                _ => false,
            };
            if (leaves)
                return false;
        }

        // Alternatives may replace what is there by a jump; entries of tables by where an exception goes on.
        return any && !piece.Entries.Any(e => e.References.Any(r => r.Piece is { Kind: PieceKind.Replacement } other && !StaysInside(other)));
    }
}
