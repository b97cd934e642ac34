using Elivepatch.Engine.SelfCheck;
using Elivepatch.Terminal;

namespace Elivepatch.Author.Output;

/// <summary>A livepatch module as people read it.</summary>
internal static class InspectText
{
    /// <summary>Writes the report.</summary>
    public static void Write(TextWriter output, InspectReport module)
    {
        Columns.Write(
            output,
            [
                ["module", module.Name],
                ["built for", module.Vermagic ?? "(no vermagic)"],
                ["licence", module.License ?? "(none)"],
                .. module.Depends.Count > 0
                    ?
                    [
                        ["needs", string.Join(", ", module.Depends)],
                    ]
                    : Array.Empty<string[]>(),
                ["other livepatches", Replacing(module.Replace)],
                ["when disabled", Retained(module.Retention)],
                [
                    "memory",
                    $"{module.Sizes.Code} bytes of code, {module.Sizes.ReadOnlyData} of constants, {module.Sizes.WritableData} of variables",
                ],
            ],
            indent: 0
        );
        foreach (var group in module.Functions.GroupBy(f => f.Object))
        {
            Section(
                output,
                $"replaces in {group.Key}",
                group.Select(f => new[] { Name(f.Name ?? "(no name)", f.Sympos), $"by {f.New ?? "?"}, {f.Size} bytes" })
            );
        }

        Section(output, "callbacks", module.Callbacks.Select(c => new[] { c }));
        Section(output, "addresses that the kernel may keep", module.KeptInMemory.Select(r => new[] { r }));
        foreach (var group in module.LivepatchReferences.GroupBy(r => r.Object))
        {
            Section(output, $"refers to {group.Key}", group.Select(r => new[] { Name(r.Name, r.Sympos) }));
        }

        Section(
            output,
            "refers to exports",
            module.ExportReferences.Select(r =>
                new[] { r.Name, r.Crc is { } crc ? $"CRC 0x{crc:x8}" : "", r.IsWeak ? "weak" : "" }
            )
        );
        Section(
            output,
            "tables",
            module.Tables.Select(t => new[] { t.Name, t.Entries is { } n ? $"{n} entries" : $"{t.Size} bytes" })
        );
        Section(output, "rules", module.Rules.Select(r => new[] { Mark(r.State), r.Title, r.Detail }));
        WriteVerdict(output, module.Rules);
    }

    private static void WriteVerdict(TextWriter output, IReadOnlyList<InspectedRule> rules)
    {
        int Count(RuleState state) => rules.Count(r => r.State == state);
        output.WriteLine(
            $"{Count(RuleState.Passed)} rules kept, {Count(RuleState.Failed)} broken, {Count(RuleState.NotCheckable)} not checkable"
        );
    }

    private static void Section(TextWriter output, string title, IEnumerable<string[]> rows)
    {
        var lines = rows.ToList();
        if (lines.Count == 0)
        {
            return;
        }

        output.WriteLine();
        output.WriteLine($"{title}:");
        Columns.Write(output, lines, indent: 2);
    }

    private static string Name(string name, int sympos) => sympos == 0 ? name : $"{name} (number {sympos} of that name)";

    private static string Replacing(bool? replace) =>
        replace switch
        {
            true => "are replaced by it",
            false => "stay",
            null => "decided when it loads",
        };

    private static string Retained(RetentionState retention) =>
        retention switch
        {
            RetentionState.Unloadable => "can be unloaded",
            RetentionState.Kept => "stays in memory until the machine restarts",
            _ => "could be unloaded, and MUST NOT be",
        };

    private static string Mark(RuleState state) =>
        state switch
        {
            RuleState.Passed => "ok",
            RuleState.Failed => "FAILED",
            _ => "unknown",
        };
}
