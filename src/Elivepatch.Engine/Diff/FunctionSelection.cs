using Elivepatch.Elf;
using Elivepatch.Engine.Units;

namespace Elivepatch.Engine.Diff;

/// <summary>
/// Functions that go into a livepatch although the patch does not change them: by name, for an author who knows why, or all
/// that can be diverted, to see that replacing them by themselves changes nothing.
/// </summary>
/// <param name="Names">Functions by symbol name; each must exist.</param>
/// <param name="AllTraceable">True for all functions that have an ftrace entry and that no other unit can override.</param>
public sealed record FunctionSelection(IReadOnlySet<string> Names, bool AllTraceable)
{
    /// <summary>True where the function is meant.</summary>
    public bool Selects(Piece before) =>
        before.Symbols.Exists(s => Names.Contains(s.Name))
        || (AllTraceable && before.HasFtraceEntry && before.Symbols.TrueForAll(s => s.Binding != ElfSymbolBinding.Weak));
}

/// <summary>Selections that may be none.</summary>
internal static class FunctionSelections
{
    /// <summary>The selection with further functions; null where there is nothing to select.</summary>
    public static FunctionSelection? Union(this FunctionSelection? selection, IEnumerable<string> names)
    {
        var all = names.Concat(selection?.Names ?? Enumerable.Empty<string>()).ToHashSet(StringComparer.Ordinal);
        return selection is null && all.Count == 0 ? null : new(all, selection?.AllTraceable ?? false);
    }
}
