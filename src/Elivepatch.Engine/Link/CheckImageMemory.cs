using Elivepatch.Engine.Diff;
using Elivepatch.Engine.Escape;
using Elivepatch.Engine.Units;
using Elivepatch.Model;
using Elivepatch.Model.Explanations;

namespace Elivepatch.Engine.Link;

/// <summary>
/// What a livepatch brings lies in memory of a module. Code of vmlinux may rely on its own constants and variables lying in the
/// kernel's image: <c>kfree_const()</c> leaves constants of the image alone and frees everything else (<c>mm/util.c</c>), and the
/// physical address of a variable comes from where the image is (<c>__phys_addr_symbol()</c>,
/// <c>arch/x86/include/asm/page_64.h</c>).
/// In: the units to link, and which addresses get out of them. Out: a problem for each use that would go wrong. A constant that
/// is stored here and freed by another unit is not seen.
/// </summary>
public static class CheckImageMemory
{
    private const string PhysicalBase = "phys_base";
    private static readonly string[] tellConstants = ["kfree_const", "__start_rodata", "__end_rodata"];

    /// <summary>Runs the pass.</summary>
    public static IReadOnlyList<Problem> Run(IReadOnlyList<LinkUnit> units, EscapeFindings escapes) =>
        [.. units.SelectMany(u => Constants(u.Inclusion, escapes).Concat(Physical(u.Inclusion, escapes)))];

    private static IEnumerable<Problem> Constants(Inclusion inclusion, EscapeFindings escapes)
    {
        var unit = inclusion.Diff.Correlation.After;
        var test = unit
            .Pieces.SelectMany(p => p.References.Select(r => (User: p.Name, r.External?.Name)))
            .FirstOrDefault(r => tellConstants.Contains(r.Name));
        if (test.Name is null)
        {
            yield break;
        }

        var functions = inclusion.Pieces.Where(p => p.IsCode).Select(p => p.Name).ToHashSet(StringComparer.Ordinal);
        var stored = escapes.Escapes.Where(e =>
            functions.Contains(e.Function) && e is { Way: EscapeWay.Stored, Kind: AddressKind.Literal or AddressKind.Constant }
        );
        foreach (var escape in stored.DistinctBy(e => (e.Function, e.Address)))
        {
            yield return new(
                LinkProblems.NotImageMemory,
                $"{unit.Name}: {escape.Function} {escape.Event}, and {test.User} uses {test.Name}"
            );
        }
    }

    // __pa() is arithmetic with the address and phys_base. Where the compiler knows the variable, part of the sum is in the
    // reference. What leaves the function may come back to it, so that only of what nobody wants the physical address of is asked
    // whether it is computed.
    private static IEnumerable<Problem> Physical(Inclusion inclusion, EscapeFindings escapes)
    {
        foreach (var piece in inclusion.Pieces.Where(p => p.IsCode && p.References.Any(r => r.External?.Name == PhysicalBase)))
        {
            var function = (piece.Parent ?? piece).Name;
            var own = piece.References.FirstOrDefault(r =>
                r.Piece is { Kind: PieceKind.Variable } variable
                && inclusion.Contains(variable)
                && (
                    IsFar(r)
                    || (
                        r is { Use: ReferenceUse.Address, IsMemoryOperand: false }
                        && (!IsOfTheKernelAlone(variable) || !escapes.IsComplete)
                    )
                )
            );
            var name =
                own?.TargetName
                ?? escapes
                    .Computed.Where(c => c.Function == function)
                    .Select(c => c.Address)
                    .Order(StringComparer.Ordinal)
                    .FirstOrDefault();
            if (name is not null)
            {
                yield return new(
                    LinkProblems.NotImageMemory,
                    $"{inclusion.Diff.Unit}: {function} uses {name}, which is new, and {PhysicalBase}"
                );
            }
        }
    }

    // Names for messages, and constant tables of addresses: to anything but the kernel, virtual addresses mean nothing.
    private static bool IsOfTheKernelAlone(Piece variable) =>
        variable.IsConstant && (variable.IsThrowaway || variable.References.Count > 0);

    private static bool IsFar(Reference reference) =>
        reference.Displacement < 0
            ? reference.Displacement < -(1 << 20)
            : (ulong)reference.Displacement > reference.Piece!.Size + (1 << 20);
}
