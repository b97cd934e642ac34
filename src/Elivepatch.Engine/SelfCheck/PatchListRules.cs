using Elivepatch.Engine.Facts;
using Elivepatch.Engine.Targets;
using Elivepatch.Model;

namespace Elivepatch.Engine.SelfCheck;

/// <summary>
/// What <c>klp_enable_patch()</c> and what it calls in <c>kernel/livepatch/core.c</c> ask of the lists, and that what they name
/// is in the kernel.
/// </summary>
internal static class PatchListRules
{
    public static IReadOnlyList<ModuleRule> All { get; } =
    [
        Rule("patch-objects", "The list of objects has names the kernel takes, each once, and functions for each", HasObjects),
        Rule("patch-functions", "Every entry names an old function and a new one, each old one once", HasFunctions),
        Rule("patch-terminated", "The lists end with an empty entry", AreTerminated),
        Rule("patch-new-code", "New functions are code with a symbol, from which the kernel takes their size", HasNewCode),
        new(
            "patch-old-functions",
            "Every old function exists in the kernel at its position and is code",
            SelfCheckProblems.MissingPatchTarget,
            Exist
        ),
        Rule("patch-ftrace", "Every old function has an ftrace entry", HaveFtraceEntries),
    ];

    private static ModuleRule Rule(string id, string title, Func<RuleContext, RuleFinding> check) =>
        new(id, title, SelfCheckProblems.WrongPatchLists, check);

    private static RuleFinding HasObjects(RuleContext context)
    {
        return RuleFinding.Of(Faults(), $"{context.Module.Objects.Count} objects");

        IEnumerable<string> Faults()
        {
            if (context.Module.Objects.Count == 0)
            {
                yield return "there is none";
            }

            var names = new HashSet<string>(StringComparer.Ordinal);
            foreach (var item in context.Module.Objects)
            {
                // A null pointer stands for vmlinux; by that name the kernel would wait for a module.
                if (item.Name is VmlinuxTarget.Name or "")
                {
                    yield return $"an object has the name '{item.Name}'";
                }

                if (item.Name is { Length: > KernelLimits.ModuleName })
                {
                    yield return $"the name {item.Name} has more than {KernelLimits.ModuleName} characters";
                }

                if (!names.Add(item.DisplayName))
                {
                    yield return $"{item.DisplayName} is there twice";
                }

                if (item.Functions.Count == 0)
                {
                    yield return $"{item.DisplayName} has no functions";
                }
            }
        }
    }

    private static RuleFinding HasFunctions(RuleContext context)
    {
        var longest = context.IsBefore(6, 1) ? KernelLimits.SymbolNameBefore61 : KernelLimits.SymbolName;
        return RuleFinding.Of(Faults(), $"{context.Module.Objects.Sum(o => o.Functions.Count)} functions");

        IEnumerable<string> Faults()
        {
            foreach (var item in context.Module.Objects)
            {
                // In sysfs 0 and 1 are the same.
                var seen = new HashSet<(string?, int)>();
                foreach (var function in item.Functions)
                {
                    if (function.OldName is null or "")
                    {
                        yield return $"{item.DisplayName}: an entry without old function";
                    }
                    else if (function.OldName.Length > longest)
                    {
                        yield return $"{item.DisplayName}: {function.OldName} has more than {longest} characters";
                    }
                    else if (!seen.Add((function.OldName, Math.Max(function.OldPosition.Value, 1))))
                    {
                        yield return $"{item.DisplayName}: {function} is there twice";
                    }

                    if (function.New is null)
                    {
                        yield return $"{item.DisplayName}: {function} has no new function";
                    }
                }
            }
        }
    }

    private static RuleFinding AreTerminated(RuleContext context)
    {
        bool?[] ends = [context.Module.ObjectsAreTerminated, .. context.Module.Objects.Select(o => o.FunctionsAreTerminated)];
        if (ends.Contains(false))
        {
            var open = context
                .Module.Objects.Where(o => o.FunctionsAreTerminated == false)
                .Select(o => $"the functions of {o.DisplayName}");
            return RuleFinding.Of(context.Module.ObjectsAreTerminated == false ? open.Prepend("the objects") : open, "");
        }

        return ends.Contains(null)
            ? RuleFinding.NotCheckable("the size of an entry is not known")
            : RuleFinding.Passed($"{ends.Length} lists");
    }

    private static RuleFinding HasNewCode(RuleContext context) =>
        RuleFinding.Of(
            from item in context.Module.Objects
            from function in item.Functions
            where function.New is { } code && (code.Symbol is null || !code.IsCode)
            select $"{function}: {function.New!.Section}+0x{function.New.Offset:x} is no {(function.New.IsCode ? "named function" : "code")}",
            "all have"
        );

    private static RuleFinding Exist(RuleContext context)
    {
        if (context.Kernel.Symbols is null)
        {
            return RuleFinding.NotCheckable("the kernel's symbols are not known");
        }

        var unknown = new HashSet<string>(StringComparer.Ordinal);
        var faults = new List<string>();
        foreach (var item in context.Module.Objects)
        {
            foreach (var function in item.Functions.Where(f => f.OldName is { Length: > 0 }))
            {
                if (context.Named(item.Name, function.OldName!) is not { } symbols)
                {
                    unknown.Add(item.DisplayName);
                }
                else if (
                    (
                        CheckPosition(context, item.DisplayName, function.OldPosition, symbols)
                        ?? context.CountedTwice(item.Name, function.OldName!, function.OldPosition)
                    ) is
                    { } fault
                )
                {
                    faults.Add($"{function.OldName} of {item.DisplayName}: {fault}");
                }
            }
        }

        return faults.Count == 0 && unknown.Count > 0
            ? RuleFinding.NotCheckable($"the record has no symbols of {string.Join(", ", unknown.Order(StringComparer.Ordinal))}")
            : RuleFinding.Of(faults, "all are there");
    }

    private static string? CheckPosition(
        RuleContext context,
        string objectName,
        Sympos position,
        IReadOnlyList<KernelSymbol> symbols
    )
    {
        if (LivepatchRelocationRules.CheckPosition(position, symbols.Count) is { } fault)
        {
            return fault;
        }

        var symbol = symbols[Math.Max(position.Value, 1) - 1];

        // Where the kernel's memory is not known, a weak symbol may be either.
        var isCode =
            context.IsCode(objectName, symbol)
            || (symbol.Type is 'w' or 'W' && context.KindOf(new(objectName, symbol.Address)) == MemoryKind.Unknown);
        return isCode ? null : $"it is of type {symbol.Type}, not code";
    }

    private static RuleFinding HaveFtraceEntries(RuleContext context)
    {
        NewCode[] code = [.. context.Module.Objects.SelectMany(o => o.Functions).Select(f => f.New).OfType<NewCode>()];
        return RuleFinding.NotCheckable(
            $"only the kernel's own table tells; of the {code.Length} new functions, which need none, {code.Count(c => c.HasFtraceEntry)} have one"
        );
    }
}
