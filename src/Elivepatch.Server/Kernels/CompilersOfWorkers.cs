using Elivepatch.Model;

namespace Elivepatch.Server.Kernels;

/// <summary>The compilers of workers: the broker knows, when a build is sent, whether anybody has one.</summary>
internal sealed class CompilersOfWorkers : ICompilers
{
    /// <inheritdoc/>
    public Task<IReadOnlyList<Problem>> CheckAsync(string machine, string compiler, CancellationToken cancellation) =>
        Task.FromResult<IReadOnlyList<Problem>>([]);
}
