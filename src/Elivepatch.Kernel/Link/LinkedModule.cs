using Elivepatch.Engine.Escape;
using Elivepatch.Engine.Link;

namespace Elivepatch.Kernel.Link;

/// <summary>A module with livepatch relocations.</summary>
/// <param name="File">The bytes of the <c>.ko</c>.</param>
/// <param name="References">What it refers to in the running kernel, by name.</param>
/// <param name="Escapes">What of it the kernel may hold when it was disabled.</param>
public sealed record LinkedModule(byte[] File, IReadOnlyList<KernelReference> References, EscapeFindings Escapes);
