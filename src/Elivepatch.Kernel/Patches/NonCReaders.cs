// In: files that may see a change. Out: a problem for each reader of them that sees the change and that no livepatch can
// bring: assembly, the linker script, the vdso, programs and headers that the build makes. A livepatch of the C code alone would
// leave them as they are, and say nothing.

using Elivepatch.Kernel.Architectures;
using Elivepatch.Kernel.Compile;
using Elivepatch.Kernel.Storage;
using Elivepatch.Kernel.Trees;
using Elivepatch.Model;

namespace Elivepatch.Kernel.Patches;

/// <summary>Finds who sees a change besides the units of C.</summary>
internal sealed class NonCReaders(CacheRoot cache)
{
    private const string Assembly = ".S",
        LinkerScript = ".lds.S",
        LinkerScriptDefinition = "-DLINKER_SCRIPT";

    // Built on every kernel: flags for what kbuild compiles by rules of its own.
    private const string AnyUnit = "init/main.c";

    // Units of the kernel that the build writes (asn1_compiler) include it, and the prepared tree has none of them.
    private const string OpcodesOfParsers = "include/linux/asn1_ber_bytecode.h";

    /// <summary>Readers that see a change; empty where there are none.</summary>
    /// <param name="tree">The prepared tree.</param>
    /// <param name="sources">The patched sources.</param>
    /// <param name="readers">Files that may see changed ones, each with those.</param>
    /// <param name="cancellation">Ends it.</param>
    public async Task<Outcome<IReadOnlyList<Problem>>> FindAsync(
        SourceTree tree,
        PatchedSources sources,
        IReadOnlyDictionary<string, List<string>> readers,
        CancellationToken cancellation
    )
    {
        var others = readers.Keys.Where(r => IsOther(tree.Architecture, r) && tree.HasFile(r)).ToList();
        if (others.Count == 0)
        {
            return Array.Empty<Problem>();
        }

        var asked = await CommandsAsync(tree, others, cancellation);
        if (!asked.TryGet(out var commands))
        {
            return Outcome<IReadOnlyList<Problem>>.Failure(asked.Problems);
        }

        var found = new Problem?[commands.Count];
        var options = new ParallelOptions
        {
            MaxDegreeOfParallelism = Environment.ProcessorCount,
            CancellationToken = cancellation,
        };
        await Parallel.ForAsync(
            0,
            commands.Count,
            options,
            async (i, token) =>
            {
                if (await SeesAsync(tree, commands[i], sources, token))
                {
                    found[i] = ProblemOf(tree.Architecture, commands[i].Unit, readers[commands[i].Unit]);
                }
            }
        );
        return found.OfType<Problem>().ToList();
    }

    /// <summary>
    /// What is wrong with changing this C file, which is no unit of the kernel, or null: the build makes a program of it that
    /// writes sources or tables, or constants for assembly.
    /// </summary>
    public static Problem? FindForFile(SourceTree tree, string path) =>
        IsForConstants(path) || IsHostProgram(tree, path)
            ? new(PatchProblems.PatchChangesBuild, $"{path} is compiled into what the build makes sources from")
            : null;

    // What is declared and not used is in the text of C, and in no code of it. What borrowed flags cannot compile tells nothing.
    private async Task<bool> SeesAsync(
        SourceTree tree,
        CompileCommand command,
        PatchedSources sources,
        CancellationToken cancellation
    )
    {
        var compiler = new UnitCompiler(cache);
        return await DifferAsync(compiler.PreprocessAsync)
            && (command.Unit.EndsWith(Assembly, StringComparison.Ordinal) || await DifferAsync(compiler.CompileToAssemblyAsync));

        async Task<bool> DifferAsync(
            Func<SourceTree, CompileCommand, SourceOverlay, CancellationToken, Task<Outcome<ReadOnlyMemory<byte>>>> text
        )
        {
            var before = await text(tree, command, SourceOverlay.None, cancellation);
            var after = await text(tree, command, sources.LinePreserving, cancellation);
            return before.Succeeded && !(after.Succeeded && before.Value.Span.SequenceEqual(after.Value.Span));
        }
    }

    private static bool IsOther(KernelArchitecture architecture, string path) =>
        !PatchRules.IsBootCode(architecture, path)
        && (path.EndsWith(Assembly, StringComparison.Ordinal) || PatchRules.IsVdso(architecture, path) || IsForConstants(path));

