namespace Elivepatch.Model.Files;

/// <summary>Reads files that the command line names.</summary>
public static class InputFile
{
    // The largest modules with debug information stay far below.
    private const long LargestObject = 512L << 20;

    /// <summary>Reads a file, which must be one and not too large.</summary>
    public static Outcome<byte[]> Read(string path)
    {
        try
        {
            if (Directory.Exists(path) || !File.Exists(path))
            {
                return new Problem(
                    CommandProblems.InputUnusable,
                    $"{path} {(Directory.Exists(path) ? "is a folder" : "does not exist")}"
                );
            }

            using var stream = File.OpenRead(path);
            // A pipe has no size and perhaps no end; a device says 0 and gives nothing that is an object.
            if (!stream.CanSeek)
            {
                return new Problem(CommandProblems.InputUnusable, $"{path} is not a regular file");
            }

            if (stream.Length > LargestObject)
            {
                return new Problem(
                    CommandProblems.InputUnusable,
                    $"{path} has {stream.Length} bytes; the largest file read is {LargestObject}"
                );
            }

            var content = new byte[stream.Length];
            stream.ReadExactly(content);
            return content;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return new Problem(CommandProblems.InputUnusable, e.Message);
        }
    }
}
