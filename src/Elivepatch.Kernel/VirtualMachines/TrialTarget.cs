// In: livepatches, and where their kernel's modules are. Out: the modules that they patch and all that these need, in an order in
// which they can be loaded.
using Elivepatch.Elf;
using Elivepatch.Engine.Facts;
using Elivepatch.Kernel.Import;
using Elivepatch.Model;

namespace Elivepatch.Kernel.VirtualMachines;

/// <summary>A module of the kernel that a guest loads.</summary>
/// <param name="Name">Its name, as the kernel calls it.</param>
/// <param name="Content">Its file, not compressed.</param>
/// <param name="IsPatched">True where a livepatch patches it, false where one that is patched needs it.</param>
internal sealed record TrialTarget(string Name, ReadOnlyMemory<byte> Content, bool IsPatched)
{
    // A stock kernel has 4,000 modules in all.
    private const int Most = 500;

    /// <summary>Finds them.</summary>
    public static async Task<Outcome<IReadOnlyList<TrialTarget>>> FindAsync(
        ModuleFiles? files,
        IReadOnlyList<TrialModule> livepatches,
        CancellationToken cancellation
    )
    {
        var patched = livepatches
            .SelectMany(l => l.Patches)
            .Distinct(StringComparer.Ordinal)
            .Order(StringComparer.Ordinal)
            .ToList();
        var found = new List<TrialTarget>();
        if (files is null || patched.Count == 0)
        {
            return found;
        }

        var begun = new HashSet<string>(StringComparer.Ordinal);
        foreach (var name in patched)
        {
            if (await AddAsync(name) is { } problem)
            {
                return problem;
            }
        }

        return found;

        // What it needs first (depmod(8) reads the same).
        async Task<Problem?> AddAsync(string name)
        {
            if (!begun.Add(name))
            {
                return null;
            }

            if (begun.Count > Most)
            {
                return new(VirtualMachineProblems.TrialInvalid, $"what is patched needs more than {Most} modules");
            }

            var read = await files.ReadAsync(name, cancellation);
            if (!read.TryGet(out var content))
            {
                return read.Problems[0];
            }

            foreach (var needed in DependsOf(content))
            {
                if (await AddAsync(needed) is { } problem)
                {
                    return problem;
                }
            }

            found.Add(new(name, content, patched.Contains(name)));
            return null;
        }
    }

    private static IEnumerable<string> DependsOf(ReadOnlyMemory<byte> content)
    {
        try
        {
            return ModuleInformation.Of(ElfReader.Read(content.ToArray())).NeededModules;
        }
        catch (ElfFormatException)
        {
            // The kernel says what is wrong with it.
            return [];
        }
    }
}
