// In: the release of a stock kernel. Out: its record and its prepared source. What is missing is imported by the command itself.

using Elivepatch.Kernel.Processes;
using Elivepatch.Kernel.Records;
using Elivepatch.Kernel.Storage;
using Elivepatch.Kernel.Trees;

namespace Elivepatch.FixesBench;

/// <summary>The kernel that the fixes are built for.</summary>
/// <param name="Record">Its record.</param>
/// <param name="Tree">Its source.</param>
internal sealed record OlderKernel(KernelRecord Record, PreparedTree Tree)
{
    /// <summary>Opens it, importing it first where it is not there.</summary>
    public static async Task<OlderKernel> OpenAsync(
        FixesOptions options,
        SourceVersions versions,
        CacheRoot cache,
        CancellationToken cancellation
    )
    {
        var store = new KernelStore(cache);
        if (!store.Open(versions.Release).Succeeded)
        {
            var result = await ProcessRunner.RunAsync(
                new ProcessRequest
                {
                    File = options.Command,
                    Arguments =
                    [
                        "kernel",
                        "import",
                        options.Suite is { } suite ? $"debian:{suite}/{versions.Release}" : $"debian:{versions.Release}",
                    ],
                    InheritEnvironment = true,
                    Timeout = TimeSpan.FromHours(1),
                    OnErrorLine = Console.Error.WriteLine,
                },
                cancellation
            );
            if (!result.Succeeded)
            {
                throw new BenchFailure($"{versions.Release} cannot be imported");
            }
        }

        var record = BenchFailure.Demand(store.Open(versions.Release));
        return new(record, BenchFailure.Demand(await new PreparedTrees(cache).GetAsync(record, cancellation)));
    }
}
