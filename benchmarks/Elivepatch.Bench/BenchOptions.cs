using System.Globalization;

namespace Elivepatch.Bench;

/// <summary>What a run of the benchmark is asked for.</summary>
/// <param name="Command">The command <c>elivepatch</c> as users start it.</param>
/// <param name="Repository">Root of the checkout.</param>
/// <param name="Kernel">The imported kernel; null takes the only one.</param>
/// <param name="Runs">How often everything is measured.</param>
/// <param name="Cases">The cases.</param>
/// <param name="AsJson">Print JSON instead of text.</param>
internal sealed record BenchOptions(
    string Command,
    string Repository,
    string? Kernel,
    int Runs,
    IReadOnlyList<BenchCase> Cases,
    bool AsJson
)
{
    /// <summary>How to call it.</summary>
    public const string Usage = "usage: ./bench [-k KERNEL] [--runs N] [--case small|large|many-files|header] [--json]";

    /// <summary>Reads the arguments, or gives null where they make no sense.</summary>
    public static BenchOptions? Parse(string command, string repository, IReadOnlyList<string> words)
    {
        var options = new BenchOptions(command, repository, null, 5, BenchCase.All, false);
        for (var i = 0; i < words.Count; i++)
        {
            var value = i + 1 < words.Count ? words[i + 1] : null;
            switch (words[i])
            {
                case "--json":
                    options = options with { AsJson = true };
                    continue;
                case "-k" when value is not null:
                    options = options with { Kernel = value };
                    break;
                case "--runs" when int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var runs) && runs > 0:
                    options = options with { Runs = runs };
                    break;
                case "--case" when BenchCase.All.FirstOrDefault(c => c.Name.Replace(' ', '-') == value) is { } one:
                    options = options with { Cases = [one] };
                    break;
                default:
                    return null;
            }
            i++;
        }
        return options;
    }
}
