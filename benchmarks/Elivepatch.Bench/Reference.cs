// In: units. Out: how long the kernel's own compiler takes for them, with the command of the kernel's own build as it is: with -g
// where the kernel has it, without a sandbox, without make. What a build adds to that is ours.

using System.Diagnostics;
using System.Globalization;
using System.Text;
using Elivepatch.Kernel.Compile;
using Elivepatch.Kernel.Patches;
using Elivepatch.Kernel.Processes;
using Elivepatch.Kernel.Records;
using Elivepatch.Kernel.Storage;
using Elivepatch.Kernel.Trees;
using Elivepatch.Model;

namespace Elivepatch.Bench;

/// <summary>Compiles the units of a case as the kernel's build does.</summary>
internal sealed class Reference(PreparedTree tree, IReadOnlyList<CompileCommand> commands)
{
    private const string Mark = "extern int (*elivepatch_mark)[2];";
    private const int MostReaders = 400;

    /// <summary>How many units the case has.</summary>
    public int Units => commands.Count;

    /// <summary>Learns the commands of the units that a patch touches: its C files, and all that include its headers.</summary>
    public static async Task<Outcome<Reference>> ForPatchAsync(
        CacheRoot cache,
        KernelRecord kernel,
        string patch,
        CancellationToken cancellation
    )
    {
        var read = SourcePatch.Parse(await File.ReadAllBytesAsync(patch, cancellation), Path.GetFileName(patch));
        var trees = await new PreparedTrees(cache).GetAsync(kernel, cancellation);
        if (!read.TryGet(out var source) || !trees.TryGet(out var tree))
        {
            return Outcome<Reference>.Failure([.. read.Problems, .. trees.Problems]);
        }

        var headers = source.Files.Select(f => f.Path).Where(p => p.EndsWith(".h", StringComparison.Ordinal)).ToList();
        if (headers.Count > 0)
        {
            return await ForReadersAsync(cache, tree, headers, cancellation);
        }

        var commands = await new KbuildCommands(cache).ForUnitsAsync(tree, [.. source.Files.Select(f => f.Path)], cancellation);
        return commands.Then<Reference>(c => new Reference(tree, c));
    }

    // A declaration that nobody can take for one that is not used makes every unit that includes the header one that sees it.
    private static async Task<Outcome<Reference>> ForReadersAsync(
        CacheRoot cache,
        PreparedTree tree,
        IReadOnlyList<string> headers,
        CancellationToken cancellation
    )
    {
        var mark = new StringBuilder();
        foreach (var header in headers)
        {
            var lines = await File.ReadAllLinesAsync(Path.Combine(tree.Folder, header), cancellation);
            mark.Append(
                CultureInfo.InvariantCulture,
                $"--- a/{header}\n+++ b/{header}\n@@ -{lines.Length} +{lines.Length},2 @@\n {lines[^1]}\n+{Mark}\n"
            );
        }

        var marked = SourcePatch
            .Parse(Encoding.UTF8.GetBytes(mark.ToString()), "mark")
            .Then(p => PatchedSources.Apply(tree, [p]));
        if (!marked.TryGet(out var sources))
        {
            return Outcome<Reference>.Failure(marked.Problems);
        }

        var readers = await new TouchedUnits(cache, MostReaders).FindAsync(tree, sources, cancellation);
        return readers.Then<Reference>(r => new Reference(tree, [.. r.Select(u => u.Command)]));
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
            await Parallel.ForAsync(
                0,
                longestFirst.Count,
                options,
                async (i, token) =>
                {
                    var command = longestFirst[i];
                    var result = await ProcessRunner.RunAsync(
                        new ProcessRequest
                        {
                            File = Path.Combine(tree.Tools, command.Arguments[0]),
                            Arguments =
                            [
                                .. command.Arguments.Skip(1),
                                "-c",
                                "-o",
                                Path.Combine(folder.FullName, $"{i}.o"),
                                command.Unit,
                            ],
                            WorkingDirectory = tree.Folder,
                        },
                        token
                    );

                    // What includes a file that kbuild makes beside it is left out, to the build's disadvantage.
                    if (!result.Succeeded && !result.Error.Contains(": No such file or directory", StringComparison.Ordinal))
                    {
                        throw new InvalidOperationException($"{command.Unit}: {result.Describe()}");
                    }
                }
            );
            return watch.Elapsed;
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }
}
