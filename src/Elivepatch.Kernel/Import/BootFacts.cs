namespace Elivepatch.Kernel.Import;

/// <summary>What a kernel said of itself when it was booted.</summary>
/// <param name="Release">As <c>uname -r</c> has it.</param>
/// <param name="Version">The line of <c>/proc/version</c>, which names the compiler.</param>
/// <param name="BuildId">The GNU build-id of <c>/sys/kernel/notes</c>, in lower-case hexadecimal.</param>
/// <param name="Kallsyms">The bytes of <c>/proc/kallsyms</c>, with addresses as linked (booted with <c>nokaslr</c>).</param>
public sealed record BootFacts(string Release, string Version, string BuildId, ReadOnlyMemory<byte> Kallsyms);
