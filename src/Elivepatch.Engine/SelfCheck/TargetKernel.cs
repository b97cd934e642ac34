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
public sealed record TargetKernel(
    KernelSymbols? Symbols,
    ExportedSymbols? Exports,
    string? Vermagic,
    EntryLayouts? Layouts,
    KernelImage? Image = null
)
{
    /// <summary>The kernel proper as what functions live in; null where its symbols are not known.</summary>
    public PatchTarget? Vmlinux => Symbols is null ? null : new VmlinuxTarget(Symbols, Image);

    /// <summary>A kernel of which nothing is known.</summary>
    public static TargetKernel Unknown { get; } = new(null, null, null, null);
}
