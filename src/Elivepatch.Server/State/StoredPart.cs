using Elivepatch.Protocol.Api;

namespace Elivepatch.Server.State;

/// <summary>A part of a kernel that somebody sent.</summary>
/// <param name="Kernel">The kernel's id.</param>
/// <param name="Token">The id of the token that sent it; <see cref="KernelTable.Operator"/> where it is everybody's.</param>
/// <param name="Name">One of <see cref="KernelParts"/>.</param>
/// <param name="Blob">Its digest in the blob store.</param>
/// <param name="Size">Its size in bytes.</param>
/// <param name="Added">When it was sent.</param>
public sealed record StoredPart(string Kernel, string Token, string Name, string Blob, long Size, DateTimeOffset Added);
