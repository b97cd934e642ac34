using Elivepatch.Model;

namespace Elivepatch.Kernel.Trees;

/// <summary>A kernel's source in the cache.</summary>
/// <param name="Key">Its digest.</param>
/// <param name="FilePath">The archive, whose one top folder is that of the kernel.</param>
public sealed record SourceArchive(ContentDigest Key, string FilePath);
