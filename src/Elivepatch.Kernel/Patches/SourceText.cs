using System.Text;

namespace Elivepatch.Kernel.Patches;

/// <summary>The lines of a source file, each with its newline, one character a byte.</summary>
internal static class SourceText
{
    /// <summary>Splits a text; a text that ends in a newline has no empty line after it.</summary>
    public static List<string> Lines(ReadOnlySpan<byte> text)
    {
        var lines = new List<string>();
        while (text.Length > 0)
        {
            var end = text.IndexOf((byte)'\n');
            var length = end < 0 ? text.Length : end + 1;
            lines.Add(Encoding.Latin1.GetString(text[..length]));
            text = text[length..];
        }
        return lines;
    }

    /// <summary>Puts lines together again.</summary>
    public static byte[] Bytes(IEnumerable<string> lines) => Encoding.Latin1.GetBytes(string.Concat(lines));
}
