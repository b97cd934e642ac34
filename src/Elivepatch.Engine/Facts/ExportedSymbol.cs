using Elivepatch.Model;

namespace Elivepatch.Engine.Facts;

/// <summary>One exported symbol, a line of <c>Module.symvers</c>.</summary>
/// <param name="Name">Symbol name.</param>
/// <param name="Crc">Checksum of its type as genksyms made it; what <c>__versions</c> of a module must repeat.</param>
/// <param name="Module"><c>vmlinux</c>, or the module's path in the build tree without suffix.</param>
/// <param name="Namespace">Export namespace that a user must import; empty where there is none.</param>
public sealed record ExportedSymbol(string Name, uint Crc, string Module, string Namespace)
{
    /// <summary>
    /// Name of the object that exports it, as the kernel calls it: a file's name may have dashes, a module's never.
    /// </summary>
    public string ObjectName => ModuleName.OfFile(Module);
}
