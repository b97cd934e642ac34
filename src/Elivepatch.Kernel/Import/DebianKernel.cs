// In: a release. Out: the three packages that make it up, all of one version: the source has to be exactly what the image was
// built from.

using System.Text.RegularExpressions;
using Elivepatch.Kernel.Architectures;
using Elivepatch.Model;
using Elivepatch.Protocol.Captures;

namespace Elivepatch.Kernel.Import;

/// <summary>The packages of a stock kernel.</summary>
/// <param name="Architecture">The processor that it is for.</param>
/// <param name="Release">The release, as <c>uname -r</c> will say.</param>
/// <param name="Image">The boot image, with the configuration.</param>
/// <param name="Headers">The headers, with the exports.</param>
/// <param name="Source">The source.</param>
public sealed partial record DebianKernel(
    KernelArchitecture Architecture,
    string Release,
    DebianPackage Image,
    DebianPackage Headers,
    DebianPackage Source
)
{
    private const string ImagePrefix = "linux-image-";

    /// <summary>The packages of a release in the newest version for which all three are offered.</summary>
    public static async Task<Outcome<DebianKernel>> FindAsync(string release, CancellationToken cancellation)
    {
        if (!ReleaseName.IsValid(release) || !ReleasePattern().IsMatch(release))
        {
            return new Problem(RecordProblems.KernelNameInvalid, $"\"{release}\" is not a kernel release");
        }

        if (ArchitectureOf(release) is not { } architecture)
        {
            return new Problem(
                RecordProblems.KernelNameInvalid,
                $"\"{release}\" is not a release for {KernelArchitectures.Names}: the name of one ends in {string.Join(" or ", KernelArchitectures.All.Select(a => $"-{a.DistributionName}"))}"
            );
        }

        var offers = await DebianArchive.GetVersionsAsync(PackageNames(release), cancellation);
        return offers.Then(o => Choose(architecture, release, o));
    }

    /// <summary>The newest cloud kernel that has a source package of the same version.</summary>
    /// <param name="series">Of this series only, as in <c>6.1</c>; empty for any.</param>
    /// <param name="cancellation">Ends it.</param>
    public static async Task<Outcome<DebianKernel>> FindNewestCloudAsync(string series, CancellationToken cancellation)
    {
        var names = await DebianArchive.GetNamesAsync(ImagePrefix, cancellation);
        if (!names.TryGet(out var images))
        {
            return Outcome<DebianKernel>.Failure(names.Problems);
        }

        var releases = images
            .Select(n => n[ImagePrefix.Length..])
            .Where(r => ReleasePattern().IsMatch(r) && (series.Length == 0 || SeriesPattern().Match(r).Value == series))
            .Select(r => (Release: r, Architecture: CloudArchitectureOf(r)))
            .Where(r => r.Architecture is not null)
            .ToList();
        if (releases.Count == 0)
        {
            return new Problem(RecordProblems.PackageMissing, $"no package {CloudPackages(series)} is offered");
        }

        var offers = await DebianArchive.GetVersionsAsync(releases.SelectMany(r => PackageNames(r.Release)), cancellation);
        return offers.Then<DebianKernel>(o =>
            releases
                .Select(r => Choose(r.Architecture!, r.Release, o))
                .Where(c => c.Succeeded)
                .Select(c => c.Value)
                .MaxBy(k => k.Image.Version, Comparer<string>.Create(DebianVersion.Compare))
                is { } newest
                ? newest
                : new Problem(RecordProblems.PackageMissing, $"no {CloudPackages(series)} has headers and source of its version")
        );
    }

    // Debian's flavours end in the name of the processor: cloud-amd64, rt-amd64.
    private static KernelArchitecture? ArchitectureOf(string release) =>
        KernelArchitectures.All.FirstOrDefault(a => release.EndsWith($"-{a.DistributionName}", StringComparison.Ordinal));

    private static KernelArchitecture? CloudArchitectureOf(string release) =>
        KernelArchitectures.All.FirstOrDefault(a => release.EndsWith(CloudSuffix(a), StringComparison.Ordinal));

    private static string CloudSuffix(KernelArchitecture architecture) => $"-cloud-{architecture.DistributionName}";

    private static string CloudPackages(string series) =>
        string.Join(" or ", KernelArchitectures.All.Select(a => $"{ImagePrefix}{series}*{CloudSuffix(a)}"));

    private static string[] PackageNames(string release) =>
        [ImagePrefix + release, $"linux-headers-{release}", $"linux-source-{SeriesPattern().Match(release).Value}"];

    private static Outcome<DebianKernel> Choose(
        KernelArchitecture architecture,
        string release,
        ILookup<string, DebianPackage> offers
    )
    {
        var names = PackageNames(release);
        foreach (var image in offers[names[0]])
        {
            var headers = offers[names[1]].FirstOrDefault(h => h.Version == image.Version);
            var source = offers[names[2]].FirstOrDefault(s => s.Version == image.Version);
            if (headers is not null && source is not null)
            {
                return new DebianKernel(architecture, release, image, headers, source);
            }
        }
        return Missing(names, offers);
    }

    private static Problem Missing(string[] names, ILookup<string, DebianPackage> offers)
    {
        if (offers[names[0]].FirstOrDefault() is not { } image)
        {
            return new(RecordProblems.PackageMissing, $"there is no package {names[0]}");
        }

        var missing = offers[names[1]].All(h => h.Version != image.Version) ? names[1] : names[2];
        var others = string.Join(", ", offers[missing].Take(5).Select(p => p.Version));
        return new(
            RecordProblems.PackageMissing,
            $"{image.Name} has version {image.Version}, and there is no {missing} of that version "
                + (others.Length == 0 ? "(none is offered)" : $"(offered are {others})")
        );
    }

    // A release has three numbers; names with two are those of packages that only depend on the newest.
    [GeneratedRegex(@"^[0-9]+\.[0-9]+\.[0-9]+[^/]*$")]
    private static partial Regex ReleasePattern();

    [GeneratedRegex(@"^[0-9]+\.[0-9]+")]
    private static partial Regex SeriesPattern();
}
