using Elivepatch.Engine.Facts;
using Elivepatch.Engine.Targets;

namespace Elivepatch.Engine.Link;

/// <summary>How a livepatch refers to one symbol of the running kernel: by its export, or as a livepatch symbol.</summary>
/// <param name="Name">The symbol.</param>
/// <param name="Export">The export, for an ordinary relocation whose CRC the module loader checks; else null.</param>
/// <param name="Livepatch">The livepatch symbol where there is no export; else null.</param>
/// <param name="Address">Where it lies in the running kernel, as kallsyms gives it; null where the symbols do not tell.</param>
public sealed record KernelReference(string Name, ExportedSymbol? Export, LivepatchSymbol? Livepatch, ulong? Address)
{
    /// <summary>Name of the module that has it; null for what the kernel proper has.</summary>
    public string? Module =>
        Livepatch is { } livepatch && !VmlinuxTarget.IsNamed(livepatch.ObjectName) ? livepatch.ObjectName : null;

    /// <inheritdoc/>
    public override string ToString() => Livepatch?.SymbolName ?? Name;
}
