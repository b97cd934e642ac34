using Elivepatch.Elf;
using Elivepatch.Engine;
using Elivepatch.Model;
using Elivepatch.Model.Files;

namespace Elivepatch.Author.Inputs;

/// <summary>Reads object files that the command line names.</summary>
internal static class ObjectFile
{
    /// <summary>Reads an ELF file.</summary>
    public static Outcome<ElfObject> Read(string path) =>
        InputFile
            .Read(path)
            .Then<ElfObject>(content =>
            {
                try
                {
                    return ElfReader.Read(content);
                }
                catch (ElfFormatException e)
                {
                    return new Problem(DiffProblems.MalformedObject, $"{path}: {e.Message}");
                }
            });
}
