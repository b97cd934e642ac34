// In: units. Out: the command by which kbuild compiles each of them, from a dry run of kbuild itself: flags depend on the
// configuration, the Makefiles on the way down to the unit, and what the compiler can do, and only kbuild adds them up right.

using System.Text.Json;
using Elivepatch.Kernel.Processes;
using Elivepatch.Kernel.Storage;
using Elivepatch.Kernel.Trees;
using Elivepatch.Model;

namespace Elivepatch.Kernel.Compile;

/// <summary>The compile commands of a source tree.</summary>
public sealed class KbuildCommands(CacheRoot cache)
{
    private const string Version = "4";
    private const string FileName = "command.json";
    private const string RulesPath = "scripts/Makefile.build";
    private static readonly string[] generated =
    [
        "include/config/auto.conf",
        "include/config/auto.conf.cmd",
        "include/generated/autoconf.h",
        "include/generated/rustc_cfg",
    ];

    private static readonly EntryKind Kind = new("commands");
    private static readonly EntryKind Unbuilt = new("unbuilt");

    /// <summary>The commands for these units, in their order; a problem for each that this kernel does not build.</summary>
    public async Task<Outcome<IReadOnlyList<CompileCommand>>> ForUnitsAsync(
        SourceTree tree,
        IReadOnlyList<string> units,
        CancellationToken cancellation
    )
    {
        if (units.FirstOrDefault(u => !UnitPath.IsValid(u) || !u.EndsWith(".c", StringComparison.Ordinal)) is { } strange)
        {
            return new Problem(CompileProblems.UnitNotBuilt, $"{strange} is not the path of a C file");
        }

        var known = new Dictionary<string, CompileCommand>(StringComparer.Ordinal);
        foreach (var unit in units)
        {
            if (cache.Find(Kind, KeyOf(tree, unit)) is { } folder && Load(folder) is { } command)
            {
                known[unit] = command;
            }
        }
        var missing = units.Distinct().Where(u => !known.ContainsKey(u)).ToList();
        if (missing.Count > 0)
        {
            var asked = await AskAsync(tree, missing, cancellation);
            if (!asked.TryGet(out var answers))
            {
                return Outcome<IReadOnlyList<CompileCommand>>.Failure(asked.Problems);
            }

            foreach (var command in answers)
            {
                await StoreAsync(tree, command, cancellation);
                known[command.Unit] = command;
            }
        }
        return units.Select(u => known[u]).ToList();
    }

    /// <summary>The commands for those of these units that this kernel builds; the others are absent.</summary>
    public async Task<Outcome<IReadOnlyList<CompileCommand>>> ForBuiltUnitsAsync(
        SourceTree tree,
        IReadOnlyList<string> units,
        CancellationToken cancellation
    )
    {
        var commands = new Dictionary<string, CompileCommand>(StringComparer.Ordinal);
        foreach (var unit in units)
        {
            if (cache.Find(Kind, KeyOf(tree, unit)) is { } folder && Load(folder) is { } command)
            {
                commands[unit] = command;
            }
        }
        var asked = units.Where(u => !commands.ContainsKey(u) && tree.HasFile(u)).Distinct().ToList();
        if (asked.Count > 0 && !IsKnownUnbuilt(tree, asked))
        {
            var answer = await DryRunAsync(tree, asked, cancellation);
            if (!answer.TryGet(out var run))
            {
                return Outcome<IReadOnlyList<CompileCommand>>.Failure(answer.Problems);
            }

            foreach (var (unit, command) in KbuildOutput.Read(run.Output, asked.ToHashSet(StringComparer.Ordinal), tree))
            {
                await StoreAsync(tree, command, cancellation);
                commands[unit] = command;
            }

            await StoreUnbuiltAsync(tree, [.. asked.Where(u => !commands.ContainsKey(u))], cancellation);
        }
        return units.Where(commands.ContainsKey).Select(u => commands[u]).ToList();
    }

    private async Task<Outcome<IReadOnlyList<CompileCommand>>> AskAsync(
        SourceTree tree,
        IReadOnlyList<string> units,
        CancellationToken cancellation
    )
    {
        var answer = await DryRunAsync(tree, units, cancellation);
        if (!answer.TryGet(out var run))
        {
            return Outcome<IReadOnlyList<CompileCommand>>.Failure(answer.Problems);
        }

        var found = KbuildOutput.Read(run.Output, units.ToHashSet(StringComparer.Ordinal), tree);
        var lost = units.Where(u => !found.ContainsKey(u)).ToList();
        if (lost.Count == 0)
        {
            return units.Select(u => found[u]).ToList();
        }

        return Outcome<IReadOnlyList<CompileCommand>>.Failure([.. lost.Select(u => Explain(tree, u, run))]);
    }

    private static Problem Explain(SourceTree tree, string unit, ProcessResult run)
    {
        if (!tree.HasFile(unit))
        {
            return new(CompileProblems.UnitNotBuilt, $"{tree.Title} has no {unit}");
        }

        var target = Path.ChangeExtension(unit, ".o");
        var isSaid =
            run.Output.Contains($" {target}", StringComparison.Ordinal)
            || run.Error.Contains($"'{target}'", StringComparison.Ordinal);
        return isSaid || run.ExitCode == 0
            ? new(CompileProblems.UnitNotBuilt, $"{tree.BuildRules} does not build {unit}")
            : new(CompileProblems.CommandUnreadable, $"{unit}: {run.Describe()}");
    }

