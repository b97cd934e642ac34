// In: the recipe of a tree. Out: the tree, ready to build livepatches from, and the layouts of its tables. Everything that
// depends on the kernel alone is done here, once, when it is imported: a build then begins with compiling.

using Elivepatch.Engine.Facts;
using Elivepatch.Kernel.Compile;
using Elivepatch.Kernel.Link;
using Elivepatch.Kernel.Patches;
using Elivepatch.Kernel.Storage;
using Elivepatch.Kernel.Trees;
using Elivepatch.Model;
using Elivepatch.Model.Progress;

namespace Elivepatch.Kernel.Import;

/// <summary>Prepares what all builds for one kernel share.</summary>
internal sealed class TreePreparation(CacheRoot cache, IProgress<StageEvent>? progress)
{
    /// <summary>Prepares the tree, learns how its modules are made, and measures its tables.</summary>
    public async Task<Outcome<EntryLayouts>> RunAsync(TreeRecipe recipe, CancellationToken cancellation)
    {
        var prepared = await new PreparedTrees(cache, progress).GetAsync(recipe, cancellation);
        if (!prepared.TryGet(out var tree))
        {
            return Outcome<EntryLayouts>.Failure(prepared.Problems);
        }

        progress?.Report(new("learn", "how modules are made", StageState.Running));
        var module = await new ModuleRecipes(cache).GetAsync(tree, cancellation);
        if (!module.Succeeded)
        {
            return Outcome<EntryLayouts>.Failure(module.Problems);
        }

        progress?.Report(new("learn", "which file includes which", StageState.Running));
        var includes = await IncludeGraph.LoadIncludedCAsync(cache, tree, cancellation);
        if (!includes.Succeeded)
        {
            return Outcome<EntryLayouts>.Failure(includes.Problems);
        }

        progress?.Report(new("learn", "structure layouts", StageState.Running));
        var layouts = await new EntryLayoutProbe(cache).MeasureAsync(tree, cancellation);
        progress?.Report(new("learn", "", layouts.Succeeded ? StageState.Done : StageState.Failed));
        return layouts;
    }
}
