using Elivepatch.Elf;
using Elivepatch.Elf.Dwarf;
using Elivepatch.Engine.Diff;
using Elivepatch.Engine.Facts;
using Elivepatch.Engine.Targets;
using Elivepatch.Engine.Units;
using Elivepatch.Model;

namespace Elivepatch.Engine.Interfaces;

/// <summary>
/// Refuses a changed signature or type where somebody uses it the old way who is not compiled again: modules, for what is
/// exported; whoever has a pointer to the function; code of other units that declares it by itself. What is only called by name
/// from units that see its declaration is safe: they are compiled again, and changed with it. In: the debug information of both
/// objects; without it the check says nothing.
/// </summary>
internal sealed class CheckSignatures(IReadOnlyList<UnitInterface> units, ExportedSymbols exports, OutsideUsers? users)
{
    private readonly List<Problem> problems = [];

    public IReadOnlyList<Problem> Run()
    {
        foreach (var unit in units)
        {
            var exported = ExportLists.SymbolsOf(unit.Before);
            foreach (var (name, before) in unit.DefinedBefore)
            {
                if (IsExported(name) && unit.DefinedAfter.TryGetValue(name, out var after))
                {
                    CheckExport(unit, name, before, after);
                }
            }

            foreach (var change in unit.Diff.Changed)
            {
                CheckCallers(unit, change.Before!, change.After, change.Before!.Symbols.Exists(s => IsExported(s.Name)));
            }

            bool IsExported(string name) =>
                exported.Contains(name) || (exports.Find(name) is { } export && VmlinuxTarget.HasExport(export));
        }

        return problems;
    }

    private void CheckExport(UnitInterface unit, string name, ElfSymbol before, ElfSymbol after)
    {
        if (Difference(unit, name, PlaceOf(before), PlaceOf(after)) is not { } difference)
        {
            return;
        }

        var checksum = exports.Find(name) is { Crc: > 0 } export ? $" of the checksum 0x{export.Crc:x8}" : "";
        unit.Diff.Statements.AddUnlessLifted(
            problems,
            new(DiffProblems.ChangedExportType, $"{unit.Name}: {difference}; modules{checksum} use it the old way"),
            StatementKind.SignatureIsCompatible,
            name
        );
    }

    // Nothing lifts this: old code passes what it was compiled to, and new code takes what is in the registers.
    private void CheckCallers(UnitInterface unit, Piece before, Piece after, bool isExported)
    {
        if (Difference(unit, before.Name, PlaceOf(before), PlaceOf(after)) is not { } difference)
        {
            return;
        }

        var user = PointerTo(unit.Before, before) ?? PointerTo(unit.After, after);
        if (user is not null)
        {
            Refuse($"{difference}; {user} has its address");
        }
        else if (
            !isExported
            && before.IsGlobal
            && unit.Placement.Find(before.Name) is { } place
            && users?.FindFirst(place.Address) is { } outside
        )
        {
            Refuse($"{difference}; {outside} uses it and is not compiled again");
        }

        void Refuse(string what) =>
            unit.Diff.Statements.AddUnliftable(
                problems,
                new(DiffProblems.ChangedSignature, $"{unit.Name}: {what}"),
                StatementKind.SignatureIsCompatible,
                before.Name
            );
    }

    // Both declarations and what differs; null where nothing does.
    private static string? Difference(UnitInterface unit, string name, SectionLocation? before, SectionLocation? after)
    {
        if (FunctionAt(unit.Before, before)?.Signature is { } old && FunctionAt(unit.After, after)?.Signature is { } now)
        {
            return now.DifferenceFrom(old) is { } what ? $"{old.Declare(name)} becomes {now.Declare(name)}: {what}" : null;
        }

        if (VariableAt(unit.Before, before) is not { } variable || VariableAt(unit.After, after) is not { } changed)
        {
            return null;
        }

        if (variable.Type != changed.Type)
        {
            return $"{name} of type {variable.Type} becomes one of type {changed.Type}";
        }

        return variable.ValueLayout == changed.ValueLayout
            ? null
            : $"{name} of type {variable.Type} has another layout in memory";
    }

    private static SectionLocation? PlaceOf(ElfSymbol symbol) =>
        symbol.Section is { } section ? new(section, symbol.Value) : null;

    private static SectionLocation? PlaceOf(Piece piece) => new(piece.Section, piece.Anchor);

    private static DebugFunction? FunctionAt(UnitObject unit, SectionLocation? place) =>
        place is null ? null : unit.Debug.Functions.FirstOrDefault(f => f.Location == place);

    private static DebugVariable? VariableAt(UnitObject unit, SectionLocation? place) =>
        place is null ? null : unit.Debug.Variables.FirstOrDefault(v => v.Location == place && v.Owner is null);

    // Who in the unit holds the function's address: code, data, a list that the kernel has read, or BPF, which knows it by name.
    private static string? PointerTo(UnitObject unit, Piece function)
    {
        static bool IsAddress(Reference reference, Piece function) =>
            reference.Piece == function && reference.Use == ReferenceUse.Address && reference.Displacement == 0;

        if (unit.Pieces.Find(p => p != function && p.References.Any(r => IsAddress(r, function))) is { } holder)
        {
            return holder.Name;
        }

        var lists = unit.SectionsOf(SectionRole.Registry)
            .Where(s => !ExportLists.IsList(s) && !s.Name.StartsWith(".discard", StringComparison.Ordinal));
        if (lists.FirstOrDefault(s => unit.ReferencesOf(s).Any(r => IsAddress(r, function))) is { } list)
        {
            return list.Name;
        }

        var identifiers = function.Symbols.ConvertAll(s => $"__BTF_ID__func__{s.Name}__");
        return unit
            .Elf.Symbols.FirstOrDefault(s => identifiers.Exists(i => s.Name.StartsWith(i, StringComparison.Ordinal)))
            ?.Name;
    }
}
