using System.Text;

namespace Elivepatch.Kernel.Patches;

/// <summary>
/// The tokens of C after the preprocessor (C11 6.4), one character for each punctuator: what brackets and names are, not what an
/// expression means.
/// </summary>
internal static class CTokens
{
    private static readonly string[] single = [.. Enumerable.Range(0, 256).Select(c => ((char)c).ToString())];

    /// <summary>
    /// The tokens of a text, in order, and whether white space stands before each. A literal that does not end, ends with the
    /// text.
    /// </summary>
    public static List<(string Token, bool IsApart)> Read(ReadOnlySpan<byte> text)
    {
        var tokens = new List<(string, bool)>();
        var isApart = false;
        for (var i = 0; i < text.Length; )
        {
            var c = text[i];
            if (c is (byte)' ' or (byte)'\t' or (byte)'\n' or (byte)'\r' or (byte)'\f' or (byte)'\v')
            {
                i++;
                isApart = true;
                continue;
            }

            var end =
                c is (byte)'"' or (byte)'\'' ? EndOfLiteral(text, i)
                : IsOfWord(c) ? EndOfWord(text, i)
                : i + 1;
            tokens.Add((end - i == 1 ? single[c] : Encoding.Latin1.GetString(text[i..end]), isApart));
            isApart = false;
            i = end;
        }

        return tokens;
    }

    /// <summary>True for a name or a keyword.</summary>
    public static bool IsWord(string token) => IsOfWord((byte)token[0]) && !char.IsAsciiDigit(token[0]);

    /// <summary>True for a character of a name or a number; extended ones may be parts of names.</summary>
    public static bool IsOfWord(byte c) => char.IsAsciiLetterOrDigit((char)c) || c is (byte)'_' or (byte)'$' or >= 0x80;

    private static int EndOfWord(ReadOnlySpan<byte> text, int start)
    {
        while (start < text.Length && IsOfWord(text[start]))
        {
            start++;
        }

        return start;
    }

    /// <summary>Where the literal that begins with this quotation mark ends, behind the closing one.</summary>
    public static int EndOfLiteral(ReadOnlySpan<byte> text, int start)
    {
        for (var i = start + 1; i < text.Length; i++)
        {
            if (text[i] == (byte)'\\')
            {
                i++;
            }
            else if (text[i] == text[start])
            {
                return i + 1;
            }
        }

        return text.Length;
    }
}
