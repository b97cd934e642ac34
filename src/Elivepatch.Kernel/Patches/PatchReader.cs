// In: the text of a patch. Out: its files and hunks. Strict: what is not understood is refused, for a line that is passed over
// may be the fix. The format is the unified one (GNU diffutils manual, "Detailed Description of Unified Format") with the
// extended headers of git (git-diff(1), "Generating patch text with -p").

using System.Text;
using System.Text.RegularExpressions;
using Elivepatch.Kernel.Compile;
using Elivepatch.Model;
using Elivepatch.Protocol.Api;

namespace Elivepatch.Kernel.Patches;

/// <summary>Reads one patch.</summary>
internal sealed partial class PatchReader(string name, ReadOnlyMemory<byte> text)
{
    private const int MostFiles = 1000;
    private const int LongestFile = 2_000_000;
    private const string Nothing = "/dev/null";

    // Those of the kernel's source; a prefix is called otherwise.
    private static readonly HashSet<string> topFolders =
    [
        "arch",
        "block",
        "certs",
        "crypto",
        "Documentation",
        "drivers",
        "fs",
        "include",
        "init",
        "io_uring",
        "ipc",
        "kernel",
        "lib",
        "LICENSES",
        "mm",
        "net",
        "rust",
        "samples",
        "scripts",
        "security",
        "sound",
        "tools",
        "usr",
        "virt",
    ];

    private readonly List<PatchedFile> files = [];
    private string[] lines = [];
    private int at;
    private Problem? problem;

    /// <summary>Reads all of it.</summary>
    public Outcome<SourcePatch> Read()
    {
        if (text.Length > PatchFile.Largest)
        {
            return new Problem(
                PatchProblems.PatchTooLarge,
                $"{name} has {text.Length >> 20} MiB, more than {PatchFile.Largest >> 20}"
            );
        }
        // One character a byte: a source file may have any encoding, and every byte has to come out as it went in.
        lines = WithoutCarriageReturns(Encoding.Latin1.GetString(text.Span).Split('\n'));
        while (at < lines.Length && problem is null)
        {
            ReadLine();
        }

        if (problem is null && files.Count == 0)
        {
            Fail(PatchProblems.PatchUnreadable, "it has no change of a file");
        }

        if (problem is null && files.Count > MostFiles)
        {
            Fail(PatchProblems.PatchTooLarge, $"it changes {files.Count} files, more than {MostFiles}");
        }

        return problem is null ? new SourcePatch(name, files) : problem;
    }

    // A patch that went through a program which ends all lines so. Where only some do, they are the source's.
    private static string[] WithoutCarriageReturns(string[] lines)
    {
        var last = lines[^1].Length == 0 ? lines.Length - 1 : lines.Length;
        return last > 0 && lines[..last].All(l => l.EndsWith('\r'))
            ? [.. lines.Select(l => l.EndsWith('\r') ? l[..^1] : l)]
            : lines;
    }

    // Between files there is free text: a mail's header and message, a signature.
    private void ReadLine()
    {
        var line = lines[at];
        if (MailPattern().IsMatch(line))
        {
            SkipMessage();
        }
        else if (Starts(line, "diff --git "))
        {
            ReadGitHeader();
        }
        else if (Starts(line, "--- ") && at + 1 < lines.Length && Starts(lines[at + 1], "+++ "))
        {
            ReadFile();
        }
        else if (Starts(line, "@@ ") || Starts(line, "*** ") && at + 1 < lines.Length && Starts(lines[at + 1], "--- "))
        {
            Fail(PatchProblems.PatchUnreadable, "a change without the names of its file, or a context diff");
        }
        else if (Starts(line, "Binary files ") || line == "GIT binary patch")
        {
            Fail(PatchProblems.PatchNotText, "it has a binary change");
        }
        else
        {
            at++;
        }
    }

