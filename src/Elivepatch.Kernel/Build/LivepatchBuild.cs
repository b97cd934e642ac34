// In: a kernel record and patches. Out: a livepatch module that provably fits the kernel, with an explanation of what is in it;
// or the reasons why there is none. This file is the pipeline: every stage is a call with one value in and one value out.

using Elivepatch.Engine.Explain;
using Elivepatch.Engine.Link;
using Elivepatch.Engine.SelfCheck;
using Elivepatch.Engine.Units;
using Elivepatch.Kernel.Compile;
using Elivepatch.Kernel.Link;
using Elivepatch.Kernel.Patches;
using Elivepatch.Kernel.Storage;
using Elivepatch.Model;
using Elivepatch.Model.Progress;

namespace Elivepatch.Kernel.Build;

/// <summary>Builds livepatches.</summary>
public sealed partial class LivepatchBuild(CacheRoot cache, IProgress<StageEvent>? progress = null)
{
    /// <summary>Builds one livepatch.</summary>
    public async Task<Outcome<BuildResult>> RunAsync(BuildRequest request, CancellationToken cancellation)
    {
        var run = new StageRun(progress);
        var facts = request.Kernel.Facts;
        var processor = facts.Architecture.Engine;

        // What is asked for, and the kernel that it is for. Reading the kernel's facts takes no part in what follows until
        // objects are there.
        var name = run.Take(() =>
            ModuleName.Check(request.Name ?? ModuleName.FromPatch(request.Patches.FirstOrDefault() ?? "identity"))
        );
        var patches = await run.RunAsync("read patches", () => ReadPatches(request.Patches));
        var loading = run.Make(() => Task.Run(() => RunningKernel.Load(request.Kernel), cancellation));
        var kernelTree = await run.RunAsync("prepare", () => PrepareAsync(request, cancellation));
        var recipe = await run.RunAsync("module recipe", () => new ModuleRecipes(cache).GetAsync(kernelTree, cancellation));
        var files = await run.RunAsync("read module files", () => ReadModuleFilesAsync(request, cancellation));

        // What units are compiled from: the kernel's own source, or that of a module which is built outside of it.
        var tree = await run.RunAsync("take the source", () => TakeSourceAsync(request, kernelTree, files.Given, cancellation));

        // The units: those that the patch changes, those whose code changes with a header, and those that the user names.
        var sources = await run.RunAsync(
            "apply patches",
            () => patches.Count > 0 ? PatchedSources.Apply(tree, patches) : PatchedSources.None
        );
        var found = await run.RunAsync(
            "find units",
            () =>
                FindUnitsAsync(
                    tree,
                    sources,
                    request.MostUnits,
                    request.AlsoFunctions.Keys.Union(request.Statements.UnitsToPatch),
                    cancellation
                )
        );
        var compiler = new UnitCompiler(cache);
        var readers = await run.RunAsync(
            "compare units that include it",
            () => FindReadersAsync(compiler, tree, sources, facts, request, found, cancellation)
        );

        // Three objects of each. What the unpatched ones prove is proven while the compiler is busy with the patched ones.
        var commands = run.Make(() => CommandsOf(found, readers));
        await using var compilation = run.Make(() =>
            UnitCompilation.Start(
                compiler,
                tree,
                commands,
                sources.LinePreserving,
                readers.Changed.Select(c => c.After),
                cancellation
            )
        );
        var unpatched = await run.RunAsync("compile unpatched", () => compilation.CompileUnpatchedAsync());
        var proper = await run.RunAsync("read kernel facts", () => loading);
        var patchedObjects = await run.RunAsync(
            "read modules",
            () => ReadModulesAsync(proper.With(files.Given.Exports), files, commands, cancellation)
        );
        var placements = await run.RunAsync("fidelity", () => PlaceAll(unpatched, commands, patchedObjects, facts));
        var befores = await run.RunAsync(
            "read unpatched",
            () => Each(unpatched, u => UnitObject.Read(processor, u.Unit, u.Before, facts.Layouts))
        );
        var afters = await run.RunAsync("compile patched", () => compilation.CompilePatchedAsync(unpatched));

        // What the patch changes, what of that the rest of the kernel would notice, and what the livepatch has to bring.
        var diffs = await run.RunAsync("diff", () => Compare([.. befores.Zip(afters)], facts, sources.Lines, request));
        var changes = await run.RunAsync(
            "interfaces",
            () =>
                CheckInterfaceAsync(
                    [.. diffs.Zip(placements)],
                    patchedObjects,
                    request,
                    readers,
                    same => PlaceAsync(compiler, tree, same, patchedObjects, facts, cancellation)
                )
        );
        var inclusions = await run.RunAsync("include", () => IncludeAll(changes));
        var units = run.Make(() =>
            inclusions.Zip(placements, (i, p) => new LinkUnit(i, p)).Where(u => u.Inclusion.Pieces.Count > 0).ToList()
        );
        var patched = run.Take(() => ListPatched(units, changes));

        // The module: one object, the lists that make a livepatch of it, the kernel's own tools, and the relocations of the
        // livepatch core.
        var kernel = await run.RunAsync(
            "read needed modules",
            () => ReadNeededModulesAsync(patchedObjects, files, units, cancellation)
        );
        var resolver = run.Make(() => new ReferenceResolver(kernel.Exports, kernel.Objects));
        await run.RunAsync("check references", () => CheckReferences(units, resolver, kernel, processor));
        var combined = await run.RunAsync("combine", () => Combine.Start(units, resolver));
        var escapes = await run.RunAsync("find escapes", () => FindEscapes(combined, units, patched));
        using var workspace = run.Make(cache.NewWorkspace);
        var pinsModules = run.Make(() => GlueSource.PinsModules(kernel.Symbols));
        var glue = run.Make(() =>
            GlueSource.Write(
                patched,
                request.Replace,
                Describe(request, patches),
                NamespacesOf(combined.References),
                escapes,
                combined.Shifts,
                pinsModules
            )
        );
        var linker = run.Make(() =>
            new ModuleLinker(kernelTree, request.Kernel, recipe.Recipe, recipe.Folder, workspace.FullPath, cancellation)
        );
        var linked = await run.RunAsync(
            "link",
            () => KeepingAsync(request.KeepFolder, workspace.FullPath, () => linker.LinkAsync(name, combined, patched, glue))
        );
        var module = await run.RunAsync("relocate", () => Relocate(linked));
        await run.RunAsync(
            "self-check",
            () =>
                ModuleCheck.Run(
                    module,
                    kernel.Symbols,
                    kernel.Exports,
                    recipe.Recipe.Vermagic,
                    facts.Layouts,
                    kernel.Image,
                    kernel.Modules
                )
        );

        return run.End(() =>
            new BuildResult(
                name,
                module,
                ExplainLivepatch.Run(
                    name,
                    facts.Release,
                    facts.BuildId,
                    request.Replace,
                    units,
                    patched,
                    combined.References,
                    EditsOf(tree, sources),
                    escapes,
                    pinsModules
                ) with
                {
                    Statements = [.. inclusions.SelectMany(i => i.Diff.Statements.Used)],
                    FilesWithoutCode = found.FilesWithoutCode,
                    LeftOut = [.. LeftOutOf(changes), .. combined.LeftOut],
                },
                run.Times,
                [.. afters.SelectMany(a => a.NewWarnings)]
            )
            {
                ModuleFiles = files,
            }
        );
    }
}
