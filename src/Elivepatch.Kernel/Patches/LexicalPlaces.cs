// In: the lines of a C file. Out: before which of them a directive can stand without changing what the text means. A scanner that
// knows comments, literals, continued lines, brackets and conditionals; it does not expand macros and does not need to.

using System.Text;

namespace Elivepatch.Kernel.Patches;

/// <summary>What a line is to conditional compilation (C11 6.10.1).</summary>
internal enum ConditionalPart
{
    /// <summary>Nothing.</summary>
    None,

    /// <summary>The end of a directive that opens a conditional.</summary>
    If,

    /// <summary>The end of a directive that begins another branch of one.</summary>
    Else,

    /// <summary>The end of a directive that closes one.</summary>
    EndIf,
}

/// <summary>A line of a C file.</summary>
/// <param name="IsSafe">A directive can stand before it.</param>
/// <param name="Conditional">What it is to conditional compilation.</param>
internal readonly record struct LexicalLine(bool IsSafe, ConditionalPart Conditional);

/// <summary>Finds the places between lines where a preprocessor directive is harmless.</summary>
internal sealed class LexicalPlaces
{
    private readonly Stack<(int AtStart, int? AfterFirst)> conditionals = new();
    private readonly StringBuilder pending = new();
    private bool inComment;
    private bool inDirective;
    private int depth;
    private bool complete = true;
    private ConditionalPart conditional;

    /// <summary>What each line is.</summary>
    public static LexicalLine[] Find(IReadOnlyList<string> lines)
    {
        var places = new LexicalPlaces();
        var found = new LexicalLine[lines.Count];
        for (var i = 0; i < lines.Count; i++)
        {
            var isSafe = places.IsSafe;
            places.conditional = ConditionalPart.None;
            places.Read(lines[i]);
            found[i] = new(isSafe, places.conditional);
        }

        return found;
    }

    private bool IsSafe => !inComment && pending.Length == 0 && depth == 0 && complete;

    // A line that ends in a backslash goes on in the next one, wherever that may be: in a literal, a comment, a directive.
    private void Read(string line)
    {
        var text = line.TrimEnd('\n', '\r');
        if (text.EndsWith('\\'))
        {
            // The blank keeps it from being empty, which would say that nothing is pending.
            pending.Append(text.AsSpan(0, text.Length - 1)).Append(' ');
            return;
        }
        ReadLogical(pending.Append(text).ToString());
        pending.Clear();
    }

    private void ReadLogical(string text)
    {
        var first = text.AsSpan().TrimStart();
        if (!inComment && first.StartsWith("#"))
        {
            inDirective = true;
            Conditional(first[1..].TrimStart());
        }
        Scan(text);
        // A comment that a directive's line opens is no longer part of the directive, but its end is no end of a statement.
        if (inDirective)
        {
            complete = true;
        }

        inDirective = false;
    }

    // The branches of a conditional open and close brackets alternatively: each begins with the depth at the start, and what
    // follows goes on with the depth after the first.
    private void Conditional(ReadOnlySpan<char> directive)
    {
        if (directive.StartsWith("if"))
        {
            conditionals.Push((depth, null));
            conditional = ConditionalPart.If;
        }
        else if (directive.StartsWith("el") && conditionals.TryPop(out var top))
        {
            conditionals.Push((top.AtStart, top.AfterFirst ?? depth));
            depth = top.AtStart;
            conditional = ConditionalPart.Else;
        }
        else if (directive.StartsWith("endif") && conditionals.TryPop(out var ended))
        {
            depth = ended.AfterFirst ?? depth;
            conditional = ConditionalPart.EndIf;
        }
    }

    private void Scan(string text)
    {
        for (var i = 0; i < text.Length; i++)
        {
            var c = text[i];
            var next = i + 1 < text.Length ? text[i + 1] : '\0';
            if (inComment)
            {
                if (c == '*' && next == '/')
                {
                    inComment = false;
                    i++;
                }
            }
            else if (c == '/' && next == '*')
            {
                inComment = true;
                i++;
            }
            else if (c == '/' && next == '/')
            {
                return;
            }
            else if (c is '"' or '\'')
            {
                i = EndOfLiteral(text, i);
                Significant(c);
            }
            else if (!char.IsWhiteSpace(c))
            {
                Significant(c);
            }
        }
    }

    // What a directive says is no part of the text around it.
    private void Significant(char c)
    {
        if (inDirective)
        {
            return;
        }

        depth += c switch
        {
            '(' or '[' => 1,
            ')' or ']' => -1,
            _ => 0,
        };
        depth = Math.Max(depth, 0);
        complete = c is ';' or '{' or '}';
    }

    // A literal ends with its line at the latest: an apostrophe in #error or in a branch that is not compiled opens none.
    private static int EndOfLiteral(string text, int start)
    {
        var quote = text[start];
        for (var i = start + 1; i < text.Length; i++)
        {
            if (text[i] == '\\')
            {
                i++;
            }
            else if (text[i] == quote)
            {
                return i;
            }
        }
        return text.Length;
    }
}
