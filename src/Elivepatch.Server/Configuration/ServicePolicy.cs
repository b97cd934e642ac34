using Elivepatch.Builder.Jobs;

namespace Elivepatch.Server.Configuration;

/// <summary>What the operator decided about builds: how they are made, and what clients may send and ask for.</summary>
public sealed record ServicePolicy : BuildPolicy
{
    /// <summary>True where base patches may change Makefiles, Kconfig and scripts.</summary>
    public bool AllowBuildPatches { get; init; }

    /// <summary>True where clients may send a kernel's source, for their own builds.</summary>
    public bool AllowUploadedSource { get; init; } = true;

    /// <summary>How many bytes the parts of kernels may have together that one token sent.</summary>
    public long PartBytesPerToken { get; init; } = 16L << 30;

    /// <summary>How many builds of one token may wait or run at once.</summary>
    public int OpenBuildsPerToken { get; init; } = 20;

    /// <summary>What modules are signed with: the certificate's SHA-256, hexadecimal; null where they are not.</summary>
    public string? ModuleCertificate { get; init; }
}
