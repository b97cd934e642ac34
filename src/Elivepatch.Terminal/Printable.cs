using System.Text;

namespace Elivepatch.Terminal;

/// <summary>
/// Makes text from files harmless for a terminal: names in objects, output of guests and words of compilers are anybody's,
/// and a terminal obeys control characters.
/// </summary>
public static class Printable
{
    /// <summary>The text with control characters, tabs aside, written out as <c>\x1b</c>.</summary>
    public static string Escape(string text)
    {
        if (!text.Any(IsHarmful))
        {
            return text;
        }

        var result = new StringBuilder(text.Length + 16);
        foreach (var c in text)
        {
            if (IsHarmful(c))
            {
                result.Append($"\\x{(int)c:x2}");
            }
            else
            {
                result.Append(c);
            }
        }
        return result.ToString();
    }

    // C0 and C1 control characters, and those that turn the direction of text around.
    private static bool IsHarmful(char c) =>
        (char.IsControl(c) && c != '\t') || c is (>= '\u202a' and <= '\u202e') or (>= '\u2066' and <= '\u2069');
}