    // Kbuild, at the top of the tree: make's "prepare" turns their assembly into headers. Their own text is constants; what they
    // include changes those only with the layout of a structure, which is refused by itself.
    private static bool IsForConstants(string path) =>
        path is "kernel/bounds.c" or "kernel/sched/rq-offsets.c"
        || Path.GetFileName(path).StartsWith("asm-offsets", StringComparison.Ordinal)
        || path.EndsWith("-asm-offsets.c", StringComparison.Ordinal);

    private static bool IsHostProgram(SourceTree tree, string path)
    {
        var makefile = Path.Combine(tree.Folder, Path.GetDirectoryName(path) ?? "", "Makefile");
        if (!File.Exists(makefile))
        {
            return false;
        }

        var name = Path.GetFileNameWithoutExtension(path);
        return File.ReadAllText(makefile)
            .Replace("\\\n", " ", StringComparison.Ordinal)
            .Split('\n')
            .Where(l => l.StartsWith("hostprogs", StringComparison.Ordinal) || l.StartsWith("always-y", StringComparison.Ordinal))
            .SelectMany(l => l.Split([' ', '\t', '=', '+', ':'], StringSplitOptions.RemoveEmptyEntries))
            .Contains(name);
    }

    /// <summary>
    /// A problem for each program of the build that a patch changes: it writes sources that no unit of the patch need include.
    /// Preparation made these programs, from nothing of a module, and kbuild wrote beside each from what, and how.
    /// </summary>
    public async Task<IReadOnlyList<Problem>> FindProgramsAsync(
        SourceTree tree,
        PatchedSources sources,
        CancellationToken cancellation
    )
    {
        var problems = new List<Problem>();
        if (tree is not PreparedTree)
        {
            return problems;
        }

        foreach (
            var file in Directory
                .EnumerateFiles(Path.Combine(tree.Folder, "scripts"), ".*.cmd", SearchOption.AllDirectories)
                .Order(StringComparer.Ordinal)
        )
        {
            // What is for the kernel itself (scripts/mod/devicetable-offsets.c) gives constants to modpost alone.
            var text = await File.ReadAllTextAsync(file, cancellation);
            if (text.Contains("-D__KERNEL__", StringComparison.Ordinal))
            {
                continue;
            }

            var read = text.Split([' ', '\t', '\n', ')'], StringSplitOptions.RemoveEmptyEntries)
                .ToHashSet(StringComparer.Ordinal);
            if (sources.Paths.FirstOrDefault(p => read.Contains(p) || read.Contains("./" + p)) is not { } path)
            {
                continue;
            }

            if (await ChangesProgramAsync(tree, sources, text, cancellation))
            {
                var program = Path.GetRelativePath(tree.Folder, file).Replace("/.", "/", StringComparison.Ordinal)[
                    ..^".cmd".Length
                ];
                problems.Add(
                    new(PatchProblems.PatchChangesBuild, $"{path} changes {program}, a program that the build makes sources with")
                );
            }
        }

        if (sources.Paths.Contains(OpcodesOfParsers))
        {
            problems.Add(
                new(PatchProblems.PatchChangesBuild, $"the build makes parsers of ASN.1 that include {OpcodesOfParsers}")
            );
        }

        if (
            sources.Plain.Files.FirstOrDefault(f =>
                tree.HasFile(f.Key)
                && tree.Architecture.Sources.FeatureLists.Contains(f.Key)
                && !HasSameFeatures(tree, f.Key, f.Value)
            ) is
            { Key: { } list }
        )
        {
            problems.Add(new(PatchProblems.PatchChangesBuild, $"the build makes names of processor features from {list}"));
        }

        return problems;
    }

    // The build reads lines, not C.
    private static bool HasSameFeatures(SourceTree tree, string path, ReadOnlyMemory<byte> text)
    {
        IEnumerable<string> Features(ReadOnlySpan<byte> text) =>
            SourceText
                .Lines(text)
                .Where(l => tree.Architecture.Sources.Features.Any(f => l.StartsWith("#define " + f, StringComparison.Ordinal)));

        return Features(File.ReadAllBytes(Path.Combine(tree.Folder, path))).SequenceEqual(Features(text.Span));
    }

