using Elivepatch.Elf;
using Elivepatch.Engine.Facts;
using Elivepatch.Engine.Targets;
using Elivepatch.Engine.Units;
using Elivepatch.Model;

namespace Elivepatch.Engine.Interfaces;

/// <summary>
/// Refuses a patch after which a name of the kernel stands for another definition than the one that runs: a second definition, a
/// strong one over a weak one, one that moves or disappears so that another would count. The livepatch could divert the function
/// that runs, or bring one under a new name, but code that is not compiled again goes on to use what it was linked with.
/// </summary>
internal sealed class CheckDefinitions(IReadOnlyList<UnitInterface> units, ExportedSymbols exports, OutsideUsers? users)
{
    private readonly List<Problem> problems = [];

    public IReadOnlyList<Problem> Run()
    {
        foreach (var unit in units)
        {
            foreach (var (name, after) in unit.DefinedAfter)
            {
                if (unit.DefinedBefore.TryGetValue(name, out var before))
                {
                    CheckKept(unit, name, before, after);
                }
                else
                {
                    CheckNew(unit, name, after);
                }
            }

            foreach (var (name, before) in unit.DefinedBefore.Where(d => !unit.DefinedAfter.ContainsKey(d.Key)))
            {
                CheckRemoved(unit, name, before);
            }
        }

        return problems;
    }

    private void CheckNew(UnitInterface unit, string name, ElfSymbol symbol)
    {
        var running = unit.Placement.Target.Symbols.Named(name).Where(s => s.IsGlobal).ToList();
        var home = units.FirstOrDefault(u => u != unit && u.DefinedBefore.ContainsKey(name) && u.IsRunning(name));
        if (running.Count == 0)
        {
            if (exports.Find(name) is { } export && !VmlinuxTarget.HasExport(export))
            {
                Report(
                    DiffProblems.SecondDefinition,
                    unit,
                    $"module {export.Module} exports {name}, and the patch defines another one"
                );
            }
        }
        else if (home is not null && !home.DefinedAfter.ContainsKey(name))
        {
            Report(DiffProblems.OtherDefinition, unit, $"{name} moves here from {home.Name}");
        }
        else
        {
            var kind = running.Exists(s => s.Type is 'W' or 'V') ? "weak " : "";
            var place = home is null ? "another unit" : home.Name;
            Report(
                DiffProblems.SecondDefinition,
                unit,
                $"the patch defines {Binding(symbol)}{name}, and the kernel runs the {kind}{name} of {place} (0x{running[0].Address:x})"
            );
        }
    }

    private void CheckKept(UnitInterface unit, string name, ElfSymbol before, ElfSymbol after)
    {
        var isWeak = after.Binding == ElfSymbolBinding.Weak;
        if (
            before.Binding == ElfSymbolBinding.Weak
            && !isWeak
            && !unit.IsRunning(name)
            && unit.Placement.Target.Symbols.Named(name).Any(s => s.IsGlobal)
        )
        {
            Report(DiffProblems.SecondDefinition, unit, $"{name} is no longer weak, and the kernel runs the one of another unit");
        }
        else if (before.Binding != ElfSymbolBinding.Weak && isWeak)
        {
            Report(DiffProblems.OtherDefinition, unit, $"{name} becomes weak, so that a definition of another unit could count");
        }

        if (
            IsLasting(unit.Before, before)
            && unit.Before.PieceOf(before) is { IsThrowaway: false } old
            && unit.After.PieceOf(after) is { } now
            && unit.Diff.Correlation.BeforeOf(now) != old
        )
        {
            Report(DiffProblems.OtherDefinition, unit, $"{name} was a name of {old.Name} and is now one of {now.Name}");
        }
    }

    // Variables that disappear are refused by the diff; what was only used at the start is refused there, too.
    private void CheckRemoved(UnitInterface unit, string name, ElfSymbol symbol)
    {
        if (
            unit.Placement.Find(name) is not { } running
            || !IsLasting(unit.Before, symbol)
            || units.Any(u => u != unit && u.DefinedAfter.ContainsKey(name) && !u.DefinedBefore.ContainsKey(name))
        )
        {
            return;
        }

        if (units.FirstOrDefault(u => u != unit && u.DefinedAfter.ContainsKey(name)) is { } other)
        {
            Report(
                DiffProblems.RemovedDefinition,
                unit,
                $"{name} disappears, so that the definition in {other.Name} would count"
            );
        }
        else if (unit.Expects(name))
        {
            Report(
                DiffProblems.RemovedDefinition,
                unit,
                $"{name} disappears, and the unit itself still names it, in its code or in EXPORT_SYMBOL()"
            );
        }
        else if (units.FirstOrDefault(u => u.Expects(name)) is { } user)
        {
            Report(
                DiffProblems.RemovedDefinition,
                unit,
                $"{name} disappears, and {user.Name} uses it: another definition would count"
            );
        }
        else if (users is null)
        {
            Report(
                DiffProblems.RemovedDefinition,
                unit,
                $"{name} disappears, and only the kernel's image could tell who uses it"
            );
        }
        else if (users.FindFirst(running.Address) is { } place)
        {
            Report(
                DiffProblems.RemovedDefinition,
                unit,
                $"{name} disappears, and {place} uses it: another definition would count"
            );
        }
    }

    private static bool IsLasting(UnitObject unit, ElfSymbol symbol) =>
        symbol.Section is { } section && unit.RoleOf(section) is SectionRole.Code or SectionRole.Data;

    private static string Binding(ElfSymbol symbol) => symbol.Binding == ElfSymbolBinding.Weak ? "a weak " : "";

    private void Report(ProblemCode code, UnitInterface unit, string reason) => problems.Add(new(code, $"{unit.Name}: {reason}"));
}
