using Elivepatch.Engine.Units;

namespace Elivepatch.Engine.Diff;

/// <summary>
/// Finds the running kernel's own copy of a constant that correlation left without a twin, or paired by its number alone.
/// Pointers to constants are stored and compared (<c>file->f_op == &amp;ops</c>), so that equal content is not enough: the
/// twin is the one that the same function referred to before the patch. An equal constant of another function is another
/// object; what no function referred to before is new, and copied.
/// </summary>
internal sealed class ConstantTwins
{
    private readonly UnitDiff diff;
    private readonly ILookup<string, Piece> before,
        after;
    private readonly ILookup<Piece, (Piece From, Reference Reference)> usesBefore,
        usesAfter;

    public ConstantTwins(UnitDiff diff)
    {
        this.diff = diff;
        var correlation = diff.Correlation;
        before = OpenConstants(correlation.Before, p => correlation.AfterOf(p) is not { } twin || correlation.IsAmbiguous(twin));
        after = OpenConstants(correlation.After, p => correlation.BeforeOf(p) is null || correlation.IsAmbiguous(p));
        usesBefore = UsesIn(correlation.Before);
        usesAfter = UsesIn(correlation.After);
    }

    /// <summary>The kernel's own, or null where the constant is new, or is not told from another and need not be.</summary>
    public Piece? TwinOf(Piece constant) => Candidates(constant) is [var twin] && Rivals(constant).Count == 0 ? twin : null;

    /// <summary>True where several of the kernel could be meant and a pointer may be compared with one of them.</summary>
    public bool IsAmbiguous(Piece constant)
    {
        var candidates = Candidates(constant);
        return candidates.Count > 0 && (candidates.Count > 1 || Rivals(constant).Count > 0) && IsAddressTaken(constant);
    }

    // Equal constants that some function uses now and used before.
    private List<Piece> Candidates(Piece constant)
    {
        var functions = Users(constant, usesAfter).Select(diff.Correlation.BeforeOf).OfType<Piece>().ToHashSet();
        return
        [
            .. before[SymbolNames.OfVariable(constant.Name)]
                .Where(b => Users(b, usesBefore).Any(functions.Contains) && diff.Comparer.Compare(b, constant) is null),
        ];
    }

    // Others after the patch that could be any of the same.
    private List<Piece> Rivals(Piece constant)
    {
        var candidates = Candidates(constant);
        return
        [
            .. after[SymbolNames.OfVariable(constant.Name)]
                .Where(a => a != constant && Candidates(a).Intersect(candidates).Any()),
        ];
    }

    // An instruction that only reads what is there gives the address to nobody.
    private bool IsAddressTaken(Piece constant) => usesAfter[constant].Any(u => !u.Reference.IsMemoryOperand);

    private static IEnumerable<Piece> Users(Piece constant, ILookup<Piece, (Piece From, Reference Reference)> uses) =>
        uses[constant].Select(u => u.From.Parent ?? u.From).Distinct();

    private static ILookup<string, Piece> OpenConstants(UnitObject unit, Func<Piece, bool> isOpen) =>
        unit
            .Pieces.Where(p => p is { IsConstant: true, IsThrowaway: false } && isOpen(p))
            .ToLookup(p => SymbolNames.OfVariable(p.Name));

    private static ILookup<Piece, (Piece From, Reference Reference)> UsesIn(UnitObject unit) =>
        unit
            .Pieces.SelectMany(p => p.References.Select(r => (From: p, Reference: r)))
            .Where(u => u.Reference.Piece is { IsConstant: true } piece && piece != u.From)
            .ToLookup(u => u.Reference.Piece!);
}
