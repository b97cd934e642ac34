using Elivepatch.Elf;

namespace Elivepatch.Engine.Architectures;

/// <summary>
/// What <c>apply_relocate_add()</c> of a processor's <c>kernel/module.c</c> applies, for ordinary and livepatch relocations
/// alike.
/// </summary>
internal abstract class ModuleLoader
{
    /// <summary>
    /// True where a section holds per-processor variables (<c>find_pcpusec()</c>, <c>kernel/module/main.c</c>).
    /// </summary>
    public static bool IsPerCpu(ElfSection section) => section.Name.StartsWith(".data..percpu", StringComparison.Ordinal);

    /// <summary>True for a type that it applies.</summary>
    public abstract bool Applies(RelocationType type);

    /// <summary>True where it refuses a field that is not zero before it is relocated.</summary>
    public abstract bool NeedsZero { get; }

    /// <summary>True where the field can hold what it is to hold, as far as is known.</summary>
    /// <param name="type">The type, which is one that is applied.</param>
    /// <param name="relocation">The relocation.</param>
    /// <param name="symbol">Its symbol.</param>
    /// <param name="address">The symbol's address, or null.</param>
    public abstract bool Fits(RelocationType type, ElfRelocation relocation, ElfSymbol symbol, long? address);

    /// <summary>
    /// True where the instruction around a field loads an address into the register of the first argument; gives what the field
    /// lacks to be that address.
    /// </summary>
    /// <param name="code">The section's bytes.</param>
    /// <param name="relocation">The relocation of the field.</param>
    /// <param name="bias">What is to be added to the addend.</param>
    public abstract bool LoadsFirstArgument(ReadOnlySpan<byte> code, ElfRelocation relocation, out long bias);
}
