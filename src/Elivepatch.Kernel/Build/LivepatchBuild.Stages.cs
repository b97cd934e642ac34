using Elivepatch.Elf;
using Elivepatch.Engine.Architectures;
using Elivepatch.Engine.Diff;
using Elivepatch.Engine.Escape;
using Elivepatch.Engine.Explain;
using Elivepatch.Engine.Facts;
using Elivepatch.Engine.Fidelity;
using Elivepatch.Engine.Interfaces;
using Elivepatch.Engine.Link;
using Elivepatch.Engine.Relocate;
using Elivepatch.Engine.Targets;
using Elivepatch.Engine.Units;
using Elivepatch.Kernel.Compile;
using Elivepatch.Kernel.Import;
using Elivepatch.Kernel.Patches;
using Elivepatch.Kernel.Records;
using Elivepatch.Kernel.Trees;
using Elivepatch.Model;
using Elivepatch.Protocol.Api;

namespace Elivepatch.Kernel.Build;

/// <content>The stages that are more than one call.</content>
public sealed partial class LivepatchBuild
{
    private static Outcome<IReadOnlyList<SourcePatch>> ReadPatches(IReadOnlyList<string> paths)
    {
        var patches = new List<SourcePatch>();
        foreach (var path in paths)
        {
            var file = new FileInfo(path);
            if (!file.Exists)
            {
                return new Problem(PatchProblems.PatchFileMissing, path);
            }

            if (file.Length > PatchFile.Largest)
            {
                return new Problem(PatchProblems.PatchTooLarge, $"{path}: {file.Length >> 20} MiB");
            }

            var patch = SourcePatch.Parse(File.ReadAllBytes(path), file.Name);
            if (!patch.Succeeded)
            {
                return Outcome<IReadOnlyList<SourcePatch>>.Failure(patch.Problems);
            }

            patches.Add(patch.Value);
        }

        return patches;
    }

    private Task<Outcome<PreparedTree>> PrepareAsync(BuildRequest request, CancellationToken cancellation)
    {
        var trees = new PreparedTrees(cache, progress);
        if (request.BasePatches.Count == 0)
        {
            return trees.GetAsync(request.Kernel, cancellation);
        }

        var recipe = TreeRecipe.For(request.Kernel, cache);
        return recipe.Succeeded
            ? trees.GetAsync(
                recipe.Value with
                {
                    BasePatches = [.. recipe.Value.BasePatches, .. request.BasePatches],
                },
                cancellation
            )
            : Task.FromResult(Outcome<PreparedTree>.Failure(recipe.Problems));
    }

    private async Task<Outcome<ModuleFiles>> ReadModuleFilesAsync(BuildRequest request, CancellationToken cancellation)
    {
        var given = await GivenModules.ReadAsync(request.Kernel, request.ModuleFiles, cancellation);
        return given.Then<ModuleFiles>(modules => new ModuleFiles(cache, request.Kernel, modules));
    }

    private async Task<Outcome<SourceTree>> TakeSourceAsync(
        BuildRequest request,
        PreparedTree kernel,
        GivenModules modules,
        CancellationToken cancellation
    )
    {
        if (request.ModuleSource is not { } source)
        {
            return kernel;
        }

        var taken = await new ModuleSources(cache).TakeAsync(kernel, source, modules, cancellation);
        return taken.Then<SourceTree>(tree => tree);
    }

    private async Task<Outcome<FoundUnits>> FindUnitsAsync(
        SourceTree tree,
        PatchedSources sources,
        int mostUnits,
        IEnumerable<string> also,
        CancellationToken cancellation
    )
    {
        var touched =
            sources.Paths.Count == 0
                ? new List<TouchedUnit>()
                : await new TouchedUnits(cache, mostUnits, progress).FindAsync(tree, sources, cancellation);
        if (!touched.TryGet(out var units))
        {
            return Outcome<FoundUnits>.Failure(touched.Problems);
        }

        var more = await new KbuildCommands(cache).ForUnitsAsync(
            tree,
            [.. also.Except(units.Select(u => u.Command.Unit))],
            cancellation
        );
        if (!more.TryGet(out var requested))
        {
            return Outcome<FoundUnits>.Failure(more.Problems);
        }

        var (edited, readers) = (units.Where(u => u.IsEdited).ToList(), units.Where(u => !u.IsEdited).ToList());
        List<CompileCommand> commands = [.. edited.Select(u => u.Command), .. requested];
        var modules = commands
            .Where(c => c.IsInSeveralModules)
            .Select(c => new Problem(PatchProblems.UnitInSeveralModules, c.Unit))
            .ToList();
        if (modules.Count > 0)
        {
            return Outcome<FoundUnits>.Failure(modules);
        }

        return new FoundUnits(
            commands,
            [.. readers.ExceptBy(commands.Select(c => c.Unit), r => r.Command.Unit)],
            [.. sources.Paths.Except(units.SelectMany(u => u.Because)).Order(StringComparer.Ordinal)]
        );
    }

