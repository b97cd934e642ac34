using Elivepatch.Model;
using Elivepatch.Model.Progress;

namespace Elivepatch.Builder.Sources;

/// <summary>A place of kernel sources.</summary>
internal interface IKernelSource
{
    /// <summary>What the place is, in words.</summary>
    string Name { get; }

    /// <summary>True where it brings the boot image as well.</summary>
    bool HasBootImage { get; }

    /// <summary>Why it does not have a kernel's source; null where it seems to. Downloads nothing.</summary>
    Task<string?> FindProblemAsync(SourceRequest request, CancellationToken cancellation);

    /// <summary>Brings the source.</summary>
    Task<Outcome<ProvidedSource>> ProvideAsync(
        SourceRequest request,
        IProgress<StageEvent>? progress,
        CancellationToken cancellation
    );
}
