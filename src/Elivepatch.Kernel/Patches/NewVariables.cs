using System.Text.RegularExpressions;

namespace Elivepatch.Kernel.Patches;

/// <summary>
/// Tells whether lines may add a variable that lives longer than a call. The compiler may leave no trace of one in the object,
/// where it puts its initial value into code: so the source is asked, and a line that may do so does.
/// </summary>
internal static partial class NewVariables
{
    /// <summary>True where one of these lines may declare such a variable.</summary>
    public static bool MayBeIn(IEnumerable<string> added) => added.Any(MayDeclare);

    private static bool MayDeclare(string line)
    {
        // Parameters of a function, and its beginning: no initial value, and no end of a declaration.
        var text = line.TrimEnd();
        if (FunctionPattern().IsMatch(text) && text.IndexOfAny(['=', ';']) < 0)
        {
            return false;
        }

        return WordPattern().IsMatch(text) || FileScopePattern().IsMatch(text);
    }

    [GeneratedRegex(@"^(?:static |inline |noinline |__always_inline )*[A-Za-z_][\w \t*]*\(.*[,){]$")]
    private static partial Regex FunctionPattern();

    // DEFINE_MUTEX(x), DEFINE_PER_CPU(type, x), DECLARE_WAIT_QUEUE_HEAD(x), ...; a macro's definition may hide anything.
    [GeneratedRegex(@"\b(?:static|extern|__thread|_Thread_local)\b|\b(?:DEFINE|DECLARE)\w*\b|^\s*(?:#|=)")]
    private static partial Regex WordPattern();

    [GeneratedRegex(@"^[A-Za-z_].*[;=\]]|^[A-Za-z_][\w \t*]*$")]
    private static partial Regex FileScopePattern();
}
