using Elivepatch.Elf;
using Elivepatch.Engine.Architectures.X8664;

namespace Elivepatch.Engine.Architectures;

/// <summary>The processors that livepatches are made for.</summary>
public static class KnownArchitectures
{
    /// <summary>All of them.</summary>
    public static IReadOnlyList<Architecture> All { get; } = [X8664Architecture.Instance];

    /// <summary>The processor that an object is for, or null.</summary>
    public static Architecture? Of(ElfObject elf)
    {
        ArgumentNullException.ThrowIfNull(elf);
        return All.FirstOrDefault(a => a.IsOf(elf));
    }
}
