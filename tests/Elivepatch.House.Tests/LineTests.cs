using System.Globalization;
using System.Text.RegularExpressions;

namespace Elivepatch.House.Tests;

/// <summary>
/// What the formatter cannot break: comments that are too long. Texts in quotes may be as long as they have to be.
/// </summary>
public sealed partial class LineTests
{
    private static readonly string[] folders = ["src", "tests", "examples", "benchmarks"];

    [Fact]
    public void No_line_is_longer_than_the_limit_unless_a_text_in_quotes_is()
    {
        var limit = int.Parse(
            Limit().Match(File.ReadAllText(Path.Combine(Repository.Root, ".editorconfig"))).Groups[1].Value,
            CultureInfo.InvariantCulture
        );
        var sources = folders
            .SelectMany(f => Directory.EnumerateFiles(Path.Combine(Repository.Root, f), "*.cs", SearchOption.AllDirectories))
            .Where(f => !f.Contains("/obj/", StringComparison.Ordinal) && !f.Contains("/bin/", StringComparison.Ordinal))
            .ToList();
        Assert.NotEmpty(sources);
        Assert.Empty(sources.SelectMany(f => TooLong(f, limit)));
    }

    private static IEnumerable<string> TooLong(string file, int limit)
    {
        var isInText = false;
        foreach (var (index, line) in File.ReadLines(file).Index())
        {
            var isText = isInText || line.Contains('"', StringComparison.Ordinal);
            isInText ^= RawText().Count(line) % 2 == 1;
            if (line.Length > limit && !isText)
            {
                yield return $"{Path.GetRelativePath(Repository.Root, file)}:{index + 1}: {line.Length} columns";
            }
        }
    }

    [GeneratedRegex("^max_line_length = ([0-9]+)$", RegexOptions.Multiline)]
    private static partial Regex Limit();

    [GeneratedRegex("\"{3,}")]
    private static partial Regex RawText();
}
