using Elivepatch.Engine.Facts;

namespace Elivepatch.Engine.SelfCheck;

/// <summary>
/// What no file of the kernel checks: that nothing of the kernel leads into a module's memory when that is freed
/// (<c>free_module()</c> in <c>kernel/module/main.c</c>).
/// </summary>
internal static class AddressRules
{
    // MODULE_VERMAGIC_MODULE_UNLOAD of include/linux/vermagic.h: without CONFIG_MODULE_UNLOAD no module is ever unloaded.
    private const string CanUnload = "mod_unload";

    public static IReadOnlyList<ModuleRule> All { get; } =
    [
        new(
            "addresses-kept",
            "A module of which the kernel may keep addresses keeps itself in memory",
            SelfCheckProblems.AddressesDangle,
            KeepsAddresses
        ),
    ];

    private static RuleFinding KeepsAddresses(RuleContext context)
    {
        var found = Retention.Of(context.Elf, context.Module);
        return found.State switch
        {
            RetentionState.Unloadable => RuleFinding.Passed("the kernel keeps none"),
            RetentionState.Kept => RuleFinding.Passed($"it keeps itself: {string.Join("; ", found.Reasons)}"),
            _ => RuleFinding.Of(found.Reasons, ""),
        };
    }

    /// <summary>True where the kernel that the module is for can unload modules at all.</summary>
    public static bool KernelUnloads(ModuleInformation information) =>
        information.Vermagic is not { } vermagic || vermagic.Split(' ').Contains(CanUnload);
}
