using Elivepatch.Model;

namespace Elivepatch.Kernel.Patches;

/// <summary>A source patch that has been read: what it does to which file.</summary>
/// <param name="Name">The name of its file.</param>
/// <param name="Files">The files that it changes, in order; a file may come several times.</param>
public sealed record SourcePatch(string Name, IReadOnlyList<PatchedFile> Files)
{
    /// <summary>
    /// Reads a patch. Nothing is refused yet that is a matter of which files it changes: see <see cref="PatchRules"/>.
    /// </summary>
    public static Outcome<SourcePatch> Parse(ReadOnlyMemory<byte> text, string name) => new PatchReader(name, text).Read();
}
