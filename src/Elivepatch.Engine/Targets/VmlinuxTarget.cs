using Elivepatch.Engine.Facts;
using Elivepatch.Model.Explanations;

namespace Elivepatch.Engine.Targets;

/// <summary>The kernel proper.</summary>
/// <param name="symbols">The symbols of the running kernel.</param>
/// <param name="image">Its linked image, or null.</param>
public sealed class VmlinuxTarget(KernelSymbols symbols, KernelImage? image) : PatchTarget
{
    /// <summary>Its name where one must be written; in the lists of a livepatch it has none.</summary>
    public const string Name = ExplainedObject.Vmlinux;

    private static readonly VmlinuxLinkRules rules = new();

    /// <inheritdoc/>
    public override string ObjectName => Name;

    /// <inheritdoc/>
    public override string? ListedName => null;

    /// <inheritdoc/>
    public override ObjectSymbols Symbols => symbols.Vmlinux;

    /// <inheritdoc/>
    public override KernelImage? Image => image;

    /// <inheritdoc/>
    public override LinkRules Rules => rules;

    /// <summary>What the link of the kernel does to the objects of its units.</summary>
    public static LinkRules LinkRules => rules;

    /// <summary>The map of its memory.</summary>
    public KernelMemory Memory { get; } = new(symbols);

    /// <inheritdoc/>
    public override MemoryKind KindOf(ulong address) => Memory.KindOf(address);

    /// <summary>True for the name of the kernel proper, and not of a module.</summary>
    public static bool IsNamed(string objectName) => objectName == Name;

    /// <summary>True where the kernel proper exports the symbol, and not a module.</summary>
    public static bool HasExport(ExportedSymbol export)
    {
        ArgumentNullException.ThrowIfNull(export);
        return export.Module == Name;
    }
}
