using Elivepatch.Engine.Units;

namespace Elivepatch.Engine.Diff;

/// <summary>
/// Tells which function a static local variable belongs to: by debug information where there is some, else by the functions
/// that refer to it.
/// </summary>
internal sealed class StaticLocalOwners
{
    private readonly UnitObject unit;
    private readonly Dictionary<Piece, SortedSet<string>> referrers = [];

    public StaticLocalOwners(UnitObject unit)
    {
        this.unit = unit;
        foreach (var piece in unit.Pieces)
        {
            foreach (var target in piece.References.Concat(piece.Entries.SelectMany(e => e.References)).Select(r => r.Piece))
            {
                if (target is not { Kind: PieceKind.Variable } || target == piece)
                {
                    continue;
                }

                if (!referrers.TryGetValue(target, out var set))
                {
                    referrers[target] = set = new(StringComparer.Ordinal);
                }

                set.Add(SymbolNames.SourceFunction(piece.Name));
            }
        }
    }

    /// <summary>A key that is equal for variables of one owner.</summary>
    public string KeyOf(Piece variable) =>
        unit.DeclaringFunctionOf(variable) ?? "referred to by " + string.Join(' ', ReferrersOf(variable));

    /// <summary>True where the two can be one: no owners are known that differ, and some function refers to both.</summary>
    public bool MayBeSame(Piece variable, StaticLocalOwners others, Piece other) =>
        (unit.DeclaringFunctionOf(variable) is null || others.unit.DeclaringFunctionOf(other) is null)
        && ReferrersOf(variable).Overlaps(others.ReferrersOf(other));

    private SortedSet<string> ReferrersOf(Piece variable) => referrers.GetValueOrDefault(variable) ?? [];
}
