using System.CommandLine;
using Elivepatch.Author.Inputs;
using Elivepatch.Author.Output;
using Elivepatch.Elf;
using Elivepatch.Engine.Architectures;
using Elivepatch.Engine.Diff;
using Elivepatch.Engine.Units;
using Elivepatch.Model;
using Elivepatch.Terminal;

namespace Elivepatch.Author.Commands;

/// <summary><c>elivepatch diff</c>.</summary>
internal static class DiffCommand
{
    // e_machine of x86-64 (System V ABI, AMD64 supplement).
    /// <summary>The verb.</summary>
    public static Verb Create(Session session)
    {
        var before = new Argument<string>("BEFORE.o") { Description = "The object of the unit without the patch." };
        var after = new Argument<string>("AFTER.o") { Description = "The object of the unit with the patch." };
        var json = CommonOptions.Json();
        var verb = new Verb(
            AuthorVerbs.Diff,
            """
            Compile the unit twice with the kernel's own flags and -ffunction-sections -fdata-sections; with -g, static local
            variables are distinguished by the function that declares them. Differences in addresses, section order, numbers in
            compiler-generated names, and line numbers printed by warnings are ignored. Needs no kernel.

            Exit status: 0 something changed and could be made live, 3 nothing changed, 4 a livepatch would be refused.
            """,
            new Example(
                "elivepatch diff before/meminfo.o after/meminfo.o",
                "Show changed, new and removed functions and data, and refusals."
            ),
            new Example("elivepatch diff --json a.o b.o | jq -r '.changed[].name'", "List the changed functions for a script.")
        )
        {
            before,
            after,
            json,
        };
        verb.SetAction(
            (parsed, cancellation) =>
                Task.FromResult(
                    Run(
                        session,
                        parsed.GetRequiredValue(before),
                        parsed.GetRequiredValue(after),
                        parsed.GetValue(json),
                        cancellation
                    )
                )
        );
        return verb;
    }

    private static int Run(Session session, string beforePath, string afterPath, bool asJson, CancellationToken cancellation)
    {
        var units = (ReadUnit(beforePath), ReadUnit(afterPath));
        if (!units.Item1.TryGet(out var before) || !units.Item2.TryGet(out var after))
        {
            return Answer.Fail(session, [.. units.Item1.Problems, .. units.Item2.Problems], asJson, cancellation);
        }

        var diff = DetectChanges.Run(Correlate.Run(before, after), linesMove: true);
        var inclusion = Include.Run(diff);
        Problem[] problems = [.. diff.Problems.Concat(inclusion.Problems).Distinct()];
        var report = DiffReport.Of(diff, inclusion.Succeeded ? inclusion.Value : null, problems);
        if (asJson)
        {
            Answer.WriteJson(session, report, AuthorJson.Default.DiffReport);
        }
        else
        {
            DiffText.Write(session.Output, report, problems);
        }

        return problems.Length > 0 ? ExitStatus.Of(problems)
            : diff.IsEmpty ? (int)ProblemKind.NoChange
            : ExitStatus.Done;
    }

    private static Outcome<UnitObject> ReadUnit(string path) =>
        ObjectFile
            .Read(path)
            .Then(elf =>
                elf.FileType != ElfFileType.Relocatable || KnownArchitectures.Of(elf) is not { } architecture
                    ? new Problem(
                        CommandProblems.InputUnusable,
                        $"{path} is not a relocatable object for {string.Join(" or ", KnownArchitectures.All.Select(a => a.Name))}"
                    )
                    : UnitObject.Read(architecture, UnitName(elf, path), elf, layouts: null)
            );

    // The compiler names the source file in the object.
    private static string UnitName(ElfObject elf, string path) =>
        elf.Symbols.FirstOrDefault(s => s.Type == ElfSymbolType.File && s.Name.Length > 0)?.Name ?? Path.GetFileName(path);
}
