// In: text as `make -n` prints it. Out: the simple commands in it as words. Enough of the shell's grammar (POSIX, "Shell Command
// Language", quoting and lists) to find one command among the lines that kbuild puts around it; nothing is ever expanded.

using System.Text;

namespace Elivepatch.Kernel.Compile;

/// <summary>Splits shell text into commands and words.</summary>
internal static class ShellCommands
{
    /// <summary>The commands of a text, each as its words with quotes removed.</summary>
    public static IEnumerable<IReadOnlyList<string>> Split(string text)
    {
        var words = new List<string>();
        var word = new StringBuilder();
        var inWord = false;
        for (var i = 0; i < text.Length; i++)
        {
            var c = text[i];
            switch (c)
            {
                case '\'':
                    inWord = true;
                    i = CopyUntil(text, i + 1, '\'', word);
                    break;
                case '"':
                    inWord = true;
                    i = CopyDoubleQuoted(text, i + 1, word);
                    break;
                case '\\' when i + 1 < text.Length:
                    i++;
                    if (text[i] == '\n')
                    {
                        break;
                    }

                    inWord = true;
                    word.Append(text[i]);
                    break;
                case ' ' or '\t':
                    EndWord();
                    break;
                case '\n' or ';' or '&' or '|':
                    EndWord();
                    if (words.Count > 0)
                    {
                        yield return words;
                    }

                    words = [];
                    break;
                default:
                    inWord = true;
                    word.Append(c);
                    break;
            }
        }
        EndWord();
        if (words.Count > 0)
        {
            yield return words;
        }

        void EndWord()
        {
            if (inWord)
            {
                words.Add(word.ToString());
            }

            word.Clear();
            inWord = false;
        }
    }

    private static int CopyUntil(string text, int start, char end, StringBuilder word)
    {
        var at = text.IndexOf(end, start);
        at = at < 0 ? text.Length : at;
        word.Append(text, start, at - start);
        return at;
    }

    private static int CopyDoubleQuoted(string text, int start, StringBuilder word)
    {
        var i = start;
        for (; i < text.Length && text[i] != '"'; i++)
        {
            if (text[i] == '\\' && i + 1 < text.Length && text[i + 1] is '"' or '\\' or '$' or '`')
            {
                i++;
            }

            word.Append(text[i]);
        }
        return i;
    }
}
