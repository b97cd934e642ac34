using Elivepatch.Kernel;
using Elivepatch.Model;
using Elivepatch.Protocol.Api;
using Elivepatch.Terminal;

namespace Elivepatch.Author.Inputs;

/// <summary>A patch that is piped in.</summary>
internal static class PipedPatch
{
    // What a path is called that stands for the standard input.
    private const string Piped = "-";

    /// <summary>
    /// Puts what is piped in into a file, where <c>-</c> stands among paths; the other paths stay.
    /// </summary>
    /// <param name="paths">Paths as the command line has them.</param>
    /// <param name="session">What is piped in.</param>
    /// <param name="file">Where to put it.</param>
    public static Outcome<IReadOnlyList<string>> Take(IReadOnlyList<string> paths, Session session, string file)
    {
        if (paths.Count(p => p == Piped) is var count && count == 0)
        {
            return paths.ToList();
        }

        if (count > 1)
        {
            return new Problem(
                CommandProblems.UsageInvalid,
                $"{Piped} is the standard input, which can be named only once",
                "Name the other patches as files."
            );
        }

        try
        {
            using var input = session.Input();
            using var output = File.Create(file);
            var buffer = new byte[1 << 16];
            for (int read; (read = input.Read(buffer)) > 0; )
            {
                if (output.Length + read > PatchFile.Largest)
                {
                    return new Problem(
                        PatchProblems.PatchTooLarge,
                        $"the standard input has more than {PatchFile.Largest >> 20} MiB"
                    );
                }

                output.Write(buffer, 0, read);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return new Problem(CommandProblems.InputUnusable, $"the standard input: {e.Message}");
        }

        return paths.Select(p => p == Piped ? file : p).ToList();
    }
}
