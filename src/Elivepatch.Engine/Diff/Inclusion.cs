using Elivepatch.Engine.Units;

namespace Elivepatch.Engine.Diff;

/// <summary>Where a reference of an included piece leads.</summary>
public enum Destination
{
    /// <summary>To a piece that is in the livepatch too.</summary>
    Livepatch,

    /// <summary>To what the running kernel has.</summary>
    Kernel,
}

/// <summary>What one unit brings into the livepatch.</summary>
/// <param name="Diff">The changes.</param>
/// <param name="Pieces">All pieces to copy, functions first, each before what only it needs.</param>
/// <param name="KernelTwins">For constants that the kernel has with equal content under another number: the kernel's own.</param>
public sealed record Inclusion(UnitDiff Diff, IReadOnlyList<Piece> Pieces, IReadOnlyDictionary<Piece, Piece> KernelTwins)
{
    private readonly HashSet<Piece> included = [.. Pieces];

    /// <summary>True where the piece is copied.</summary>
    public bool Contains(Piece piece) => included.Contains(piece);

    /// <summary>
    /// What the running kernel has in place of a piece of the patched unit: the same one unpatched, or a constant of equal
    /// content.
    /// </summary>
    public Piece? TwinOf(Piece after) => Diff.Correlation.BeforeOf(after) ?? KernelTwins.GetValueOrDefault(after);

    /// <summary>
    /// Where a reference of a piece must lead. A branch to a patched function goes straight to the new one; its address, once
    /// stored, must be the original's, which stays valid when the livepatch is gone.
    /// </summary>
    public Destination DestinationOf(Reference reference)
    {
        if (reference.Piece is { Kind: PieceKind.TableEntry })
        {
            return Destination.Livepatch;
        }

        if (reference.Piece is not { } piece || !Contains(piece))
        {
            return Destination.Kernel;
        }

        var isPatched = piece.Kind == PieceKind.Function && Diff.Correlation.BeforeOf(piece) is not null;
        return isPatched && reference.Use == ReferenceUse.Address && reference.Displacement == 0
            ? Destination.Kernel
            : Destination.Livepatch;
    }

    /// <summary>
    /// Where a reference of a table entry must lead: an entry about an included function is about its copy, also where the place
    /// is the very entry of the function, as that of the call of <c>__fentry__</c> can be.
    /// </summary>
    public Destination DestinationOfEntry(Reference reference) =>
        reference.Piece is { } piece && Contains(piece) ? Destination.Livepatch : Destination.Kernel;
}
