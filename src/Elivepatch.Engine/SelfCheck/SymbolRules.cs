using Elivepatch.Elf;
using Elivepatch.Engine.Facts;
using Elivepatch.Engine.Targets;

namespace Elivepatch.Engine.SelfCheck;

/// <summary>
/// Symbols that the module loader resolves: <c>simplify_symbols()</c> and <c>check_version()</c> in <c>kernel/module</c>.
/// </summary>
internal static class SymbolRules
{
    private const string NoExports = "what the kernel exports is not known";

    public static IReadOnlyList<ModuleRule> All { get; } =
    [
        new("symbols-exported", "Every undefined symbol is exported", SelfCheckProblems.UnresolvableSymbol, AreExported),
        new(
            "symbols-versions",
            "Every undefined symbol has a checksum where the kernel wants one",
            SelfCheckProblems.WrongSymbolVersions,
            HaveVersions
        ),
        new(
            "symbols-versions-match",
            "The checksums are the kernel's",
            SelfCheckProblems.WrongSymbolVersions,
            HaveKernelsVersions
        ),
        new("symbols-namespaces", "Namespaces of used exports are imported", SelfCheckProblems.UnresolvableSymbol, AreImported),
        new(
            "symbols-depends",
            "Modules whose exports are used are named as dependencies",
            SelfCheckProblems.UnresolvableSymbol,
            AreDependencies
        ),
        new("symbols-no-common", "No symbol is common", SelfCheckProblems.WrongSections, AreNotCommon),
    ];

    private static RuleFinding AreExported(RuleContext context)
    {
        if (context.Kernel.Exports is not { } exports)
        {
            return RuleFinding.NotCheckable(NoExports);
        }

        return RuleFinding.Of(
            context
                .Module.ExportReferences.Where(r => !r.IsWeak && exports.Find(r.Name) is null)
                .Select(r => $"{r.Name} is not exported"),
            $"{context.Module.ExportReferences.Count} symbols"
        );
    }

    private static RuleFinding HaveVersions(RuleContext context)
    {
        if (!context.Module.Information.HasModuleVersions)
        {
            return RuleFinding.Passed("built for a kernel without module versions");
        }

        return RuleFinding.Of(
            context
                .Module.ExportReferences.Where(r => r is { IsWeak: false, Crc: null })
                .Select(r => $"{r.Name} has no entry in __versions"),
            $"{context.Module.ExportReferences.Count} symbols"
        );
    }

    private static RuleFinding HaveKernelsVersions(RuleContext context)
    {
        if (context.Kernel.Exports is null)
        {
            return RuleFinding.NotCheckable(NoExports);
        }

        if (!context.Module.Information.HasModuleVersions)
        {
            return RuleFinding.Passed("built for a kernel without module versions");
        }

        return RuleFinding.Of(
            Exported(context)
                .Where(u => u.Reference.Crc is { } crc && crc != u.Export.Crc)
                .Select(u => $"{u.Reference.Name} has 0x{u.Reference.Crc:x8}, the kernel 0x{u.Export.Crc:x8}"),
            "all checksums are equal"
        );
    }

    private static RuleFinding AreImported(RuleContext context)
    {
        if (context.Kernel.Exports is null)
        {
            return RuleFinding.NotCheckable(NoExports);
        }

        var imported = context.Module.Information.ImportedNamespaces.ToHashSet(StringComparer.Ordinal);
        return RuleFinding.Of(
            Exported(context)
                .Where(u => u.Export.Namespace.Length > 0 && !imported.Contains(u.Export.Namespace))
                .Select(u => $"{u.Reference.Name} is in namespace {u.Export.Namespace}"),
            $"{imported.Count} imported"
        );
    }

    private static RuleFinding AreDependencies(RuleContext context)
    {
        if (context.Kernel.Exports is null)
        {
            return RuleFinding.NotCheckable(NoExports);
        }

        var depends = context.Module.Information.NeededModules.ToHashSet(StringComparer.Ordinal);
        return RuleFinding.Of(
            Exported(context)
                .Where(u => !VmlinuxTarget.HasExport(u.Export) && !depends.Contains(u.Export.ObjectName))
                .Select(u => $"{u.Reference.Name} is exported by {u.Export.Module}"),
            $"{depends.Count} dependencies"
        );
    }

    private static RuleFinding AreNotCommon(RuleContext context) =>
        RuleFinding.Of(
            context.Elf.Symbols.Where(s => s.Place == ElfSymbolPlace.Common).Select(s => $"{s.Name} is common"),
            "none is"
        );

    private static IEnumerable<(ExportReference Reference, ExportedSymbol Export)> Exported(RuleContext context) =>
        context.Module.ExportReferences.Select(r => (r, context.Kernel.Exports!.Find(r.Name)!)).Where(u => u.Item2 is not null);
}
