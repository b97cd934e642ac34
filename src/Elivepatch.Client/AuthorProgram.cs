// In: a verb that needs the builder, which machines do not have. Out: this process runs `elivepatch-author` instead, with the
// same words, and so has its output, its signals and its exit status; or the words where it was looked for. It is looked for as
// git looks for its own programs: at places that follow from where this program is, and never by $PATH or the current folder,
// which others may choose.

using System.Runtime.InteropServices;
using Elivepatch.Model;
using Elivepatch.Terminal;

namespace Elivepatch.Client;

/// <summary>The program with the verbs of <see cref="AuthorVerbs"/>.</summary>
/// <param name="ownPath">The file of this program, links resolved; null where that is not known.</param>
internal sealed partial class AuthorProgram(string? ownPath)
{
    // Below the prefix that holds bin: /usr/libexec/elivepatch beside /usr/bin.
    private const string InstalledFolder = "../libexec/elivepatch";

    /// <summary>That of this process. The kernel has resolved the path.</summary>
    public static AuthorProgram OfProcess() => new(Environment.ProcessPath);

    /// <summary>True where the words ask for one of its verbs: the first word that is no option is one.</summary>
    public static bool Handles(IEnumerable<string> words) =>
        words.FirstOrDefault(w => !w.StartsWith('-') || w == "--") is { } verb && AuthorVerbs.All.Any(v => v.Name == verb);

    /// <summary>Makes this process that program. Returns only where that cannot be done.</summary>
    public Problem ReplaceProcess(IReadOnlyList<string> words)
    {
        var places = Places();
        if (places.FirstOrDefault(File.Exists) is not { } program)
        {
            return new(ClientProblems.AuthorProgramMissing, $"there is no {string.Join(" and no ", places)}");
        }

        var name = Path.GetFileName(program);
        _ = Execute(program, [name, .. words, null]);
        return new(ClientProblems.AuthorProgramMissing, $"{program} cannot be run: {Marshal.GetLastPInvokeErrorMessage()}");
    }

    private string[] Places()
    {
        var folder = Path.GetDirectoryName(ownPath) is { Length: > 0 } own ? own : "/";
        return
        [
            Path.Combine(folder, AuthorVerbs.Program),
            Path.GetFullPath(Path.Combine(folder, InstalledFolder, AuthorVerbs.Program)),
        ];
    }

    // execve(2) with the environment that this process has.
    [LibraryImport("libc", EntryPoint = "execv", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Execute(string path, string?[] words);
}
