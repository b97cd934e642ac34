// In: the unit compiled exactly as the kernel was (one section of text) and compiled for comparing (a section per function and
// datum). Out: the second, proven to hold the same code and data, so that what was proven of the first holds for it. The flags
// that make the sections are not supposed to change code; this does not rely on it.
using Elivepatch.Elf;
using Elivepatch.Engine.Architectures;
using Elivepatch.Engine.Targets;
using Elivepatch.Model;

namespace Elivepatch.Engine.Fidelity;

/// <summary>The proof that the before object is the as-built object, cut into sections.</summary>
public static class BeforeMatchesAsBuilt
{
    private const int MostNames = 40;

    /// <summary>
    /// Gives the before object where every function and datum of either is in the other, equal in size and content.
    /// </summary>
    /// <param name="architecture">The processor.</param>
    /// <param name="rules">What the unit's link will do to the objects.</param>
    /// <param name="unitName">The unit's path in the source, for messages.</param>
    /// <param name="asBuilt">Compiled with the kernel's own flags.</param>
    /// <param name="before">Compiled with a section per function and datum.</param>
    public static Outcome<ElfObject> Run(
        Architecture architecture,
        LinkRules rules,
        string unitName,
        ElfObject asBuilt,
        ElfObject before
    )
    {
        ArgumentNullException.ThrowIfNull(architecture);
        if ((architecture.CheckObject(unitName, asBuilt) ?? architecture.CheckObject(unitName, before)) is { } refused)
        {
            return refused;
        }

        var comparison = new SectioningComparison(architecture, rules, asBuilt, before);
        var blamed = comparison.Run();
        if (blamed.Count == 0)
        {
            return before;
        }

        var more = blamed.Count > MostNames ? $" and {blamed.Count - MostNames} more" : "";
        return new Problem(
            FidelityProblems.BeforeDiffersFromAsBuilt,
            $"{unitName}: {string.Join(", ", blamed.Take(MostNames))}{more}"
        );
    }
}
