using Elivepatch.Engine.Units;

namespace Elivepatch.Engine.Diff;

/// <summary>Which piece after the patch is which piece before it.</summary>
/// <param name="before">The unit without the patch.</param>
/// <param name="after">The unit with the patch.</param>
/// <param name="lines">Which lines of the source are the same in both; null where nobody knows.</param>
public sealed class Correlation(UnitObject before, UnitObject after, StableLines? lines = null)
{
    private readonly Dictionary<Piece, Piece> toBefore = [];
    private readonly Dictionary<Piece, Piece> toAfter = [];
    private readonly HashSet<Piece> doubtful = [];

    /// <summary>The unit without the patch.</summary>
    public UnitObject Before { get; } = before;

    /// <summary>The unit with the patch.</summary>
    public UnitObject After { get; } = after;

    /// <summary>Which lines of the source are the same in both; null where nobody knows.</summary>
    public StableLines? Lines { get; } = lines;

    /// <summary>The twin before the patch, or null for a new piece.</summary>
    public Piece? BeforeOf(Piece after) => toBefore.GetValueOrDefault(after);

    /// <summary>The twin after the patch, or null for a removed piece.</summary>
    public Piece? AfterOf(Piece before) => toAfter.GetValueOrDefault(before);

    /// <summary>
    /// True where several static locals of one name in one function made the pairing a matter of their numbers. That is good
    /// enough to see that nothing changed, and not good enough to share state by.
    /// </summary>
    public bool IsAmbiguous(Piece after) => doubtful.Contains(after);

    /// <summary>
    /// True for one function before and after where it lost its <c>__init</c>: what runs at boot is the same, and the running
    /// kernel has no copy that could be called.
    /// </summary>
    public bool IsTakenOutOfInit(Piece before, Piece after) =>
        before.IsCode
        && after.IsCode
        && Before.RoleOf(before.Section) == SectionRole.Init
        && After.RoleOf(after.Section) == SectionRole.Code
        && (
            SymbolNames.OfFunction(before.Name) == SymbolNames.OfFunction(after.Name)
            || before.Symbols.Exists(b => after.Symbols.Exists(a => a.Name == b.Name))
        );

    internal void Add(Piece before, Piece after, bool isDoubtful = false)
    {
        toBefore.Add(after, before);
        toAfter.Add(before, after);
        if (isDoubtful)
        {
            doubtful.Add(after);
        }
    }

    internal bool Contains(Piece piece) => toBefore.ContainsKey(piece) || toAfter.ContainsKey(piece);
}
