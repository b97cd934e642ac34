// In: the name of a stock kernel. Out: its packages, and the archive that offers them. A release says for which Debian it was
// made: what this machine's own sources do not offer is looked for there, whichever Debian this machine runs.

using Elivepatch.Kernel.Packages;
using Elivepatch.Kernel.Storage;
using Elivepatch.Model;
using Elivepatch.Model.Progress;

namespace Elivepatch.Kernel.Import;

/// <summary>Finds stock kernels.</summary>
/// <param name="cache">Where packages and lists of packages are kept.</param>
/// <param name="progress">Told where lists are fetched.</param>
public sealed class DebianKernels(CacheRoot cache, IProgress<StageEvent>? progress = null)
{
    /// <summary>Finds a kernel.</summary>
    public async Task<Outcome<Offer>> FindAsync(DebianKernelName name, CancellationToken cancellation)
    {
        var first = await FindInAsync(name.Suite, name, cancellation);
        if (first.Succeeded || name.Suite is not null || name.Release is not { } release)
        {
            return first;
        }

        var problems = new List<Problem>(first.Problems);
        foreach (var suite in DebianSuite.OfKernel(release))
        {
            var found = await FindInAsync(suite, name, cancellation);
            if (found.Succeeded)
            {
                return found;
            }

            problems.AddRange(found.Problems);
        }

        return new Problem(problems[0].Code, string.Join("; ", problems.Select(p => p.Reason)));
    }

    private async Task<Outcome<Offer>> FindInAsync(DebianSuite? suite, DebianKernelName name, CancellationToken cancellation)
    {
        var opened = await DebianArchive.OpenAsync(cache, suite, progress, cancellation);
        if (!opened.TryGet(out var archive))
        {
            return Outcome<Offer>.Failure(opened.Problems);
        }

        var found = name.Release is { } release
            ? await DebianKernel.FindAsync(archive, release, cancellation)
            : await DebianKernel.FindNewestAsync(archive, name.Flavour, name.Series, cancellation);
        return found.Then<Offer>(kernel => new Offer(kernel, archive));
    }

    /// <summary>A kernel that can be had.</summary>
    /// <param name="Kernel">Its packages.</param>
    /// <param name="Archive">What offers them.</param>
    public sealed record Offer(DebianKernel Kernel, DebianArchive Archive);
}
