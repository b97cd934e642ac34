namespace Elivepatch.Protocol.Captures;

/// <summary>A module that was loaded when a kernel was captured.</summary>
/// <param name="Name">Its name, as in <c>/proc/modules</c>.</param>
/// <param name="BuildId">Its build-id, or null where the kernel does not tell.</param>
/// <param name="Size">Bytes of memory it occupies.</param>
public sealed record LoadedModule(string Name, string? BuildId, long Size);
