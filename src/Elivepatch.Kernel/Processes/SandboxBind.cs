namespace Elivepatch.Kernel.Processes;

/// <summary>A file or folder of the host that a sandbox sees.</summary>
/// <param name="Source">Where it is on the host.</param>
/// <param name="Target">Where the sandbox sees it; an absolute path.</param>
/// <param name="Writable">What the sandbox writes there stays on the host.</param>
public sealed record SandboxBind(string Source, string Target, bool Writable = false);
