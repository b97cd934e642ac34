using Elivepatch.Elf;
using Elivepatch.Engine;
using Elivepatch.Kernel;
using Elivepatch.Model;
using Elivepatch.Model.Statements;
using Elivepatch.Protocol.Statements;
using Elivepatch.Terminal;

namespace Elivepatch.Client;

/// <summary>Reads files that the command line names.</summary>
internal static class InputFile
{
    // The largest modules with debug information stay far below.
    private const long LargestObject = 512L << 20;

    // What a path is called that stands for the standard input.
    private const string Piped = "-";

    /// <summary>Reads a file, which must be one and not too large.</summary>
    public static Outcome<byte[]> Read(string path)
    {
        try
        {
            if (Directory.Exists(path) || !File.Exists(path))
                return new Problem(CommandProblems.InputUnusable, $"{path} {(Directory.Exists(path) ? "is a folder" : "does not exist")}");
            using var stream = File.OpenRead(path);
            // A pipe has no size and perhaps no end; a device says 0 and gives nothing that is an object.
            if (!stream.CanSeek)
                return new Problem(CommandProblems.InputUnusable, $"{path} is not a regular file");
            if (stream.Length > LargestObject)
                return new Problem(CommandProblems.InputUnusable, $"{path} has {stream.Length} bytes; the largest file read is {LargestObject}");
            var content = new byte[stream.Length];
            stream.ReadExactly(content);
            return content;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return new Problem(CommandProblems.InputUnusable, e.Message);
        }
    }

    /// <summary>
    /// Puts what is piped in into a file, where <c>-</c> stands among paths; the other paths stay.
    /// </summary>
    /// <param name="paths">Paths as the command line has them.</param>
    /// <param name="session">What is piped in.</param>
    /// <param name="file">Where to put it.</param>
    /// <param name="largest">How many bytes it may have.</param>
    public static Outcome<IReadOnlyList<string>> TakePiped(IReadOnlyList<string> paths, Session session, string file, int largest)
    {
        if (paths.Count(p => p == Piped) is var count && count == 0)
            return paths.ToList();
        if (count > 1)
            return new Problem(CommandProblems.UsageInvalid, $"{Piped} is the standard input, which can be named only once", "Name the other patches as files.");
        try
        {
            using var input = session.Input();
            using var output = File.Create(file);
            var buffer = new byte[1 << 16];
            for (int read; (read = input.Read(buffer)) > 0;)
            {
                if (output.Length + read > largest)
                    return new Problem(PatchProblems.PatchTooLarge, $"the standard input has more than {largest >> 20} MiB");
                output.Write(buffer, 0, read);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return new Problem(CommandProblems.InputUnusable, $"the standard input: {e.Message}");
        }

        return paths.Select(p => p == Piped ? file : p).ToList();
    }

    /// <summary>Reads a statements file; none where there is no path.</summary>
    public static Outcome<AuthorStatements> ReadStatements(string? path) => path is null
        ? AuthorStatements.None
        : Read(path).Then(content => StatementsFile.Parse(content, Path.GetFileName(path)));

    /// <summary>Reads an ELF file.</summary>
    public static Outcome<ElfObject> ReadElf(string path) => Read(path).Then<ElfObject>(content =>
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
