// In: a C file that differs. Out: the patch that a fix of it would be: the file alone where that compiles, else with the least of
// the changed headers that it reads without which it does not.

using System.Text;
using Elivepatch.Kernel.Compile;
using Elivepatch.Kernel.Processes;
using Elivepatch.Kernel.Storage;

namespace Elivepatch.FixesBench;

/// <summary>Makes the patches of fixes.</summary>
internal sealed class FixPatches(OlderKernel kernel, FixList list, StateFolder state, CacheRoot cache)
{
    private readonly UnitCompiler compiler = new(cache);

    /// <summary>True for a file that compiles without a changed header.</summary>
    public async Task<bool> CompilesAloneAsync(string path, CancellationToken cancellation) =>
        await CompilesAsync(await CommandAsync(path, cancellation), [path], cancellation);

    /// <summary>
    /// The headers that a file which does not compile alone needs, or null where it does not compile even with all that it reads.
    /// </summary>
    public async Task<IReadOnlyList<string>?> HeadersAsync(string path, CancellationToken cancellation)
    {
        var command = await CommandAsync(path, cancellation);
        var needed = new List<string>();
        // Where even this does not get through the preprocessor, there is no fix of this file alone.
        var all = await compiler.FilesReadAsync(kernel.Tree, command, Newer(list.Headers.Append(path)), cancellation);
        if (!all.TryGet(out var files))
        {
            return null;
        }

        List<string> read = [.. files.Intersect(list.Headers)];
        if (!await WithAsync(read))
        {
            return null;
        }
        // The last header of the shortest beginning that does is one without which it does not.
        do
        {
            var (without, with) = (0, read.Count);
            while (with - without > 1)
            {
                var middle = (without + with) / 2;
                if (await WithAsync([.. needed.Union(read.Take(middle))]))
                {
                    with = middle;
                }
                else
                {
                    without = middle;
                }
            }

            needed.Add(read[with - 1]);
        } while (!await WithAsync(needed));

        return needed;

        Task<bool> WithAsync(IReadOnlyList<string> headers) => CompilesAsync(command, headers.Append(path), cancellation);
    }

    /// <summary>Writes the patch of a file and headers, and gives its path.</summary>
    public async Task<string> WriteAsync(string path, IReadOnlyList<string> headers, CancellationToken cancellation)
    {
        var patch = new StringBuilder();
        foreach (var file in headers.Prepend(path))
        {
            var isNew = !kernel.Tree.HasFile(file);
            var result = await ProcessRunner.RunAsync(
                new ProcessRequest
                {
                    File = "diff",
                    Arguments =
                    [
                        "-u",
                        "--label",
                        isNew ? "/dev/null" : $"a/{file}",
                        "--label",
                        $"b/{file}",
                        isNew ? "/dev/null" : Path.Combine(kernel.Tree.Folder, file),
                        state.Newer(file),
                    ],
                    OutputLimit = 16 << 20,
                },
                cancellation
            );
            if (result.ExitCode != 1)
            {
                throw new BenchFailure($"{file}: diff had {result.Describe()}");
            }

            patch.Append(Encoding.Latin1.GetString(result.OutputBytes.Span));
        }

        var name = Path.Combine(state.Patches, StateFolder.NameOf(path) + ".patch");
        await File.WriteAllBytesAsync(name, Encoding.Latin1.GetBytes(patch.ToString()), cancellation);
        return name;
    }

    private async Task<CompileCommand> CommandAsync(string path, CancellationToken cancellation) =>
        BenchFailure.Demand(await new KbuildCommands(cache).ForUnitsAsync(kernel.Tree, [path], cancellation))[0];

    private async Task<bool> CompilesAsync(CompileCommand command, IEnumerable<string> newer, CancellationToken cancellation) =>
        await compiler.CheckSyntaxAsync(kernel.Tree, command, Newer(newer), cancellation) is null;

    private SourceOverlay Newer(IEnumerable<string> paths) =>
        new(paths.ToDictionary(p => p, p => (ReadOnlyMemory<byte>)File.ReadAllBytes(state.Newer(p))));
}
