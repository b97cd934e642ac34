using System.Globalization;
using System.Text.RegularExpressions;
using Elivepatch.Model;
using Elivepatch.Terminal;

namespace Elivepatch.House.Tests;

/// <summary><c>docs/errors.md</c> says what the program says.</summary>
public sealed partial class ErrorsDocumentTests
{
    // Each is decided here: a new failure is either on this list or for somebody to look at.
    private static readonly HashSet<int> temporary =
    [
        // Networks and servers, workers and databases behind them.
        703,
        1002,
        1008,
        1015,
        1040,
        1050,
        1060,
        1062,
        // A withdrawn build is built anew when it is asked for again.
        1073,
        1074,
        // Others at work on this machine, and what they hold.
        1204,
        1209,
        1211,
        1219,
        1221,
    ];

    private static readonly string document = File.ReadAllText(Path.Combine(Repository.Root, "docs", "errors.md"));

    public static TheoryData<int> Numbers => [.. ProblemCatalog.All.Select(c => c.Number)];

    [Theory]
    [MemberData(nameof(Numbers))]
    public void Every_failure_is_documented_with_title_status_and_remedy(int number)
    {
        var code = ProblemCatalog.All.Single(c => c.Number == number);
        var entry = Entry().Matches(document).FirstOrDefault(m => m.Groups["id"].Value == code.Id);
        Assert.True(
            entry is not null,
            $"docs/errors.md lacks:\n### {code.Id} {code.Title}\n\n(what was found)\n\nExit status {StatusOf(code)}. What to do: {code.Remedy}"
        );
        Assert.Equal(code.Title, entry.Groups["title"].Value);
        Assert.Equal(StatusOf(code).ToString(CultureInfo.InvariantCulture), entry.Groups["status"].Value);
        Assert.Equal(code.Remedy, entry.Groups["remedy"].Value);
    }

    [Theory]
    [MemberData(nameof(Numbers))]
    public void What_goes_away_by_itself_says_to_try_again_and_nothing_else_does(int number)
    {
        var code = ProblemCatalog.All.Single(c => c.Number == number);
        Assert.Equal(temporary.Contains(number) ? 75 : (int)code.Kind, ExitStatus.Of([new(code, "")]));
    }

    [Fact]
    public void Nothing_else_is_documented_and_the_order_is_that_of_the_numbers() =>
        Assert.Equal(ProblemCatalog.All.Select(c => c.Id), Heading().Matches(document).Select(m => m.Groups["id"].Value));

    [Fact]
    public void No_number_is_used_twice() =>
        Assert.Equal(ProblemCatalog.All.Count, ProblemCatalog.All.DistinctBy(c => c.Number).Count());

    private static int StatusOf(ProblemCode code) => ExitStatus.Of([new(code, "")]);

    [GeneratedRegex(
        @"^### (?<id>ELP\d{4}) (?<title>.+)\n\n(?<reason>[^\n#]+(?:\n[^\n#]+)*)\n\nExit status (?<status>\d+)\. What to do: (?<remedy>.+)$",
        RegexOptions.Multiline
    )]
    private static partial Regex Entry();

    [GeneratedRegex(@"^### (?<id>ELP\d{4}) ", RegexOptions.Multiline)]
    private static partial Regex Heading();
}
