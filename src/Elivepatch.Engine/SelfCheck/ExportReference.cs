namespace Elivepatch.Engine.SelfCheck;

/// <summary>A symbol that the module loader finds among the exports of the kernel and its modules.</summary>
/// <param name="Name">Symbol name.</param>
/// <param name="Crc">Checksum that the module expects, from <c>__versions</c>; null where it has none.</param>
/// <param name="IsWeak">True where the module loads without it as well.</param>
public sealed record ExportReference(string Name, uint? Crc, bool IsWeak);
