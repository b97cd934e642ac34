// In: all units of a build, compared, and the running kernel. Out: the problems of what the units have to do with the rest of the
// kernel, which is not compiled again: which definition a name stands for, and by which types others call it. This is the view of
// the linker, over all units at once, where the diff sees one unit at a time.

using Elivepatch.Engine.Facts;
using Elivepatch.Engine.Fidelity;
using Elivepatch.Model;

namespace Elivepatch.Engine.Interfaces;

/// <summary>Checks that the rest of the kernel can go on to use what the patched units define.</summary>
public static class CheckInterfaces
{
    /// <summary>Runs the pass.</summary>
    /// <param name="units">
    /// All units, changed or not: that nothing changed in one may be what is wrong. Without the bytes of an object nothing tells
    /// whether code of its other units uses something.
    /// </param>
    /// <param name="exports">What the kernel and its modules export.</param>
    /// <param name="alsoCompiled">
    /// Where other units lie that were compiled with the patch and came out as they were: what they call, they call rightly.
    /// </param>
    public static IReadOnlyList<Problem> Run(
        IReadOnlyList<UnitInterface> units,
        ExportedSymbols exports,
        IReadOnlyList<UnitPlacement>? alsoCompiled = null
    ) =>
        [
            .. units
                .GroupBy(u => u.Placement.Target.ObjectName)
                .SelectMany(g => OfObject([.. g], exports, (alsoCompiled ?? []).Where(p => p.Target.ObjectName == g.Key))),
        ];

    // A name that units share is one of their object; what others may use is exported.
    private static IEnumerable<Problem> OfObject(
        IReadOnlyList<UnitInterface> units,
        ExportedSymbols exports,
        IEnumerable<UnitPlacement> alsoCompiled
    )
    {
        var target = units[0].Placement.Target;
        var users = target.Image is { } image
            ? new OutsideUsers(units[0].After.Architecture, target, image, [.. units.Select(u => u.Placement), .. alsoCompiled])
            : null;
        return new CheckDefinitions(units, exports, users).Run().Concat(new CheckSignatures(units, exports, users).Run());
    }
}
