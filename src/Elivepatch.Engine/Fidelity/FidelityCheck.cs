// In: a unit compiled exactly as the kernel was, the symbols of the running kernel and, where there is one, its image. Out: where
// every section and symbol of the unit lies in the running kernel, or which functions show that the kernel was built otherwise.
// Version strings prove nothing; that all names lie at all offsets, and all bytes are equal, does.
using Elivepatch.Elf;
using Elivepatch.Engine.Architectures;
using Elivepatch.Engine.Facts;
using Elivepatch.Engine.Targets;
using Elivepatch.Model;

namespace Elivepatch.Engine.Fidelity;

/// <summary>The proof that the as-built object is the code that runs.</summary>
public static class FidelityCheck
{
    /// <summary>Most functions that one problem names.</summary>
    private const int MostNames = 40;

    /// <summary>Places every section of a unit in the running kernel.</summary>
    /// <param name="architecture">The processor.</param>
    /// <param name="unitName">The unit's path in the source, for messages.</param>
    /// <param name="asBuilt">The unit compiled exactly as the kernel was.</param>
    /// <param name="target">What the unit is linked into; without its bytes the proof is of the layout only.</param>
    /// <param name="kernelCompiler">The compiler that built the kernel, as its configuration says, for messages.</param>
    public static Outcome<UnitPlacement> Run(
        Architecture architecture,
        string unitName,
        ElfObject asBuilt,
        PatchTarget target,
        string kernelCompiler
    )
    {
        ArgumentNullException.ThrowIfNull(architecture);
        if (architecture.CheckObject(unitName, asBuilt) is { } refused)
        {
            return refused;
        }

        var names = new UnitSymbols(target.Rules, asBuilt);
        ElfSection[] sections =
        [
            .. asBuilt.Sections.Where(s => target.Rules.IsKeptWhole(s) && (s.Size > 0 || names.In(s).Count > 0)),
        ];
        var candidates = new Dictionary<ElfSection, IReadOnlyList<ulong>>();
        var blamed = new List<string>();
        foreach (var section in sections.Where(s => names.In(s).Count > 0))
        {
            var bases = LayoutSearch.BasesOf(section, names.In(section), target);
            candidates.Add(section, bases);
            if (bases.Count == 0 && names.In(section).Any(s => s.Binding != ElfSymbolBinding.Weak))
            {
                blamed.AddRange(LayoutDiagnosis.Explain(section, names.In(section), target));
            }
        }

        if (blamed.Count > 0)
        {
            blamed.AddRange(
                target.Image is not { } bytes
                    ? OtherLengths(candidates, names, target)
                    : OtherCode(architecture, asBuilt, candidates, names, target, bytes)
            );

            return Blame(FidelityProblems.LayoutDiffers, unitName, "is laid out differently", blamed, target, kernelCompiler);
        }

        return target.Image is not { } image
            ? PlaceByLayout(unitName, sections, candidates, names, target)
            : PlaceByBytes(architecture, unitName, asBuilt, sections, candidates, names, target, image, kernelCompiler);
    }

    /// <summary>
    /// The functions with other bytes in the sections that do fit. Where it is a datum that fits nowhere, as one whose name
    /// carries its line number, they are what really differs.
    /// </summary>
    private static IEnumerable<string> OtherCode(
        Architecture architecture,
        ElfObject asBuilt,
        Dictionary<ElfSection, IReadOnlyList<ulong>> candidates,
        UnitSymbols names,
        PatchTarget target,
        KernelImage image
    )
    {
        var comparison = new ImageComparison(architecture, image, target, new StaticBranchSites(architecture, asBuilt), names);
        foreach ((var section, var bases) in candidates.Where(c => c.Value.Count == 1))
        {
            comparison.Place(section, bases[0]);
        }

        comparison.ComparePending();
        return comparison
            .Differences.Where(d => d.Section.Has(ElfSectionFlags.Execute) && names.In(d.Section).Count > 0)
            .DistinctBy(d => names.NameAt(d.Section, d.Offset))
            .Select(d => $"{NameOf(d, names)} ({d.What})");
    }