    // A message may quote a change. As `git format-patch` writes a mail, what is its own begins behind the statistic. That
    // nothing else was taken for one, as a hunk may have such lines as well, is known from the number of files that it counts.
    private void SkipMessage()
    {
        at++;
        var end = Array.FindIndex(lines, at, MailPattern().IsMatch);
        var mail = lines.AsSpan(at, (end < 0 ? lines.Length : end) - at);
        for (var i = 0; i + 1 < mail.Length; i++)
        {
            if (mail[i] != "---" || !StatisticPattern().IsMatch(mail[i + 1]))
            {
                continue;
            }

            if (!Quotes(mail[..i]))
            {
                return;
            }

            if (HoldsPatch(mail[..i]))
            {
                Fail(
                    PatchProblems.PatchUnreadable,
                    "what may be its message contains a whole patch: put each patch into a separate file"
                );
                return;
            }

            var count = 0;
            foreach (var line in mail[i..])
            {
                count += Starts(line, "diff --git ") ? 1 : 0;
            }

            if (Counted(mail[i..]) is var counted && counted != count)
            {
                Fail(
                    PatchProblems.PatchUnreadable,
                    $"its message quotes a change, and its statistic counts {counted} files where {count} follow"
                );
            }

            at += i + 1;
            return;
        }
    }

    private static bool Quotes(ReadOnlySpan<string> message)
    {
        foreach (var line in message)
        {
            if (Starts(line, "diff --git ") || Starts(line, "--- ") || Starts(line, "@@ ") || Starts(line, "*** "))
            {
                return true;
            }
        }
        return false;
    }

    // Of another mail, of `git show`, or of a mail without a statistic: for git, too, the message ends at the first line that
    // begins so.
    private static bool HoldsPatch(ReadOnlySpan<string> message)
    {
        var subjects = 0;
        foreach (var line in message)
        {
            subjects += Starts(line, "Subject: ") ? 1 : 0;
            if (
                Starts(line, "diff ")
                || Starts(line, "Index: ")
                || Starts(line, "commit ")
                || Starts(line, "From ")
                || line is "-- " or "--"
                || subjects > 1
            )
            {
                return true;
            }
        }

        return false;
    }

    private static int? Counted(ReadOnlySpan<string> statistic)
    {
        foreach (var line in statistic)
        {
            if (CountPattern().Match(line) is { Success: true } match)
            {
                return Number(match.Groups[1]);
            }
        }
        return null;
    }

    private void ReadGitHeader()
    {
        var header = lines[at++];
        var mode = false;
        var removed = false;
        while (at < lines.Length && problem is null)
        {
            var line = lines[at];
            if (Starts(line, "--- ") || Starts(line, "diff --git "))
            {
                break;
            }

            if (Starts(line, "deleted file mode "))
            {
                removed = true;
            }
            else if (Starts(line, "rename ") || Starts(line, "copy "))
            {
                Fail(PatchProblems.PatchMovesFiles, header);
            }
            else if (Starts(line, "GIT binary patch") || Starts(line, "Binary files "))
            {
                Fail(PatchProblems.PatchNotText, $"{header}: a binary change");
            }
            else if (ModePattern().Match(line) is { Success: true } match && match.Groups[1].Value is not ("100644" or "100755"))
            {
                Fail(PatchProblems.PatchNotText, $"{header}: mode {match.Groups[1].Value} is not that of a regular file");
            }
            else if (Starts(line, "old mode ") || Starts(line, "new mode "))
            {
                mode = true;
            }
            else if (!ExtendedHeaderPattern().IsMatch(line))
            {
                break;
            }

            at++;
        }
        if (at < lines.Length && Starts(lines[at], "--- "))
        {
            return;
        }
        // A header without hunks: a mode alone, or an empty file.
        if (removed)
        {
            Fail(PatchProblems.PatchMovesFiles, $"{header}: the file is removed");
        }

        if (problem is null && !mode && at < lines.Length && lines[at].Length > 0 && Starts(lines[at], "@@ "))
        {
            Fail(PatchProblems.PatchUnreadable, $"{header}: the names of the file are missing");
        }
    }

