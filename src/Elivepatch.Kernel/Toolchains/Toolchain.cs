using Elivepatch.Kernel.Processes;
using Elivepatch.Model;

namespace Elivepatch.Kernel.Toolchains;

/// <summary>The compiler that built a kernel, and the userland that it is in.</summary>
/// <param name="Name">The name that the kernel's build called it by; the first word of its version text.</param>
/// <param name="ExecutablePath">Where it is in its userland.</param>
/// <param name="CrossPrefix">The prefix of its binutils, <c>CROSS_COMPILE</c>; empty where the name has none.</param>
/// <param name="Userland">What it runs in: this machine's, or a toolchain root.</param>
/// <param name="Root">Digest of the toolchain root; null for this machine's own.</param>
public sealed record Toolchain(string Name, string ExecutablePath, string CrossPrefix, Userland Userland, ContentDigest? Root);
