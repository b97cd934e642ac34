// In: a kernel record and patches. Out: a livepatch module that provably fits the kernel, with an explanation of what is in it; or
// the reasons why there is none. This file is the pipeline: every stage is a call with one value in and one value out.

using Elivepatch.Engine;
using Elivepatch.Engine.Explain;
using Elivepatch.Engine.Link;
using Elivepatch.Engine.SelfCheck;
using Elivepatch.Engine.Units;
using Elivepatch.Kernel.Compile;
using Elivepatch.Kernel.Link;
using Elivepatch.Kernel.Patches;
using Elivepatch.Kernel.Progress;
using Elivepatch.Kernel.Storage;

namespace Elivepatch.Kernel.Build;

/// <summary>Builds livepatches.</summary>
public sealed partial class LivepatchBuild(CacheRoot cache, IProgress<StageEvent>? progress = null)
{
    /// <summary>Builds one livepatch.</summary>
    public async Task<Outcome<BuildResult>> RunAsync(BuildRequest request, CancellationToken cancellation)
    {
        var clock = new StageClock(progress);
        var facts = request.Kernel.Facts;
        var name = ModuleName.Check(request.Name ?? ModuleName.FromPatch(request.Patches.FirstOrDefault() ?? "identity"));
        if (!name.TryGet(out var moduleName))
            return Outcome<BuildResult>.Failure(name.Problems);

        var patches = await clock.RunAsync("read patches", () => ReadPatches(request.Patches));
        if (!patches.TryGet(out var livePatches))
            return Outcome<BuildResult>.Failure(patches.Problems);

        // Reading the kernel's facts takes no part in what follows until the objects are there.
        var loading = Task.Run(() => RunningKernel.Load(request.Kernel), cancellation);
        var trees = await clock.RunAsync("prepare", () => PrepareAsync(request, cancellation));
        if (!trees.TryGet(out var tree))
            return Outcome<BuildResult>.Failure(trees.Problems);
        var recipes = await clock.RunAsync("module recipe", () => new ModuleRecipes(cache).GetAsync(tree, cancellation));
        if (!recipes.TryGet(out var recipe))
            return Outcome<BuildResult>.Failure(recipes.Problems);

        var applied = await clock.RunAsync("apply patches", () => livePatches.Count > 0 ? PatchedSources.Apply(tree, livePatches) : PatchedSources.None);
        if (!applied.TryGet(out var sources))
            return Outcome<BuildResult>.Failure(applied.Problems);
        var touched = await clock.RunAsync("find units", () => FindUnitsAsync(
            tree, sources, request.MostUnits, request.AlsoFunctions.Keys.Union(request.Statements.UnitsToPatch), cancellation));
        if (!touched.TryGet(out var found))
            return Outcome<BuildResult>.Failure(touched.Problems);

        var compiler = new UnitCompiler(cache);
        var readers = await clock.RunAsync("compare units that include it", () => found.Readers.Count == 0
            ? Task.FromResult<Outcome<ChangedReaders>>(ChangedReaders.None)
            : new HeaderReaders(compiler, tree, sources, facts, request.Statements).FindChangedAsync(found.Readers, progress, cancellation));
        if (!readers.TryGet(out var changedReaders))
            return Outcome<BuildResult>.Failure(readers.Problems);

        if (found.Commands.Count == 0 && changedReaders.Changed.Count == 0)
            return new Problem(ProblemCodes.NothingChanged, $"{found.Readers.Count} units see the patch through headers, and the code of none of them changes");

        // What the unpatched units prove is proven while the compiler is busy with the patched ones.
        List<CompileCommand> commands = [.. found.Commands.Concat(changedReaders.Changed.Select(c => c.Command)).OrderBy(c => c.Unit, StringComparer.Ordinal)];
        await using var compilation = UnitCompilation.Start(
            compiler, tree, commands, sources.LinePreserving, changedReaders.Changed.Select(c => c.After), cancellation);
        var unpatchedUnits = await clock.RunAsync("compile unpatched", compilation.UnpatchedAsync);
        if (!unpatchedUnits.TryGet(out var unpatched))
            return Outcome<BuildResult>.Failure(unpatchedUnits.Problems);
        var loaded = await clock.RunAsync("read kernel facts", () => loading);
        if (!loaded.TryGet(out var kernel))
            return Outcome<BuildResult>.Failure(loaded.Problems);
        var proven = await clock.RunAsync("fidelity", () => Each(unpatched, u => Place(u, kernel, facts)));
        if (!proven.TryGet(out var placements))
            return Outcome<BuildResult>.Failure(proven.Problems);
        var understood = await clock.RunAsync("read unpatched", () => Each(unpatched, u => UnitObject.Read(facts.Architecture.Engine, u.Unit, u.Before, facts.Layouts)));
        if (!understood.TryGet(out var befores))
            return Outcome<BuildResult>.Failure(understood.Problems);

        var patchedUnits = await clock.RunAsync("compile patched", () => compilation.PatchedAsync(unpatched));
        if (!patchedUnits.TryGet(out var afters))
            return Outcome<BuildResult>.Failure(patchedUnits.Problems);
        var compared = await clock.RunAsync("diff", () => Compare([.. befores.Zip(afters)], facts, sources.Lines, request));
        if (!compared.TryGet(out var diffs))
            return Outcome<BuildResult>.Failure(compared.Problems);
        var @interface = await clock.RunAsync("interfaces", () => CheckInterfaceAsync(
            [.. diffs.Zip(placements)], kernel, request, changedReaders, same => PlaceAsync(compiler, tree, same, kernel, facts, cancellation)));
        if (!@interface.TryGet(out var changes))
            return Outcome<BuildResult>.Failure(@interface.Problems);
        var included = await clock.RunAsync("include", () => IncludeAll(changes));
        if (!included.TryGet(out var inclusions))
            return Outcome<BuildResult>.Failure(included.Problems);

        var units = inclusions.Zip(placements, (i, p) => new LinkUnit(i, p)).Where(u => u.Inclusion.Pieces.Count > 0).ToList();
        var listed = ResolvePatched.Run(units);
        if (!listed.TryGet(out var patched))
            return Outcome<BuildResult>.Failure(listed.Problems);
        if (patched.Count == 0)
            return NothingChanged(changes);

        var resolver = new ReferenceResolver(kernel.Exports);
        var judged = await clock.RunAsync("check references", () => CheckReferences(units, resolver, kernel, facts.Architecture.Engine));
        if (!judged.Succeeded)
            return Outcome<BuildResult>.Failure(judged.Problems);

        using var workspace = cache.NewWorkspace();
        var linked = await clock.RunAsync("link", async () =>
        {
            var linker = new ModuleLinker(tree, request.Kernel, recipe.Recipe, recipe.Folder, workspace.FullPath, cancellation);
            var outcome = await linker.LinkAsync(moduleName, units, patched, resolver,
                (combine, escapes) => GlueSource.Write(
                    patched, request.Replace, Describe(request, livePatches), NamespacesOf(combine.References), escapes, combine.Shifts));
            Keep(request.KeepFolder, workspace.FullPath);
            return outcome;
        });
        if (!linked.TryGet(out var module))
            return Outcome<BuildResult>.Failure(linked.Problems);
        var @checked = await clock.RunAsync("self-check", () => ModuleCheck.Run(
            module.File, kernel.Symbols, kernel.Exports, recipe.Recipe.Vermagic, facts.Layouts, kernel.Image));
        if (!@checked.Succeeded)
            return Outcome<BuildResult>.Failure(@checked.Problems);

        var explanation = ExplainLivepatch.Run(
            moduleName, facts.Release, facts.BuildId, request.Replace, units, patched, module.References, EditsOf(tree, sources), module.Escapes) with
        {
            Statements = [.. inclusions.SelectMany(i => i.Diff.Statements.Used)],
            FilesWithoutCode = found.FilesWithoutCode,
            LeftOut = LeftOutOf(changes),
        };
        return new BuildResult(moduleName, module.File, explanation, clock.Times, [.. afters.SelectMany(a => a.NewWarnings)]);
    }
}