    private void ReadFile()
    {
        var before = Name(lines[at][4..]);
        var after = Name(lines[at + 1][4..]);
        at += 2;
        var kind =
            before == Nothing ? PatchedFileKind.Added
            : after == Nothing ? PatchedFileKind.Removed
            : PatchedFileKind.Changed;
        var named = kind == PatchedFileKind.Removed ? before : after;
        // As `git diff --no-prefix` writes it, or a diff for -p0.
        var hasPrefix = !((kind != PatchedFileKind.Changed || before == after) && topFolders.Contains(named.Split('/')[0]));
        var path = Strip(named, hasPrefix);
        if (problem is not null || path is null)
        {
            return;
        }

        if (kind == PatchedFileKind.Changed && Strip(before, hasPrefix) != path)
        {
            Fail(PatchProblems.PatchMovesFiles, $"{before} becomes {after}");
            return;
        }
        var hunks = new List<PatchHunk>();
        while (at < lines.Length && problem is null && HunkPattern().Match(lines[at]) is { Success: true } match)
        {
            if (ReadHunk(match, path) is { } hunk)
            {
                hunks.Add(hunk);
            }
        }
        if (problem is null && hunks.Count == 0)
        {
            Fail(PatchProblems.PatchUnreadable, $"{path} has no hunk");
        }

        if (problem is null && kind == PatchedFileKind.Added && (hunks.Count != 1 || hunks[0].Before.Any()))
        {
            Fail(PatchProblems.PatchUnreadable, $"{path} is new and has lines before");
        }

        if (problem is null && kind == PatchedFileKind.Removed && (hunks.Count != 1 || hunks[0].After.Any()))
        {
            Fail(PatchProblems.PatchUnreadable, $"{path} is removed and has lines after");
        }

        files.Add(new(path, kind, hunks));
    }

    private PatchHunk? ReadHunk(Match match, string path)
    {
        var header = lines[at++];
        var (start, oldLeft, newLeft) = (Number(match.Groups[1]), Count(match.Groups[2]), Count(match.Groups[4]));
        if (start > LongestFile || oldLeft > LongestFile || newLeft > LongestFile)
        {
            return Fail(PatchProblems.PatchUnreadable, $"{path}: {header}: a number is too large");
        }

        var read = new List<HunkLine>();
        while (oldLeft > 0 || newLeft > 0)
        {
            if (at >= lines.Length)
            {
                return Fail(PatchProblems.PatchUnreadable, $"{path}: {header}: the patch ends within the hunk");
            }

            if (KindOf(lines[at]) is not { } kind)
            {
                return Fail(
                    PatchProblems.PatchUnreadable,
                    $"{path}: {header}: line {at + 1} of the patch is not a line of a hunk"
                );
            }

            oldLeft -= kind == HunkLineKind.Added ? 0 : 1;
            newLeft -= kind == HunkLineKind.Removed ? 0 : 1;
            if (oldLeft < 0 || newLeft < 0)
            {
                return Fail(PatchProblems.PatchUnreadable, $"{path}: {header}: more lines than the hunk's header says");
            }

            read.Add(new(kind, (lines[at].Length == 0 ? "" : lines[at][1..]) + "\n"));
            at++;
            if (at < lines.Length && Starts(lines[at], "\\ "))
            {
                read[^1] = read[^1] with { Text = read[^1].Text[..^1] };
                at++;
            }
        }
        if (
            at < lines.Length
            && lines[at].Length > 0
            && lines[at][0] is '+' or '-'
            && !Starts(lines[at], "--- ")
            && lines[at] is not ("-- " or "--")
        )
        {
            return Fail(PatchProblems.PatchUnreadable, $"{path}: {header}: more lines than the hunk's header says");
        }

        if (read.TrueForAll(l => l.Kind == HunkLineKind.Context))
        {
            return Fail(PatchProblems.PatchUnreadable, $"{path}: {header}: it changes nothing");
        }

        return new(header, start, read);
    }

