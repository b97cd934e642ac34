using Elivepatch.Engine.Link;

namespace Elivepatch.Kernel.Link;

/// <summary>A module with livepatch relocations.</summary>
/// <param name="File">The bytes of the <c>.ko</c>.</param>
/// <param name="References">What it refers to in the running kernel, by name.</param>
public sealed record LinkedModule(byte[] File, IReadOnlyList<KernelReference> References);
