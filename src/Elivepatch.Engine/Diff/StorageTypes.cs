using System.Text.RegularExpressions;
using Elivepatch.Elf.Dwarf;

namespace Elivepatch.Engine.Diff;

/// <summary>
/// Tells whether memory that was written as one type may be read as another. Types of one name are the same here, as their
/// layouts are compared by themselves; types of two names are where they lie the same and their members have the same names.
/// </summary>
internal sealed partial class StorageTypes(DebugInfo before, DebugInfo after)
{
    private readonly ILookup<string, StructLayout> layoutsBefore = Shared(before);
    private readonly ILookup<string, StructLayout> layoutsAfter = Shared(after);
    private readonly Dictionary<(string, string), bool> known = [];

    /// <summary>True for two spellings of one type.</summary>
    public bool AreSame(string old, string now) =>
        old == now || (PairNames(old, now) is { } pairs && pairs.All(p => p.Old == p.Now || HaveSameLayout(p.Old, p.Now)));

    /// <summary>
    /// The names of types in two spellings that differ in nothing else, in order; null where they do.
    /// </summary>
    public static IReadOnlyList<(string Old, string Now)>? PairNames(string old, string now)
    {
        var (olds, nows) = (Name().Matches(old), Name().Matches(now));
        return olds.Count == nows.Count && Name().Replace(old, "T") == Name().Replace(now, "T")
            ? [.. olds.Zip(nows, (o, n) => (o.Value, n.Value))]
            : null;
    }

    /// <summary>The layout that a name had before the patch, or null where the type was not complete.</summary>
    public StructLayout? LayoutBefore(string name) => layoutsBefore[name].FirstOrDefault();

    /// <summary>The layout that a name has after the patch, or null where the type is not complete.</summary>
    public StructLayout? LayoutAfter(string name) => layoutsAfter[name].FirstOrDefault();

    /// <summary>True where the two types lie the same.</summary>
    public bool HaveSameLayout(string old, string now)
    {
        if (known.TryGetValue((old, now), out var same))
        {
            return same;
        }

        // Types that contain pointers to each other are the same unless something else differs.
        known[(old, now)] = true;
        return known[(old, now)] =
            LayoutBefore(old) is { } b
            && LayoutAfter(now) is { } a
            && b.Kind == a.Kind
            && b.Size == a.Size
            && b.Members.Count == a.Members.Count
            && b.Members.Zip(a.Members)
                .All(m => m.First with { Type = "" } == m.Second with { Type = "" } && AreSame(m.First.Type, m.Second.Type));
    }

    /// <summary>The names of types in a spelling.</summary>
    public static IEnumerable<string> NamesIn(string type) => Name().Matches(type).Select(m => m.Value);

    // A type of one function can differ between instances of it; only types that all of the unit sees are shared.
    private static ILookup<string, StructLayout> Shared(DebugInfo debug) =>
        debug.Layouts.Where(l => l.Scope is null).ToLookup(l => l.StorageName);

    [GeneratedRegex(@"\b(?:struct|union|enum|typedef) [A-Za-z_$][A-Za-z0-9_$]*")]
    private static partial Regex Name();
}
