using Elivepatch.Elf;
using Elivepatch.Model;

namespace Elivepatch.Engine.SelfCheck;

/// <summary>
/// What the module says about itself: <c>.modinfo</c> and <c>.gnu.linkonce.this_module</c>, which <c>kernel/module/main.c</c>
/// compares with the running kernel before anything else.
/// </summary>
internal static class InformationRules
{
    // license_is_gpl_compatible(), include/linux/license.h.
    private static readonly string[] compatibleLicences =
    [
        "GPL",
        "GPL v2",
        "GPL and additional rights",
        "Dual BSD/GPL",
        "Dual MIT/GPL",
        "Dual MPL/GPL",
    ];

    public static IReadOnlyList<ModuleRule> All { get; } =
    [
        new(
            "information-livepatch",
            "The module says that it is a livepatch",
            SelfCheckProblems.WrongModuleInformation,
            SaysLivepatch
        ),
        new(
            "information-licence",
            "The licence is compatible with the GPL",
            SelfCheckProblems.WrongModuleInformation,
            IsCompatiblyLicensed
        ),
        new("information-vermagic", "The vermagic is the kernel's", SelfCheckProblems.BuiltForOtherKernel, HasKernelsVermagic),
        new("module-name", "The module has one name", SelfCheckProblems.WrongModuleInformation, HasOneName),
        new(
            "module-structure",
            "The module's struct module is as large as the kernel's",
            SelfCheckProblems.BuiltForOtherKernel,
            HasKernelsStructure
        ),
        new(
            "module-start",
            "The module starts with init_module, and code in it enables the livepatch",
            SelfCheckProblems.WrongModuleStart,
            Starts
        ),
    ];

    private static RuleFinding SaysLivepatch(RuleContext context) =>
        RuleFinding.Of(
            context.Module.Information.Livepatch == "Y"
                ? null
                : $".modinfo has livepatch={context.Module.Information.Livepatch ?? " nowhere"}",
            "livepatch=Y"
        );

    private static RuleFinding IsCompatiblyLicensed(RuleContext context)
    {
        var licence = context.Module.Information.License;
        return RuleFinding.Of(
            licence is not null && compatibleLicences.Contains(licence) ? null : $"the licence is '{licence}'",
            $"license={licence}"
        );
    }

    private static RuleFinding HasKernelsVermagic(RuleContext context)
    {
        var own = context.Module.Information.Vermagic;
        if (context.Kernel.Vermagic is not { } kernels)
        {
            return RuleFinding.NotCheckable($"the kernel's vermagic is not known; the module's is '{own}'");
        }

        // The macro ends with a blank where no further option follows (include/linux/vermagic.h).
        return RuleFinding.Of(
            own?.TrimEnd() == kernels.TrimEnd() ? null : $"the module has '{own}', the kernel '{kernels}'",
            kernels
        );
    }

    private static RuleFinding HasOneName(RuleContext context)
    {
        var structure = ModuleStart.NameOf(context.Elf, context.Kernel.Layouts);
        var information = context.Module.Information.Name;
        return RuleFinding.Of(
            structure is null ? $"{ModuleStart.Section} has no name of at most {KernelLimits.ModuleName} characters"
                : information is not null && information != structure
                    ? $"it is '{structure}' in {ModuleStart.Section} and '{information}' in .modinfo"
                : null,
            structure ?? ""
        );
    }

    private static RuleFinding HasKernelsStructure(RuleContext context)
    {
        if (context.Elf.FindSection(ModuleStart.Section) is not { } section)
        {
            return RuleFinding.Of($"there is no {ModuleStart.Section}", "");
        }

        if (context.Kernel.Layouts?.StructureSizes.TryGetValue("module", out var size) is not true)
        {
            return RuleFinding.NotCheckable($"the kernel's sizeof(struct module) is not known; the module's is {section.Size}");
        }

        return RuleFinding.Of(
            section.Size == (ulong)size ? null : $"it has {section.Size} bytes, the kernel's {size}",
            $"{size} bytes"
        );
    }

    private static RuleFinding Starts(RuleContext context)
    {
        var init = context.Elf.Symbols.Find(s =>
            s is { IsDefined: true, Name: ModuleStart.InitFunction } && s.Section!.Has(ElfSectionFlags.Execute)
        );
        if (init is null)
        {
            return RuleFinding.Of($"it defines no {ModuleStart.InitFunction}()", "");
        }

        if (!context.Loaded.Any(s => s.Target.Name == ModuleStart.Section && s.Entries.Exists(r => PointsAt(r, init))))
        {
            return RuleFinding.Of($"{ModuleStart.Section} does not point at {ModuleStart.InitFunction}()", "");
        }

        return RuleFinding.Of(
            context.Loaded.Any(s =>
                s.Target.Has(ElfSectionFlags.Execute) && s.Entries.Exists(r => r.Symbol?.Name == ModuleStart.EnableFunction)
            )
                ? null
                : $"no code calls {ModuleStart.EnableFunction}()",
            $"{ModuleStart.InitFunction}() in {init.Section!.Name}"
        );
    }

    private static bool PointsAt(ElfRelocation relocation, ElfSymbol function) =>
        DataFields.TargetOf(relocation.Symbol, relocation.Addend) is { } place
        && place.Section == function.Section
        && place.Offset == function.Value;
}
