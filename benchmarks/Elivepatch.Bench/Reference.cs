// In: units. Out: how long the kernel's own compiler takes for them, with the command of the kernel's own build as it is: with -g
// where the kernel has it, without a sandbox, without make. What a build adds to that is ours.

using System.Diagnostics;
using Elivepatch.Engine;
using Elivepatch.Kernel.Compile;
using Elivepatch.Kernel.Patches;
using Elivepatch.Kernel.Processes;
using Elivepatch.Kernel.Records;
using Elivepatch.Kernel.Storage;
using Elivepatch.Kernel.Trees;

namespace Elivepatch.Bench;

/// <summary>Compiles the units of a case as the kernel's build does.</summary>
internal sealed class Reference(PreparedTree tree, IReadOnlyList<CompileCommand> commands)
{
    /// <summary>How many units the case has.</summary>
    public int Units => commands.Count;

    /// <summary>Learns the commands of the units that a patch touches.</summary>
    public static async Task<Outcome<Reference>> ForPatchAsync(
        CacheRoot cache, KernelRecord kernel, string patch, CancellationToken cancellation)
    {
        var read = SourcePatch.Parse(await File.ReadAllBytesAsync(patch, cancellation), Path.GetFileName(patch));
        var trees = await new PreparedTrees(cache).GetAsync(kernel, cancellation);
        if (!read.TryGet(out var source) || !trees.TryGet(out var tree))
            return Outcome<Reference>.Failure([.. read.Problems, .. trees.Problems]);
        var commands = await new KbuildCommands(cache).ForUnitsAsync(tree, [.. source.Files.Select(f => f.Path)], cancellation);
        return commands.Then<Reference>(c => new Reference(tree, c));
    }

    /// <summary>Compiles every unit once, as many at once as there are processors, the longest first.</summary>
    public Task<TimeSpan> ParallelAsync(CancellationToken cancellation) => RunAsync(Environment.ProcessorCount, cancellation);

    /// <summary>Compiles every unit once, one after the other.</summary>
    public Task<TimeSpan> SequentialAsync(CancellationToken cancellation) => RunAsync(1, cancellation);

    private async Task<TimeSpan> RunAsync(int processors, CancellationToken cancellation)
    {
        var folder = Directory.CreateTempSubdirectory("elivepatch-bench-");
        try
        {
            var longestFirst = commands.OrderByDescending(c => new FileInfo(Path.Combine(tree.Folder, c.Unit)).Length).ToList();
            var options = new ParallelOptions { MaxDegreeOfParallelism = processors, CancellationToken = cancellation };
            var watch = Stopwatch.StartNew();
            await Parallel.ForAsync(0, longestFirst.Count, options, async (i, token) =>
            {
                var command = longestFirst[i];
                var result = await ProcessRunner.RunAsync(
                    new ProcessRequest
                    {
                        File = Path.Combine(tree.Tools, command.Arguments[0]),
                        Arguments = [.. command.Arguments.Skip(1), "-c", "-o", Path.Combine(folder.FullName, $"{i}.o"), command.Unit],
                        WorkingDirectory = tree.Folder,
                    },
                    token);
                if (!result.Succeeded)
                    throw new InvalidOperationException($"{command.Unit}: {result.Describe()}");
            });
            return watch.Elapsed;
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }
}