    /// <summary>
    /// The same without an image: the functions at the ends of sections that do fit, as far as their length shows it.
    /// </summary>
    private static IEnumerable<string> OtherLengths(
        Dictionary<ElfSection, IReadOnlyList<ulong>> candidates,
        UnitSymbols names,
        PatchTarget target
    ) =>
        candidates
            .Where(c => c.Value.Count == 1 && c.Key.Has(ElfSectionFlags.Execute))
            .Select(c => LayoutDiagnosis.ExplainLast(c.Key, names.In(c.Key)[^1], c.Value[0], target))
            .OfType<string>();

    private static Outcome<UnitPlacement> PlaceByLayout(
        string unitName,
        ElfSection[] sections,
        Dictionary<ElfSection, IReadOnlyList<ulong>> candidates,
        UnitSymbols names,
        PatchTarget target
    )
    {
        if (AmbiguousCode(unitName, target, candidates) is { } ambiguous)
        {
            return ambiguous;
        }

        SectionPlacement[] placed =
        [
            .. sections.Select(s =>
                candidates.TryGetValue(s, out var bases) && bases.Count == 1
                    ? new SectionPlacement(s, bases[0], PlacementProof.Layout, 0)
                    : new SectionPlacement(s, null, PlacementProof.None, 0)
            ),
        ];
        return Assemble(unitName, placed, names, target);
    }

    private static Outcome<UnitPlacement> PlaceByBytes(
        Architecture architecture,
        string unitName,
        ElfObject asBuilt,
        ElfSection[] sections,
        Dictionary<ElfSection, IReadOnlyList<ulong>> candidates,
        UnitSymbols names,
        PatchTarget target,
        KernelImage image,
        string kernelCompiler
    )
    {
        var comparison = new ImageComparison(architecture, image, target, new StaticBranchSites(architecture, asBuilt), names);
        foreach ((var section, var bases) in candidates)
        {
            if (bases.Count == 1)
            {
                comparison.Place(section, bases[0]);
            }
        }

        comparison.ComparePending();
        var open = SettleAmbiguous(comparison, candidates, names);
        CompareTables(architecture, comparison, sections, target, image);
        if (comparison.Differences.Count > 0)
        {
            string[] blamed = [.. comparison.Differences.Select(d => $"{NameOf(d, names)} ({d.What})").Distinct()];
            return Blame(
                FidelityProblems.BytesDiffer,
                unitName,
                "does not have the same code or data",
                blamed,
                target,
                kernelCompiler
            );
        }

        if (AmbiguousCode(unitName, target, open) is { } ambiguous)
        {
            return ambiguous;
        }

        SectionPlacement[] placed =
        [
            .. sections.Select(s => new SectionPlacement(
                s,
                comparison.PlaceOf(s),
                comparison.ProofOf(s),
                comparison.StaticBranchesIn(s)
            )),
        ];
        return Assemble(unitName, placed, names, target);
    }

    /// <summary>
    /// Tells apart the places that names leave open: by what refers to the section, else by its bytes. Gives what is still open.
    /// </summary>
    private static Dictionary<ElfSection, IReadOnlyList<ulong>> SettleAmbiguous(
        ImageComparison comparison,
        Dictionary<ElfSection, IReadOnlyList<ulong>> candidates,
        UnitSymbols names
    )
    {
        var open = new Dictionary<ElfSection, IReadOnlyList<ulong>>();
        foreach ((var section, var bases) in candidates.Where(c => c.Value.Count > 1))
        {
            if (comparison.PlaceOf(section) is { } told)
            {
                if (!bases.Contains(told))
                {
                    comparison.AddMismatch(
                        section,
                        $"is referred to at another address than its symbols allow: {names.In(section)[0].Name}"
                    );
                }

                continue;
            }

            ulong[] fitting = [.. bases.Where(b => comparison.Fits(section, b))];
            if (fitting.Length == 1)
            {
                comparison.Place(section, fitting[0]);
                comparison.ComparePending();
            }
            else if (fitting.Length == 0)
            {
                comparison.AddMismatch(section, "has other bytes at every address that its symbols allow");
            }
            else
            {
                open.Add(section, fitting);
            }
        }

        return open;
    }

