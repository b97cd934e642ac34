// In: two versions as somebody writes them. Out: the source packages, and the release of the stock kernel of the older one.

using System.Text.RegularExpressions;
using Elivepatch.Kernel.Packages;

namespace Elivepatch.FixesBench;

/// <summary>The two versions that are compared.</summary>
/// <param name="From">Source package of the older one.</param>
/// <param name="To">Source package of the newer one.</param>
/// <param name="Release">Release of the stock kernel that was built from the older one.</param>
internal sealed partial record SourceVersions(DebianPackage From, DebianPackage To, string Release)
{
    private const string ImagePrefix = "linux-image-";

    /// <summary>Finds the packages in the archive.</summary>
    public static async Task<SourceVersions> FindAsync(
        DebianArchive archive,
        FixesOptions options,
        CancellationToken cancellation
    )
    {
        var series = SeriesPattern().Match(options.From).Value;
        if (series.Length == 0 || SeriesPattern().Match(options.To).Value != series)
        {
            throw new BenchFailure(
                $"{options.From} and {options.To} are not two versions of one series, as in 6.12.111 and 6.12.115"
            );
        }

        var source = $"linux-source-{series}";
        var images = BenchFailure
            .Demand(await archive.GetNamesAsync(ImagePrefix, cancellation))
            // A flavour may end as another one does.
            .Where(n =>
                n.StartsWith(ImagePrefix + series + ".", StringComparison.Ordinal)
                && NumbersPattern().Match(n, ImagePrefix.Length) is { Success: true } numbers
                && n[(ImagePrefix.Length + numbers.Length)..] == "-" + options.Flavour
            );
        var offers = BenchFailure.Demand(await archive.GetVersionsAsync([source, .. images], cancellation));
        var (from, to) = (Choose(options.From), Choose(options.To));
        if (DebianVersion.Compare(from.Version, to.Version) >= 0)
        {
            throw new BenchFailure($"{from.Version} is not older than {to.Version}");
        }

        var image =
            offers.Where(o => o.Key != source).SelectMany(o => o).FirstOrDefault(p => p.Version == from.Version)
            ?? throw new BenchFailure($"no {ImagePrefix}*-{options.Flavour} of version {from.Version} is offered");
        return new(from, to, image.Name[ImagePrefix.Length..]);

        DebianPackage Choose(string version) =>
            offers[source]
                .FirstOrDefault(p => p.Version == version || p.Version.StartsWith(version + "-", StringComparison.Ordinal))
            ?? throw new BenchFailure(
                $"no {source} of version {version} is offered; there are {string.Join(", ", offers[source].Select(p => p.Version))}"
            );
    }

    [GeneratedRegex(@"^[0-9]+\.[0-9]+(?=\.)")]
    private static partial Regex SeriesPattern();

    // As in 6.12.111+deb12 and 6.1.0-57.
    [GeneratedRegex(@"\G[0-9]+(?:\.[0-9]+)*(?:-[0-9]+)?(?:\+deb[0-9]+)?")]
    private static partial Regex NumbersPattern();
}
