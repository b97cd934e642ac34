using Elivepatch.Elf;
using Elivepatch.Engine.Architectures;
using Elivepatch.Model.Explanations;

namespace Elivepatch.Engine.Escape;

/// <summary>What the analysis of a module found.</summary>
/// <param name="Escapes">Addresses that the kernel may still hold when the livepatch is disabled, in the order of code.</param>
/// <param name="IsComplete">False where the code was too much to be followed to its end.</param>
/// <param name="HoldsModule">
/// Whether the module has taken a reference to itself wherever it calls <c>klp_enable_patch()</c>; null where it calls it
/// nowhere.
/// </param>
public sealed record EscapeFindings(IReadOnlyList<AddressEscape> Escapes, bool IsComplete, bool? HoldsModule)
{
    /// <summary>Data of the module with whose address a function computes: more than to reach a member.</summary>
    public required IReadOnlySet<(string Function, string Address)> Computed { get; init; }

    /// <summary>True where the module's memory may be used after the livepatch is disabled.</summary>
    public bool MustStay => Escapes.Count > 0 || !IsComplete;
}

/// <summary>
/// Finds the addresses of a livepatch that outlive it. In: an object, before the glue is written or finished. Out: every address
/// of its own that may be in kernel memory when the livepatch was disabled or replaced. Unloading it would leave them dangling.
/// Passing one to a function of the kernel counts, a literal as well (request_mem_region() keeps the name that it is given), but
/// for those that are known to keep nothing (<see cref="KnownCallees"/>).
/// </summary>
public static class FindEscapes
{
    /// <summary>Runs the pass.</summary>
    /// <param name="architecture">The processor.</param>
    /// <param name="elf">The object.</param>
    /// <param name="patched">The new functions to which the kernel's are diverted: section and offset of each.</param>
    /// <param name="coldPartsKeepNames">
    /// False for an object in which <see cref="Relocate.ColdParts"/> will make cold parts parts of their functions.
    /// </param>
    public static EscapeFindings Run(
        Architecture architecture,
        ElfObject elf,
        IEnumerable<(string Section, ulong Offset)> patched,
        bool coldPartsKeepNames = true
    )
    {
        var diverted = patched.ToHashSet();
        var addresses = new ModuleAddresses(architecture, elf);
        var code = new ModuleCode(architecture, elf, addresses);
        var follow = new FollowAddresses(architecture, addresses, code, IsPatched);
        follow.Run();
        return new(
            [
                .. follow
                    .Escapes.Concat(LeavingByJump(code, IsPatched, coldPartsKeepNames))
                    .Distinct()
                    .OrderBy(e => e.Function, StringComparer.Ordinal)
                    .ThenBy(e => e.Place, StringComparer.Ordinal)
                    .ThenBy(e => e.Address, StringComparer.Ordinal),
            ],
            !follow.IsExhausted && code.IsComplete,
            follow.HoldsModule
        )
        {
            Computed = follow.Computed,
        };

        bool IsPatched(CodePlace place) => diverted.Contains((place.Section.Name, place.Offset));
    }

    // Where a patched function was left by a jump, only what it jumped to is on the stack. klp_check_stack_func()
    // (kernel/livepatch/transition.c) looks for patched functions, so nothing waits for a task that sleeps further down,
    // or was preempted there: with ORC the stack of a preempted task is reliable, too. To kallsyms, and so to that check, a cold
    // part with a symbol is a function of its own.
    private static IEnumerable<AddressEscape> LeavingByJump(
        ModuleCode code,
        Func<CodePlace, bool> isPatched,
        bool coldPartsKeepNames
    )
    {
        var bodies = Bodies(code);
        var open = new Queue<CodeFunction>(code.Functions.Where(f => isPatched(f.Entry)));
        var seen = new HashSet<CodePlace>();
        while (open.TryDequeue(out var from))
        {
            foreach (var jump in bodies[from.Entry])
            {
                if (
                    jump.Code.Flow is not (ControlFlow.Jump or ControlFlow.ConditionalJump)
                    || jump.Target is not { } target
                    || code.FunctionAt(target) is not { } to
                    || to == from
                    || isPatched(target)
                    || (to.IsCold && !coldPartsKeepNames)
                    || !seen.Add(target)
                )
                {
                    continue;
                }

                // Its jumps are among those of its function.
                if (!to.IsCold)
                {
                    open.Enqueue(to);
                }

                yield return new(
                    from.Name,
                    to.Name,
                    AddressKind.Function,
                    to.IsCold ? EscapeWay.ColdPart : EscapeWay.TailCalled,
                    null,
                    jump.Place.ToString()
                );
            }
        }
    }

    // The instructions of each function, those of its cold part included.
    private static Dictionary<CodePlace, List<CodeInstruction>> Bodies(ModuleCode code)
    {
        var bodies = new Dictionary<CodePlace, List<CodeInstruction>>();
        foreach (var function in code.Functions)
        {
            var body = new List<CodeInstruction>();
            for (
                var next = code.At(function.Entry);
                next is not null && next.Place.Offset < function.End;
                next = code.At(next.Next)
            )
            {
                body.Add(next);
            }

            bodies[function.Entry] = body;
        }

        foreach (var function in code.Functions.Where(f => !f.IsCold))
        {
            foreach (var part in bodies[function.Entry].Select(i => i.Target).OfType<CodePlace>().Distinct().ToList())
            {
                if (code.FunctionAt(part) is { IsCold: true })
                {
                    bodies[function.Entry].AddRange(bodies[part]);
                }
            }
        }

        return bodies;
    }
}