    // What was compiled before and cannot be now is another program as well.
    private async Task<bool> ChangesProgramAsync(
        SourceTree tree,
        PatchedSources sources,
        string made,
        CancellationToken cancellation
    )
    {
        // savedcmd_PROGRAM := COMMAND, and cmd_PROGRAM until 6.1.
        var line = made.Split('\n')[0];
        var words = ShellCommands.Split(line[(line.IndexOf(":=", StringComparison.Ordinal) + 2)..]).FirstOrDefault() ?? [];
        List<string> arguments =
        [
            .. words.Where(
                (w, i) =>
                    w is not ("-o" or "-c")
                    && (i == 0 || words[i - 1] != "-o")
                    && !w.EndsWith(".c", StringComparison.Ordinal)
                    && !w.StartsWith("-Wp,-M", StringComparison.Ordinal)
                    && !w.StartsWith("-l", StringComparison.Ordinal)
            ),
        ];
        var compiler = new UnitCompiler(cache);
        foreach (var source in words.Where(w => w.EndsWith(".c", StringComparison.Ordinal)))
        {
            var command = new CompileCommand(source, Path.ChangeExtension(source, ".o"), arguments, false, null, null);
            var before = await compiler.CompileToAssemblyAsync(tree, command, SourceOverlay.None, cancellation);
            var after = await compiler.CompileToAssemblyAsync(tree, command, sources.Plain, cancellation);
            if (!before.Succeeded || !after.Succeeded || !before.Value.Span.SequenceEqual(after.Value.Span))
            {
                return true;
            }
        }

        return false;
    }

    private static Problem ProblemOf(KernelArchitecture architecture, string reader, List<string> paths)
    {
        var code =
            PatchRules.IsVdso(architecture, reader) ? PatchProblems.PatchChangesVdso
            : IsForConstants(reader) ? PatchProblems.PatchChangesBuild
            : PatchProblems.PatchChangesAssembly;
        return new(code, $"{string.Join(", ", paths.Take(4))} changes {reader}, which includes it");
    }

    // What kbuild builds by its ordinary rules has a command; linker scripts, the vdso and what makes constants borrow flags,
    // which is near enough to see whether a change is visible.
    private async Task<Outcome<IReadOnlyList<CompileCommand>>> CommandsAsync(
        SourceTree tree,
        IReadOnlyList<string> readers,
        CancellationToken cancellation
    )
    {
        var kbuild = new KbuildCommands(cache);
        var ordinary = readers.Where(r => !r.EndsWith(LinkerScript, StringComparison.Ordinal) && !IsForConstants(r));
        var built = await kbuild.ForBuiltUnitsAsync(
            tree,
            [.. ordinary.Append(AnyUnit).Append(tree.Architecture.Sources.AnyAssembly).Distinct()],
            cancellation
        );
        if (!built.TryGet(out var commands))
        {
            return built;
        }

        // A unit of C that lies beside those of the vdso is one like any other.
        var units = commands
            .Where(k => k.Unit.EndsWith(".c", StringComparison.Ordinal))
            .Select(k => k.Unit)
            .ToHashSet(StringComparer.Ordinal);
        var c = commands.FirstOrDefault(k => k.Unit == AnyUnit);
        var assembly = commands.FirstOrDefault(k => k.Unit == tree.Architecture.Sources.AnyAssembly);
        var lent = readers
            .Where(r => IsLent(tree.Architecture, r) && !units.Contains(r))
            .Select(r => Lend(r, r.EndsWith(Assembly, StringComparison.Ordinal) ? assembly : c))
            .OfType<CompileCommand>();
        return commands.Where(k => readers.Contains(k.Unit) && !units.Contains(k.Unit)).Concat(lent).ToList();
    }

    private static bool IsLent(KernelArchitecture architecture, string reader) =>
        reader.EndsWith(LinkerScript, StringComparison.Ordinal)
        || PatchRules.IsVdso(architecture, reader)
        || IsForConstants(reader);

    private static CompileCommand? Lend(string reader, CompileCommand? command) =>
        command is null
            ? null
            : command with
            {
                Unit = reader,
                Arguments =
                [
                    .. command.Arguments,
                    .. reader.EndsWith(LinkerScript, StringComparison.Ordinal) ? [LinkerScriptDefinition] : Array.Empty<string>(),
                ],
            };
}
