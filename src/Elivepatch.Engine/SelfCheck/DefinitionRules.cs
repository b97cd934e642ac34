using Elivepatch.Elf;
using Elivepatch.Engine.Facts;
using Elivepatch.Engine.Targets;

namespace Elivepatch.Engine.SelfCheck;

/// <summary>
/// That the module has no copy of its own of what the kernel has, which code outside of the module would never use. Names settle
/// it: in C a file that sees the declaration of a global cannot have a static of that name, and livepatch modules bind what they
/// bring locally, whatever the source says. <see cref="Link.Combine"/> gives a static that shares its name by chance another one.
/// </summary>
internal static class DefinitionRules
{
    public static IReadOnlyList<ModuleRule> All { get; } =
    [
        new(
            "definitions-replace",
            "What has the name of a global of the kernel replaces it",
            SelfCheckProblems.SecondDefinitionInModule,
            Replace
        ),
    ];

    private static RuleFinding Replace(RuleContext context)
    {
        if (context.Kernel.Symbols is null)
        {
            return RuleFinding.NotCheckable("the kernel's symbols are not known");
        }

        var replacements = context
            .Module.Objects.SelectMany(o => o.Functions)
            .Select(f => f.New)
            .OfType<NewCode>()
            .Select(c => (c.Section, c.Offset))
            .ToHashSet();
        var definitions = context.Elf.Symbols.Where(IsDefinition).ToList();
        return RuleFinding.Of(
            definitions
                .Where(s => !replacements.Contains((s.Section!.Name, s.Value)))
                .Select(s => CheckSymbol(context, s))
                .OfType<string>(),
            $"{definitions.Count} definitions"
        );
    }

    private static string? CheckSymbol(RuleContext context, ElfSymbol symbol)
    {
        // A function that was start code has been freed: the module's is the only one.
        var objects = context.Module.Objects.Select(o => o.DisplayName).Append(VmlinuxTarget.Name).Distinct();
        var running = objects
            .SelectMany(o => (context.Named(o, symbol.Name) ?? []).Select(s => (Object: o, Symbol: s)))
            .Where(s => s.Symbol.IsGlobal && context.KindOf(new(s.Object, s.Symbol.Address)) != MemoryKind.Init)
            .ToList();
        if (running.Count == 0)
        {
            return null;
        }

        var kind = running.Exists(s => s.Symbol.Type is 'W' or 'V') ? ", a weak one" : "";
        var owner = VmlinuxTarget.IsNamed(running[0].Object) ? "the kernel" : running[0].Object;
        return $"{symbol.Name} in {symbol.Section!.Name}+0x{symbol.Value:x} replaces nothing, and {owner} uses its own{kind}";
    }

    // Every module has these of its own (scripts/mod/modpost.c, include/linux/module.h).
    private static readonly string[] ofEveryModule = ["__this_module", "init_module", "cleanup_module"];

    // Symbols without a type are labels, and those of the linker script of modules (__start_alloc_tags). Only the module itself
    // calls its start code. objtool names the padding in front of a function, __pfx_NAME, as in the kernel.
    private static bool IsDefinition(ElfSymbol symbol) =>
        symbol
            is {
                Place: ElfSymbolPlace.Section,
                Section: { } section,
                Name.Length: > 0,
                Type: ElfSymbolType.Function or ElfSymbolType.Object
            }
        && section.Has(ElfSectionFlags.Alloc)
        && !section.Name.StartsWith(".init.", StringComparison.Ordinal)
        && !section.Name.StartsWith(".exit.", StringComparison.Ordinal)
        && Array.IndexOf(ofEveryModule, symbol.Name) < 0
        && !symbol.Name.StartsWith("__pfx_", StringComparison.Ordinal)
        && !symbol.Name.StartsWith("__cfi_", StringComparison.Ordinal);
}
