using Elivepatch.Engine.Facts;
using Elivepatch.Engine.Targets;

namespace Elivepatch.Engine.SelfCheck;

/// <summary>
/// What is known of the kernel that is to load a module; null for what is not, and rules that need it cannot be checked.
/// </summary>
/// <param name="Symbols">Its symbols.</param>
/// <param name="Exports">What it and its modules export.</param>
/// <param name="Vermagic">The vermagic that its modules carry.</param>
/// <param name="Layouts">Its structure layouts.</param>
/// <param name="Image">Its linked image.</param>
/// <param name="Modules">Those of its modules whose files are known.</param>
public sealed record TargetKernel(
    KernelSymbols? Symbols,
    ExportedSymbols? Exports,
    string? Vermagic,
    EntryLayouts? Layouts,
    KernelImage? Image = null,
    IReadOnlyCollection<ModuleTarget>? Modules = null
)
{
    /// <summary>The kernel proper and the modules whose files are known; null where the kernel's symbols are not known.</summary>
    public KernelObjects? Objects => Symbols is null ? null : new(new(Symbols, Image), Modules);

    /// <summary>A kernel of which nothing is known.</summary>
    public static TargetKernel Unknown { get; } = new(null, null, null, null);
}