    // Building in a folder beside the source, make looks whether what preparation made is older than files of the source,
    // which have other names now. make hands no -o down to those that it starts.
    private static IReadOnlyList<string> BesideSource(string path)
    {
        string[] made = ["prepare", "outputmakefile", "scripts_basic", .. generated];
        var old = made.SelectMany(m => new[] { "-o", m }).ToList();
        return ["-f", $"{path}/Makefile", $"MAKE=make {string.Join(' ', old)}", .. old];
    }

    private async Task<Outcome<ProcessResult>> DryRunAsync(
        SourceTree tree,
        IReadOnlyList<string> units,
        CancellationToken cancellation
    )
    {
        using var workspace = cache.NewWorkspace();
        var rules = Path.Combine(workspace.FullPath, "Makefile.build");
        var scratch = Directory.CreateDirectory(Path.Combine(workspace.FullPath, "scratch")).FullName;
        var original = await File.ReadAllTextAsync(Path.Combine(tree.Kernel.Folder, RulesPath), cancellation);
        await File.WriteAllTextAsync(rules, $"{original}\n{KbuildOutput.FolderLine}\n", cancellation);
        var outcome = await Sandbox.RunAsync(
            new SandboxRequest
            {
                File = "make",
                Arguments =
                [
                    .. tree.CompiledPath is { } path ? BesideSource(path) : ["-o", "prepare"],
                    // kbuild tries compiler options with files in a folder beside; the tree cannot be written, /tmp can.
                    .. tree.MakeVariables,
                    "TMPOUT=/tmp/.tmp_$$$$",
                    "-n",
                    "-k",
                    .. units.Select(u => Path.ChangeExtension(u, ".o")),
                ],
                Userland = tree.Userland,
                Environment = tree.Environment,
                Binds =
                [
                    .. tree.BindsForKbuild(scratch),
                    .. tree.Kernel.AtAllPaths([new(rules, $"{PreparedTree.InsidePath}/{RulesPath}")]),
                ],
                WorkingDirectory = PreparedTree.InsidePath,
                OutputLimit = 256 << 20,
            },
            cancellation
        );
        if (!outcome.TryGet(out var result))
        {
            return outcome;
        }
        // An option whose trial could not write its output would silently be taken for one that the compiler does not have.
        if (result.Error.Contains("Read-only file system", StringComparison.Ordinal) || result.Truncated || result.TimedOut)
        {
            return new Problem(CompileProblems.CommandUnreadable, result.Describe());
        }

        // A unit that make did not come to would silently be taken for one that the kernel does not have.
        return Array.Find(result.Error.Split('\n'), IsUnexpected) is { } strange
            ? new Problem(CompileProblems.CommandUnreadable, strange.Length > 300 ? strange[..300] : strange)
            : result;
    }

    // What is not built has no rule, and each make above it says that one below had an error.
    internal static bool IsUnexpected(string line) =>
        line.Contains("fork: ", StringComparison.Ordinal)
        || line.Contains("Cannot allocate memory", StringComparison.Ordinal)
        || (
            line.Contains(" *** ", StringComparison.Ordinal)
            && !line.Contains(" *** No rule to make target '", StringComparison.Ordinal)
            && !line.EndsWith("] Error 2", StringComparison.Ordinal)
        );

    // The files that may include a header and are not built are the same ones each time: they are remembered together.
    private bool IsKnownUnbuilt(SourceTree tree, IReadOnlyList<string> units) =>
        cache.Find(Unbuilt, KeyOf(tree, units)) is not null;

    private async Task StoreUnbuiltAsync(SourceTree tree, IReadOnlyList<string> units, CancellationToken cancellation)
    {
        if (units.Count > 0)
        {
            await cache.GetAsync(Unbuilt, KeyOf(tree, units), _ => Task.FromResult<Problem?>(null), cancellation);
        }
    }

    private static ContentDigest KeyOf(SourceTree tree, IReadOnlyList<string> units) =>
        ContentDigest.OfParts([Version, tree.Key.Hex, .. units.Order(StringComparer.Ordinal)]);

    private static ContentDigest KeyOf(SourceTree tree, string unit) => ContentDigest.OfParts(Version, tree.Key.Hex, unit);

    private static CompileCommand? Load(string folder)
    {
        try
        {
            return JsonSerializer.Deserialize(
                File.ReadAllBytes(Path.Combine(folder, FileName)),
                CompileCommandJson.Default.CompileCommand
            );
        }
        catch (Exception e) when (e is IOException or JsonException)
        {
            return null;
        }
    }

    private async Task StoreAsync(SourceTree tree, CompileCommand command, CancellationToken cancellation) =>
        await cache.GetAsync(
            Kind,
            KeyOf(tree, command.Unit),
            folder =>
            {
                var json = JsonSerializer.SerializeToUtf8Bytes(command, CompileCommandJson.Default.CompileCommand);
                File.WriteAllBytes(Path.Combine(folder, FileName), json);
                return Task.FromResult<Problem?>(null);
            },
            cancellation
        );
}
