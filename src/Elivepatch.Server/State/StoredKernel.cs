using Elivepatch.Protocol.Api;

namespace Elivepatch.Server.State;

/// <summary>A kernel that a machine has told of.</summary>
/// <param name="Id">Made of the content of its capture, so that nobody can tell of another's kernel what is not so.</param>
/// <param name="Release">As printed by <c>uname -r</c>.</param>
/// <param name="BuildId">Build-id of vmlinux, hexadecimal.</param>
/// <param name="Machine">Its processor, as <c>uname -m</c> prints it.</param>
/// <param name="Compiler">The compiler that built it.</param>
/// <param name="Capture">Digest of its capture in the blob store.</param>
/// <param name="BootImage">Digest of the boot image in the blob store that this asker may use, or null.</param>
/// <param name="Source">Digest of the source archive in the blob store that this asker may use, or null.</param>
/// <param name="Added">When it was first told of.</param>
/// <param name="AddedBy">The token's name.</param>
public sealed record StoredKernel(
    string Id,
    string Release,
    string BuildId,
    string Machine,
    string Compiler,
    string Capture,
    string? BootImage,
    string? Source,
    DateTimeOffset Added,
    string AddedBy
)
{
    /// <summary>The kernel for a build, whose id names what it was submitted with, whatever has been sent since.</summary>
    public WorkKernel For(StoredBuild build) =>
        new(Id, Release, BuildId, Machine, Compiler, Capture, build.BootImage, build.Source);
}