    /// <summary>Finds the tables that nothing refers to, and compares them as well.</summary>
    private static void CompareTables(
        Architecture architecture,
        ImageComparison comparison,
        ElfSection[] sections,
        PatchTarget target,
        KernelImage image
    )
    {
        foreach (var table in sections.Where(s => comparison.PlaceOf(s) is null))
        {
            ulong[] places = [.. TableSearch.PlacesOf(architecture, table, comparison, image, target).Select(image.ToRunning)];
            var fitting = places.Length > 1 ? [.. places.Where(p => comparison.Fits(table, p))] : places;
            if (fitting.Length <= 1 && places.Length > 0)
            {
                // Where none fits, comparing with any tells what differs.
                comparison.Place(table, fitting.Length == 1 ? fitting[0] : places[0]);
                comparison.ComparePending();
            }
        }
    }

    /// <summary>The function or datum to name: for a table without names the code that the entry is about.</summary>
    private static string NameOf(Difference difference, UnitSymbols names)
    {
        var about =
            names.In(difference.Section).Count > 0
                ? null
                : difference
                    .Section.Relocations?.Entries.Where(r =>
                        r.Offset <= difference.Offset && r.Symbol?.Section?.Has(ElfSectionFlags.Execute) == true
                    )
                    .MaxBy(r => r.Offset);
        return about is null
            ? names.NameAt(difference.Section, difference.Offset)
            : $"{names.NameAt(about.Symbol!.Section!, unchecked(about.Symbol.Value + (ulong)about.Addend))} in {difference.Section}";
    }

    /// <summary>
    /// Code at an uncertain place makes the unit unusable. Data there, and code that is gone after boot, is merely unknown, and
    /// whoever needs it must refuse.
    /// </summary>
    private static Problem? AmbiguousCode(
        string unitName,
        PatchTarget target,
        Dictionary<ElfSection, IReadOnlyList<ulong>> candidates
    )
    {
        foreach ((var section, var bases) in candidates)
        {
            if (bases.Count > 1 && section.Has(ElfSectionFlags.Execute) && !target.Rules.IsGoneAfterStart(section))
            {
                return new Problem(
                    FidelityProblems.AmbiguousPlacement,
                    $"{unitName}: section {section} fits at {bases.Count} addresses, such as 0x{bases[0]:x} and 0x{bases[1]:x}"
                );
            }
        }

        return null;
    }

    private static UnitPlacement Assemble(string unitName, SectionPlacement[] sections, UnitSymbols names, PatchTarget target)
    {
        var byName = new Dictionary<string, SymbolPlacement>(StringComparer.Ordinal);
        foreach (var placed in sections.Where(s => s.Address is not null))
        {
            foreach (var symbol in names.In(placed.Section))
            {
                var address = unchecked(placed.Address!.Value + symbol.Value);
                var position = target.PositionOf(symbol.Name, address);
                var isOverridden = symbol.Binding == ElfSymbolBinding.Weak && position is null;
                if (!isOverridden)
                {
                    byName.TryAdd(symbol.Name, new(address, position, placed.Proof));
                }
            }
        }

        return new(unitName, target, sections, byName);
    }

    private static Problem Blame(
        ProblemCode code,
        string unitName,
        string what,
        IReadOnlyList<string> blamed,
        PatchTarget target,
        string kernelCompiler
    )
    {
        var place = VmlinuxTarget.IsNamed(target.ObjectName)
            ? "the running kernel"
            : $"the file of the module {target.ObjectName}";
        var names = string.Join(", ", blamed.Take(MostNames));
        var more = blamed.Count > MostNames ? $" and {blamed.Count - MostNames} more" : "";
        return new(code, $"{unitName} {what} in {place}: {names}{more}; the kernel was built by '{kernelCompiler}'");
    }
}