    // Units that only see a header, and whose code it changes. Where there are none, and no others, nothing is left to build.
    private async Task<Outcome<ChangedReaders>> FindReadersAsync(
        UnitCompiler compiler,
        SourceTree tree,
        PatchedSources sources,
        KernelFacts facts,
        BuildRequest request,
        FoundUnits found,
        CancellationToken cancellation
    )
    {
        var changed =
            found.Readers.Count == 0
                ? ChangedReaders.None
                : await new HeaderReaders(compiler, tree, sources, facts, request.Statements).FindChangedAsync(
                    found.Readers,
                    progress,
                    cancellation
                );
        return changed.Then<ChangedReaders>(readers =>
            found.Commands.Count > 0 || readers.Changed.Count > 0
                ? readers
                : new Problem(
                    PatchProblems.NothingChanged,
                    $"{found.Readers.Count} units see the patch through headers, and the code of none of them changes"
                )
        );
    }

    private static List<CompileCommand> CommandsOf(FoundUnits found, ChangedReaders readers) =>
        [.. found.Commands.Concat(readers.Changed.Select(c => c.Command)).OrderBy(c => c.Unit, StringComparer.Ordinal)];

    // The units to compile, those that see the patch through headers, and the changed files that none of them comes from.
    private sealed record FoundUnits(
        IReadOnlyList<CompileCommand> Commands,
        IReadOnlyList<TouchedUnit> Readers,
        IReadOnlyList<string> FilesWithoutCode
    );

    // Runs a stage for every unit and gathers the problems of all, so that a user sees them at once.
    private static Outcome<IReadOnlyList<TOut>> Each<TIn, TOut>(IReadOnlyList<TIn> items, Func<TIn, Outcome<TOut>> stage)
    {
        var results = items.AsParallel().AsOrdered().Select(stage).ToList();
        var problems = results.SelectMany(r => r.Problems).ToList();
        return problems.Count > 0 ? Outcome<IReadOnlyList<TOut>>.Failure(problems) : results.ConvertAll(r => r.Value);
    }

    // The modules that units become part of.
    private Task<Outcome<RunningKernel>> ReadModulesAsync(
        RunningKernel kernel,
        ModuleFiles files,
        IEnumerable<CompileCommand> commands,
        CancellationToken cancellation
    ) => ReadModulesAsync(kernel, files, commands.Select(c => c.ModuleName).OfType<string>(), cancellation);

    // Those whose exports units of modules use: only code of a module may.
    private Task<Outcome<RunningKernel>> ReadNeededModulesAsync(
        RunningKernel kernel,
        ModuleFiles files,
        IReadOnlyList<LinkUnit> units,
        CancellationToken cancellation
    )
    {
        var needed =
            from unit in units
            where unit.Placement.Target is ModuleTarget
            from symbol in unit.Inclusion.Diff.Correlation.After.Elf.Symbols
            where symbol.Place == ElfSymbolPlace.Undefined
            let export = kernel.Exports.Find(symbol.Name)
            where export is not null && !VmlinuxTarget.HasExport(export)
            where ((ModuleTarget)unit.Placement.Target).Needs(export.ObjectName)
            select export.ObjectName;
        return ReadModulesAsync(kernel, files, needed, cancellation);
    }

    private async Task<Outcome<RunningKernel>> ReadModulesAsync(
        RunningKernel kernel,
        ModuleFiles files,
        IEnumerable<string> names,
        CancellationToken cancellation
    )
    {
        var missing = names.Except(kernel.Modules.Select(m => m.ObjectName)).ToList();
        if (missing.Count == 0)
        {
            return kernel;
        }

        var opened = await files.OpenAsync(missing, cancellation);
        return opened.Then<RunningKernel>(modules => kernel with { Modules = [.. kernel.Modules, .. modules] });
    }