    // An empty line is a context line whose blank an editor or a mail program took.
    private static HunkLineKind? KindOf(string line) =>
        line.Length == 0
            ? HunkLineKind.Context
            : line[0] switch
            {
                ' ' => HunkLineKind.Context,
                '+' => HunkLineKind.Added,
                '-' => HunkLineKind.Removed,
                _ => null,
            };

    // diff -u puts a time stamp behind a tab. git quotes a name with other characters than plain ones as C does, and then writes
    // none.
    private string Name(string rest)
    {
        rest = rest.TrimEnd('\r');
        return rest.StartsWith('"') ? Unquoted(rest) : rest.Split('\t')[0];
    }

    private string Unquoted(string rest)
    {
        if (QuotedPattern().Match(rest) is not { Success: true } match)
        {
            Fail(PatchProblems.PatchPathRefused, $"{rest}: no quoted name");
            return rest;
        }

        return EscapePattern()
            .Replace(
                match.Groups[1].Value,
                e =>
                    e.Value[1] switch
                    {
                        >= '0' and <= '7' => ((char)Convert.ToInt32(e.Value[1..], 8)).ToString(),
                        'a' => "\a",
                        'b' => "\b",
                        'f' => "\f",
                        'n' => "\n",
                        'r' => "\r",
                        't' => "\t",
                        'v' => "\v",
                        var other => other.ToString(),
                    }
            );
    }

    private string? Strip(string path, bool hasPrefix)
    {
        var slash = path.IndexOf('/', StringComparison.Ordinal);
        var stripped =
            !hasPrefix ? path
            : slash > 0 ? path[(slash + 1)..]
            : "";
        if (UnitPath.IsValid(stripped))
        {
            return stripped;
        }

        Fail(PatchProblems.PatchPathRefused, $"\"{Printable(path)}\"");
        return null;
    }

    private static string Printable(string text) =>
        string.Concat(text.Take(200).Select(c => char.IsAscii(c) && !char.IsControl(c) ? c : '?'));

    private static int Number(Group group) =>
        int.TryParse(group.Value, System.Globalization.CultureInfo.InvariantCulture, out var number) ? number : int.MaxValue;

    private static int Count(Group group) => group.Success ? Number(group) : 1;

    private static bool Starts(string line, string start) => line.StartsWith(start, StringComparison.Ordinal);

    private PatchHunk? Fail(ProblemCode code, string reason)
    {
        problem ??= new(code, $"{name}: {Printable(reason)}");
        return null;
    }

    [GeneratedRegex(@"^@@ -([0-9]{1,9})(?:,([0-9]{1,9}))? \+([0-9]{1,9})(?:,([0-9]{1,9}))? @@")]
    private static partial Regex HunkPattern();

    [GeneratedRegex("""^"((?:[^"\\]|\\[abfnrtv"\\]|\\[0-3][0-7]{2})*)"(?:\t|$)""")]
    private static partial Regex QuotedPattern();

    [GeneratedRegex(@"\\(?:[0-3][0-7]{2}|.)")]
    private static partial Regex EscapePattern();

    [GeneratedRegex(@"^From [0-9a-f]{40,64} Mon Sep 17 00:00:00 2001\r?$")]
    private static partial Regex MailPattern();

    [GeneratedRegex(@"^ \S.* \| +(?:[0-9]+|Bin\b)")]
    private static partial Regex StatisticPattern();

    [GeneratedRegex("^ ([0-9]{1,9}) files? changed")]
    private static partial Regex CountPattern();

    [GeneratedRegex(@"^(?:(?:old|new|new file) mode |index [0-9a-f]+\.\.[0-9a-f]+ )([0-9]+)$")]
    private static partial Regex ModePattern();

    [GeneratedRegex(@"^(?:old mode|new mode|new file mode|similarity index|dissimilarity index|index) ")]
    private static partial Regex ExtendedHeaderPattern();
}
