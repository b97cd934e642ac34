using Elivepatch.Engine.Facts;

namespace Elivepatch.Engine.Targets;

/// <summary>
/// The kernel proper and those of its modules that a livepatch has to do with. A symbol belongs to one of them, and its address
/// means something in that one alone.
/// </summary>
/// <param name="vmlinux">The kernel proper.</param>
/// <param name="modules">Modules that are patched, and those whose exports are used.</param>
public sealed class KernelObjects(VmlinuxTarget vmlinux, IEnumerable<ModuleTarget>? modules = null)
{
    private readonly Dictionary<string, ModuleTarget> modules = (modules ?? []).ToDictionary(m => m.ObjectName);

    /// <summary>The kernel proper.</summary>
    public VmlinuxTarget Vmlinux { get; } = vmlinux;

    /// <summary>The modules, in no order.</summary>
    public IReadOnlyCollection<ModuleTarget> Modules => modules.Values;

    /// <summary>The object of this name; null for a module that nobody has read.</summary>
    public PatchTarget? Find(string objectName) => VmlinuxTarget.IsNamed(objectName) ? Vmlinux : FindModule(objectName);

    /// <summary>The object that has what a reference leads to; null for a module that nobody has read.</summary>
    public PatchTarget? HomeOf(LivepatchSymbol? symbol) => symbol is null ? Vmlinux : Find(symbol.ObjectName);

    /// <summary>The module of this name; null where nobody has read it.</summary>
    public ModuleTarget? FindModule(string name) => modules.GetValueOrDefault(name);
}