    private static Outcome<UnitPlacement> Place(
        UnpatchedUnit unit,
        CompileCommand command,
        RunningKernel kernel,
        KernelFacts facts
    )
    {
        PatchTarget target = command.ModuleName is { } module
            ? kernel.Modules.First(m => m.ObjectName == module)
            : kernel.Vmlinux;
        var same = BeforeMatchesAsBuilt.Run(facts.Architecture.Engine, target.Rules, unit.Unit, unit.AsBuilt, unit.Before);
        return same.Succeeded
            ? FidelityCheck.Run(facts.Architecture.Engine, unit.Unit, unit.AsBuilt, target, facts.Compiler)
            : Outcome<UnitPlacement>.Failure(same.Problems);
    }

    private static Outcome<IReadOnlyList<UnitDiff>> Compare(
        IReadOnlyList<(UnitObject Before, PatchedUnit After)> units,
        KernelFacts facts,
        StableLines? lines,
        BuildRequest request
    ) =>
        Each(
            units,
            u =>
                UnitObject
                    .Read(facts.Architecture.Engine, u.After.Unit, u.After.After, facts.Layouts)
                    .Then<UnitDiff>(after =>
                        DetectChanges.Run(
                            Correlate.Run(u.Before, after, lines),
                            request.AlsoFunctions.GetValueOrDefault(after.Name),
                            request.Statements.In(after.Name)
                        )
                    )
        );

    // Before it is said that nothing changed: what changed may be to whom a name belongs. A statement may be about either, so the
    // problems of both stages are told together, and a misspelt statement beside the refusal that it was meant for.
    private static async Task<Outcome<IReadOnlyList<UnitDiff>>> CheckInterfaceAsync(
        IReadOnlyList<(UnitDiff Diff, UnitPlacement Placement)> units,
        RunningKernel kernel,
        BuildRequest request,
        ChangedReaders readers,
        Func<IReadOnlyList<CompileCommand>, Task<Outcome<IReadOnlyList<UnitPlacement>>>> place
    )
    {
        List<UnitInterface> interfaces = [.. units.Select(u => new UnitInterface(u.Diff, u.Placement))];
        var ofInterfaces = CheckInterfaces.Run(interfaces, kernel.Exports);

        // Who uses it may have been compiled with the patch and come out the same. Where such units lie is only asked for then.
        if (ofInterfaces.Count > 0 && readers.Same.Count > 0)
        {
            var placed = await place(readers.Same);
            if (!placed.TryGet(out var same))
            {
                return Outcome<IReadOnlyList<UnitDiff>>.Failure(placed.Problems);
            }

            ofInterfaces = CheckInterfaces.Run(interfaces, kernel.Exports, same);
        }

        var considered = units.SelectMany(u => u.Diff.Statements.Used.Concat(u.Diff.Statements.Rejected)).Concat(readers.Stated);
        List<Problem> problems =
        [
            .. units.SelectMany(u => u.Diff.Problems),
            .. ofInterfaces,
            .. request.Statements.FindUnused(considered),
        ];
        return problems.Count > 0 ? Outcome<IReadOnlyList<UnitDiff>>.Failure(problems) : units.Select(u => u.Diff).ToList();
    }

    private static async Task<Outcome<IReadOnlyList<UnitPlacement>>> PlaceAsync(
        UnitCompiler compiler,
        SourceTree tree,
        IReadOnlyList<CompileCommand> commands,
        RunningKernel kernel,
        KernelFacts facts,
        CancellationToken cancellation
    )
    {
        // Of no other module can a unit use what is patched by its name.
        var names = kernel.Modules.Select(m => m.ObjectName).ToHashSet(StringComparer.Ordinal);
        List<CompileCommand> asked = [.. commands.Where(c => c.ModuleName is not { } module || names.Contains(module))];
        await using var compilation = UnitCompilation.Start(compiler, tree, asked, SourceOverlay.None, [], cancellation);
        var unpatched = await compilation.CompileUnpatchedAsync();
        return unpatched.Then(units => PlaceAll(units, asked, kernel, facts));
    }

    private static Outcome<IReadOnlyList<UnitPlacement>> PlaceAll(
        IReadOnlyList<UnpatchedUnit> units,
        IReadOnlyList<CompileCommand> commands,
        RunningKernel kernel,
        KernelFacts facts
    ) => Each([.. units.Zip(commands)], u => Place(u.First, u.Second, kernel, facts));

