// In: any finished livepatch module. Out: what it patches and what it needs, as data. Nothing here judges: a module
// that breaks a rule is read as far as it can be, and ModuleRules says what is wrong with it.
using Elivepatch.Elf;
using Elivepatch.Engine.Architectures;
using Elivepatch.Engine.Facts;
using Elivepatch.Engine.Targets;
using Elivepatch.Model;

namespace Elivepatch.Engine.SelfCheck;

/// <summary>What a livepatch module patches, refers to and needs.</summary>
/// <param name="Name">
/// Name of the module, from <c>.gnu.linkonce.this_module</c>, else from <c>.modinfo</c>; empty where neither has one.
/// </param>
/// <param name="Information">The module's description of itself, <c>.modinfo</c>.</param>
/// <param name="Form">How the module lists what it patches.</param>
/// <param name="Replace">True for a cumulative livepatch that replaces all others; null where code decides when it loads.</param>
/// <param name="Objects">What is patched, in the module's order.</param>
/// <param name="ObjectsAreTerminated">Whether a zero entry ends the list of objects; null where that cannot be seen.</param>
/// <param name="LivepatchReferences">Symbols that the livepatch core resolves, in symbol table order.</param>
/// <param name="ExportReferences">Symbols that the module loader resolves among the exports, in symbol table order.</param>
/// <param name="Tables">Tables of the kernel's own that the module has, in file order.</param>
/// <param name="Sizes">How much memory the module takes.</param>
public sealed record LivepatchModule(
    string Name,
    ModuleInformation Information,
    PatchForm Form,
    bool? Replace,
    IReadOnlyList<PatchedObject> Objects,
    bool? ObjectsAreTerminated,
    IReadOnlyList<LivepatchReference> LivepatchReferences,
    IReadOnlyList<ExportReference> ExportReferences,
    IReadOnlyList<TableSummary> Tables,
    ModuleSizes Sizes
)
{
    /// <summary>The processor that it is for.</summary>
    public required Architecture Architecture { get; init; }

    /// <summary>Names of the kernel's modules that it patches or refers to.</summary>
    public IEnumerable<string> ModuleNames =>
        Objects
            .Select(o => o.DisplayName)
            .Concat(LivepatchReferences.Select(r => r.Symbol.ObjectName))
            .Where(n => !VmlinuxTarget.IsNamed(n))
            .Distinct(StringComparer.Ordinal);

    /// <summary>Reads a module.</summary>
    /// <param name="elf">The module.</param>
    /// <param name="layouts">
    /// The target kernel's structure layouts where they are known; otherwise sizes are inferred from where relocations lie.
    /// </param>
    /// <param name="architecture">The processor; null for the one of those that are known.</param>
    public static Outcome<LivepatchModule> Read(ElfObject elf, EntryLayouts? layouts = null, Architecture? architecture = null) =>
        ReadModule.Read(elf, layouts, architecture ?? KnownArchitectures.Of(elf));
}
