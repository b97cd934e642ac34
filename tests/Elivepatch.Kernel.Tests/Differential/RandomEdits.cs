using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace Elivepatch.Kernel.Tests.Differential;

/// <summary>
/// Makes patches at random: other constants, turned conditions, added calls, new static variables, moved lines. In: the text of a
/// source file. Out: a patch of some of its functions that most compilers take.
/// </summary>
internal sealed partial class RandomEdits(Random random)
{
    private int made;

    private delegate string? Edit(RandomEdits edits, IReadOnlyList<string> lines, int at);

    private static readonly Edit[] kinds =
    [
        (e, lines, at) => e.ChangeConstant(lines[at]),
        (e, lines, at) => TurnCondition(lines[at]),
        (e, lines, at) => e.AddBefore(lines, at, n => $"\tpr_info(\"elivepatch {n}\\n\");"),
        (e, lines, at) => e.AddBefore(lines, at, n => $"\t{{ static int elivepatch_{n}; elivepatch_{n}++; }}"),
        (e, lines, at) => e.AddBefore(lines, at, n => $"\tcond_resched(); /* {n} */"),
    ];

    /// <summary>The patch; null where the text has nothing that can be edited.</summary>
    public string? Patch(string path, string text, int edits)
    {
        var lines = text.Split('\n');
        var candidates = Bodies(lines).SelectMany(b => Enumerable.Range(b.First, b.Last - b.First)).ToList();
        var changed = new SortedDictionary<int, string>();
        for (var tries = 0; tries < edits * 40 && changed.Count < edits && candidates.Count > 0; tries++)
        {
            var at = candidates[random.Next(candidates.Count)];
            // The context of two changes must not meet.
            if (
                changed.Keys.All(k => Math.Abs(k - at) > 1)
                && kinds[random.Next(kinds.Length)](this, lines, at) is { } line
                && line != lines[at]
            )
            {
                changed[at] = line;
            }
        }

        return changed.Count == 0 ? null : Write(path, lines, changed, shift: random.Next(2) == 0);
    }

    private static string Write(string path, string[] lines, SortedDictionary<int, string> changed, bool shift)
    {
        var patch = new StringBuilder($"--- a/{path}\n+++ b/{path}\n");
        var added = 0;
        if (shift)
        {
            // All lines move, and with them those that warnings name.
            patch.Append(CultureInfo.InvariantCulture, $"@@ -1,1 +1,3 @@\n+\n+\n {lines[0]}\n");
            added = 2;
        }

        foreach (var (at, line) in changed)
        {
            var now = line.Split('\n');
            patch.Append(
                CultureInfo.InvariantCulture,
                $"@@ -{at + 1},1 +{at + 1 + added},{now.Length} @@\n-{lines[at]}\n{string.Concat(now.Select(n => $"+{n}\n"))}"
            );
            added += now.Length - 1;
        }

        return patch.ToString();
    }

    // From the brace at the beginning of a line to the next such one, as the kernel's style has functions.
    private static IEnumerable<(int First, int Last)> Bodies(string[] lines)
    {
        for (var i = 1; i < lines.Length; i++)
        {
            if (lines[i] != "{" || !lines[i - 1].TrimEnd().EndsWith(')') || IsOfStart(lines, i))
            {
                continue;
            }

            var end = Array.IndexOf(lines, "}", i);
            if (end > i + 1)
            {
                yield return (i + 1, end);
            }
        }
    }

    // Such code is refused, which says nothing of what is built. A declaration takes some lines at most.
    private static bool IsOfStart(string[] lines, int brace) =>
        lines[Math.Max(brace - 3, 0)..brace]
            .Any(l =>
                l.Contains("__init", StringComparison.Ordinal)
                || l.Contains("__exit", StringComparison.Ordinal)
                || l.Contains("noinstr", StringComparison.Ordinal)
            );

    private string? ChangeConstant(string line)
    {
        if (!IsStatement(line))
        {
            return null;
        }

        var numbers = NumberPattern().Matches(line);
        if (numbers.Count == 0)
        {
            return null;
        }

        var number = numbers[random.Next(numbers.Count)];
        var value = int.Parse(number.ValueSpan, CultureInfo.InvariantCulture) + 1 + random.Next(3);
        return line[..number.Index] + value.ToString(CultureInfo.InvariantCulture) + line[(number.Index + number.Length)..];
    }

    private static string? TurnCondition(string line)
    {
        var start = line.IndexOf("\tif (", StringComparison.Ordinal);
        if (start < 0 || line[..start].Trim().Length > 0)
        {
            return null;
        }

        var (open, depth) = (start + "\tif ".Length, 0);
        for (var i = open; i < line.Length; i++)
        {
            depth += line[i] switch
            {
                '(' => 1,
                ')' => -1,
                _ => 0,
            };
            if (depth == 0)
            {
                return $"{line[..open]}(!{line[open..(i + 1)]}){line[(i + 1)..]}";
            }
        }

        return null;
    }

    private string? AddBefore(IReadOnlyList<string> lines, int at, Func<int, string> write) =>
        ReturnPattern().IsMatch(lines[at])
        && lines[at - 1] is var before
        && (before.EndsWith(';') || before.Length == 0 || before.EndsWith('}'))
            ? write(++made) + "\n" + lines[at]
            : null;

    private static bool IsStatement(string line) =>
        line.StartsWith('\t')
        && line.EndsWith(';')
        && !line.Contains('"', StringComparison.Ordinal)
        && !line.Contains("case ", StringComparison.Ordinal)
        && !line.Contains('#', StringComparison.Ordinal)
        && !line.Contains("BUG", StringComparison.Ordinal);

    [GeneratedRegex(@"(?<![\w.\[])[1-9][0-9]{0,2}(?![\w.\]])")]
    private static partial Regex NumberPattern();

    [GeneratedRegex(@"^\treturn\b.*;$")]
    private static partial Regex ReturnPattern();
}