    // A patch that changes only what cannot be live patched is refused; one that changes nothing at all is not.
    private static Outcome<IReadOnlyList<Inclusion>> IncludeAll(IReadOnlyList<UnitDiff> diffs) =>
        diffs.Any(d => !d.IsEmpty) ? Each(diffs, Include.Run) : NothingChanged(diffs);

    private static Problem NothingChanged(IReadOnlyList<UnitDiff> diffs)
    {
        var units = $"{diffs.Count} {(diffs.Count == 1 ? "unit" : "units")}";
        var used = diffs.SelectMany(d => d.Statements.Used).Select(s => s.Target).ToList();
        return new Problem(
            PatchProblems.NothingChanged,
            $"{units} compared: {string.Join(", ", diffs.Take(5).Select(d => d.Unit))}"
                + (used.Count == 0 ? "" : $"; beside what is stated ({string.Join(", ", used)}) nothing differs")
                + string.Concat(LeftOutOf(diffs).Take(5).Select(l => $"; left out: {l}"))
        );
    }

    private static List<string> LeftOutOf(IReadOnlyList<UnitDiff> diffs) =>
        [.. diffs.SelectMany(d => d.LeftOut.Select(l => $"{d.Unit}: {l}"))];

    private static Outcome<IReadOnlyList<PatchedFunction>> ListPatched(
        IReadOnlyList<LinkUnit> units,
        IReadOnlyList<UnitDiff> changes
    ) =>
        ResolvePatched
            .Run(units)
            .Then<IReadOnlyList<PatchedFunction>>(patched => patched.Count > 0 ? patched.ToList() : NothingChanged(changes));

    private static Outcome<EscapeFindings> FindEscapes(
        Combine combined,
        IReadOnlyList<LinkUnit> units,
        IReadOnlyList<PatchedFunction> patched
    )
    {
        var escapes = combined.FindEscapes(patched);
        return CheckImageMemory.Run(units, escapes) is { Count: > 0 } foreign
            ? Outcome<EscapeFindings>.Failure(foreign)
            : escapes;
    }

    private static Outcome<byte[]> Relocate(ElfObject linked)
    {
        LivepatchRelocations.Apply(linked);
        return ElfWriter.Write(linked);
    }

    // What a stage left in its folder is kept, however it ended.
    private static async Task<Outcome<T>> KeepingAsync<T>(string? folder, string workspace, Func<Task<Outcome<T>>> stage)
    {
        var outcome = await stage();
        Keep(folder, workspace);
        return outcome;
    }

    private static Outcome<IReadOnlyList<LinkUnit>> CheckReferences(
        IReadOnlyList<LinkUnit> units,
        ReferenceResolver resolver,
        RunningKernel kernel,
        Architecture architecture
    )
    {
        var problems = Engine.Link.CheckReferences.Run(units, resolver, new IndirectEntries(architecture, kernel.Symbols));
        return problems.Count > 0 ? Outcome<IReadOnlyList<LinkUnit>>.Failure(problems) : units.ToList();
    }

    private static IEnumerable<string> NamespacesOf(IReadOnlyList<KernelReference> references) =>
        references.Select(r => r.Export?.Namespace ?? "").Where(n => n.Length > 0);

    private static string Describe(BuildRequest request, IReadOnlyList<SourcePatch> patches) =>
        $"Livepatch for {request.Kernel.Facts.Release} from {string.Join(", ", patches.Select(p => p.Name))}";

    private static List<EditedLines> EditsOf(SourceTree tree, PatchedSources sources)
    {
        var edits = new List<EditedLines>();
        foreach (var (path, text) in sources.Plain.Files.Where(f => !sources.Added.Contains(f.Key)))
        {
            var before = SourceText.Lines(File.ReadAllBytes(Path.Combine(tree.Folder, path)));
            edits.AddRange(
                LineDiff
                    .Compare(before, SourceText.Lines(text.Span))
                    .Select(c => new EditedLines(path, c.OldStart + 1, c.OldStart + Math.Max(c.OldCount, 1)))
            );
        }

        return edits;
    }

    private static void Keep(string? folder, string workspace)
    {
        if (folder is null)
        {
            return;
        }

        Directory.CreateDirectory(folder);
        foreach (var file in Directory.EnumerateFiles(workspace))
        {
            File.Copy(file, Path.Combine(folder, Path.GetFileName(file)), overwrite: true);
        }
    }
}
