using Elivepatch.Engine.SelfCheck;

namespace Elivepatch.Author.Output;

/// <summary>A function that a livepatch module replaces.</summary>
/// <param name="Object"><c>vmlinux</c> or the name of a module.</param>
/// <param name="Name">Name in kallsyms; null where the module gives none.</param>
/// <param name="Sympos">Which of several of that name: 0 the only one, else 1-based.</param>
/// <param name="New">The symbol that replaces it; null where there is none.</param>
/// <param name="Size">Size of the new function in bytes.</param>
internal sealed record InspectedFunction(string Object, string? Name, int Sympos, string? New, ulong Size);

/// <summary>A symbol that the livepatch core resolves.</summary>
/// <param name="Object"><c>vmlinux</c> or the name of a module.</param>
/// <param name="Name">Name in kallsyms.</param>
/// <param name="Sympos">Which of several of that name.</param>
internal sealed record InspectedReference(string Object, string Name, int Sympos);

/// <summary>One rule of what a kernel accepts.</summary>
/// <param name="Rule">Stable name.</param>
/// <param name="Title">The rule as a sentence.</param>
/// <param name="State">How it came out.</param>
/// <param name="Detail">What was looked at, what is wrong, or what is missing to tell.</param>
internal sealed record InspectedRule(string Rule, string Title, RuleState State, string Detail);

/// <summary>What a livepatch module patches, refers to and needs, and which rules it keeps.</summary>
/// <param name="Name">Name of the module.</param>
/// <param name="Vermagic">The kernel that it was built for.</param>
/// <param name="License">Its licence.</param>
/// <param name="Depends">Modules that must be loaded before.</param>
/// <param name="Form">How it lists what it patches.</param>
/// <param name="Replace">True where it replaces all other livepatches; null where code decides when it loads.</param>
/// <param name="Functions">Functions that it replaces.</param>
/// <param name="Callbacks">Callbacks by object, as <c>OBJECT KIND SYMBOL</c>.</param>
/// <param name="LivepatchReferences">Symbols that the livepatch core resolves.</param>
/// <param name="ExportReferences">Exports that the module loader resolves.</param>
/// <param name="Tables">Tables of the kernel's own that it has.</param>
/// <param name="Sizes">How much memory it takes.</param>
/// <param name="Rules">Every rule, passed, failed or not checkable.</param>
internal sealed record InspectReport(
    string Name,
    string? Vermagic,
    string? License,
    IReadOnlyList<string> Depends,
    PatchForm Form,
    bool? Replace,
    IReadOnlyList<InspectedFunction> Functions,
    IReadOnlyList<string> Callbacks,
    IReadOnlyList<InspectedReference> LivepatchReferences,
    IReadOnlyList<ExportReference> ExportReferences,
    IReadOnlyList<TableSummary> Tables,
    ModuleSizes Sizes,
    IReadOnlyList<InspectedRule> Rules
)
{
    /// <summary>What may become of the module when it was disabled.</summary>
    public RetentionState Retention { get; init; }

    /// <summary>The addresses of it that the kernel may keep, and how.</summary>
    public IReadOnlyList<string> KeptInMemory { get; init; } = [];

    /// <summary>Gathers the report.</summary>
    public static InspectReport Of(LivepatchModule module, Retention retention, IReadOnlyList<RuleResult> rules) =>
        new(
            module.Name,
            module.Information.Vermagic?.TrimEnd(),
            module.Information.License,
            module.Information.Depends,
            module.Form,
            module.Replace,
            [
                .. from o in module.Objects
                from f in o.Functions
                select new InspectedFunction(o.DisplayName, f.OldName, f.OldPosition.Value, f.New?.Symbol, f.New?.Size ?? 0),
            ],
            [.. module.Objects.SelectMany(CallbacksOf)],
            [
                .. module.LivepatchReferences.Select(r => new InspectedReference(
                    r.Symbol.ObjectName,
                    r.Symbol.Name,
                    r.Symbol.Position.Value
                )),
            ],
            module.ExportReferences,
            module.Tables,
            module.Sizes,
            [.. rules.Select(r => new InspectedRule(r.Id, r.Title, r.State, r.Detail))]
        )
        {
            Retention = retention.State,
            KeptInMemory = retention.Reasons,
        };

    private static IEnumerable<string> CallbacksOf(PatchedObject patched)
    {
        (string Kind, string? Symbol)[] callbacks =
        [
            ("pre_patch", patched.Callbacks.PrePatch),
            ("post_patch", patched.Callbacks.PostPatch),
            ("pre_unpatch", patched.Callbacks.PreUnpatch),
            ("post_unpatch", patched.Callbacks.PostUnpatch),
        ];
        return callbacks.Where(c => c.Symbol is not null).Select(c => $"{patched.DisplayName} {c.Kind} {c.Symbol}");
    }
}
