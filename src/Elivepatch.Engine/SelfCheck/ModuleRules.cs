// What a kernel accepts, each rule by itself with the kernel file it comes from at its head. In: a module that was read.
// Out: one result a rule, in the order in which a kernel would stumble. Without a kernel record the rules that need one say so.
using Elivepatch.Elf;

namespace Elivepatch.Engine.SelfCheck;

/// <summary>Checks a livepatch module against everything that the kernel's module loader and livepatch core ask of it.</summary>
public static class ModuleRules
{
    /// <summary>
    /// Number of this set of rules. Raised by one whenever a rule is added, or comes out failed where it did not before: servers
    /// then check anew every module that they have published, and withdraw what fails. Not raised for words or for a rule that
    /// merely became milder: what was withdrawn by mistake is built anew anyway. Goes into the name of every build.
    /// </summary>
    public const int Version = 3;

    private static readonly ModuleRule[] rules =
    [
        .. InformationRules.All,
        .. LoadedSectionRules.All,
        .. SymbolRules.All,
        .. RelocationRules.All,
        .. LivepatchRelocationRules.All,
        .. PatchListRules.All,
        .. MemoryRules.All,
        .. DefinitionRules.All,
        .. ReplacedCodeRules.All,
        .. IdListRules.All,
        .. AddressRules.All,
        .. TableRules.All,
    ];

    /// <summary>The names of all rules, in their order.</summary>
    public static IReadOnlyList<string> Ids { get; } = [.. rules.Select(r => r.Id)];

    /// <summary>Applies all rules.</summary>
    /// <param name="elf">The module's file.</param>
    /// <param name="module">What was read from that file.</param>
    /// <param name="kernel">The kernel that is to load it, or <see cref="TargetKernel.Unknown"/>.</param>
    public static IReadOnlyList<RuleResult> Check(ElfObject elf, LivepatchModule module, TargetKernel kernel)
    {
        var context = new RuleContext(elf, module, kernel);
        return [.. rules.Select(rule => rule.Apply(context))];
    }
}
