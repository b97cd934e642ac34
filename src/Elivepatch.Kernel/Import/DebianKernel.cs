// In: a release. Out: the packages that make it up, all of one version: the source has to be exactly what the image was built
// from.

using System.Text.RegularExpressions;
using Elivepatch.Kernel.Architectures;
using Elivepatch.Kernel.Packages;
using Elivepatch.Model;
using Elivepatch.Protocol.Captures;

namespace Elivepatch.Kernel.Import;

/// <summary>The packages of a stock kernel.</summary>
/// <param name="Architecture">The processor that it is for.</param>
/// <param name="Release">The release, as <c>uname -r</c> will say.</param>
/// <param name="Image">The package by which the kernel is installed; up to 6.x it has boot image and modules.</param>
/// <param name="Headers">The headers, with configuration and exports.</param>
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
    private const string HeadersPrefix = "linux-headers-";
    private const string SourcePrefix = "linux-source-";

    /// <summary>
    /// Packages that the image's package only refers to: from 7.x on they have its files. Empty where it has them.
    /// </summary>
    public IReadOnlyList<DebianPackage> Parts { get; private init; } = [];

    /// <summary>All of the packages, as <c>name=version</c>, that of the image first.</summary>
    public IReadOnlyList<string> PackageNames => [.. new[] { Image, Headers, Source }.Concat(Parts).Select(p => p.ToString())];

    /// <summary>The packages that have boot image and modules.</summary>
    public IReadOnlyList<DebianPackage> Binaries => [Image, .. Parts];

    /// <summary>Of a kernel's packages, as <c>name=version</c>, those that have boot image and modules.</summary>
    public static IReadOnlyList<string> BinariesOf(IReadOnlyList<string> packages) =>
        [
            .. packages.Where(p =>
                !p.StartsWith(HeadersPrefix, StringComparison.Ordinal) && !p.StartsWith(SourcePrefix, StringComparison.Ordinal)
            ),
        ];

    /// <summary>The packages of a release in the newest version for which all are offered.</summary>
    public static async Task<Outcome<DebianKernel>> FindAsync(
        DebianArchive archive,
        string release,
        CancellationToken cancellation
    )
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

        var offers = await archive.GetVersionsAsync(NamesOf(release), cancellation);
        var chosen = offers.Then(o => Choose(archive, architecture, release, o));
        return chosen.TryGet(out var kernel) ? await WithPartsAsync(archive, kernel, cancellation) : chosen;
    }

    /// <summary>The newest kernel of a flavour that has a source package of the same version.</summary>
    /// <param name="archive">The archive.</param>
    /// <param name="flavour">The flavour, as in <c>cloud</c>; empty for the kernel that Debian installs by itself.</param>
    /// <param name="series">Of this series only, as in <c>6.1</c>; empty for any.</param>
    /// <param name="cancellation">Ends it.</param>
    public static async Task<Outcome<DebianKernel>> FindNewestAsync(
        DebianArchive archive,
        string flavour,
        string series,
        CancellationToken cancellation
    )
    {
        var names = await archive.GetNamesAsync(ImagePrefix, cancellation);
        if (!names.TryGet(out var images))
        {
            return Outcome<DebianKernel>.Failure(names.Problems);
        }

        var releases = images
            .Select(n => n[ImagePrefix.Length..])
            .Where(r => series.Length == 0 || SeriesPattern().Match(r).Value == series)
            .Select(r => (Release: r, Architecture: ArchitectureOf(r)))
            .Where(r => r.Architecture is not null && FlavourOf(r.Release, r.Architecture) == flavour)
            .ToList();
        var wanted = string.Join(
            " or ",
            KernelArchitectures.All.Select(a =>
                $"{ImagePrefix}{series}*{(flavour.Length == 0 ? "" : "-" + flavour)}-{a.DistributionName}"
            )
        );
        if (releases.Count == 0)
        {
            return new Problem(RecordProblems.PackageMissing, $"no package {wanted} is offered{In(archive)}");
        }

        var offers = await archive.GetVersionsAsync(releases.SelectMany(r => NamesOf(r.Release)), cancellation);
        var found = offers.Then<DebianKernel>(o =>
            releases
                .Select(r => Choose(archive, r.Architecture!, r.Release, o))
                .Where(c => c.Succeeded)
                .Select(c => c.Value)
                .MaxBy(k => k.Image.Version, Comparer<string>.Create(DebianVersion.Compare))
                is { } newest
                ? newest
                : new Problem(RecordProblems.PackageMissing, $"no {wanted} has headers and source of its version{In(archive)}")
        );
        return found.TryGet(out var kernel) ? await WithPartsAsync(archive, kernel, cancellation) : found;
    }

    // Debian's flavours end in the name of the processor: cloud-amd64, rt-amd64.
    private static KernelArchitecture? ArchitectureOf(string release) =>
        KernelArchitectures.All.FirstOrDefault(a => release.EndsWith($"-{a.DistributionName}", StringComparison.Ordinal));

    // 6.1.0-57-cloud-amd64 and 6.12.117+deb12-cloud-amd64; null for what is no release, such as the name of a package that
    // depends on the newest one.
    private static string? FlavourOf(string release, KernelArchitecture architecture) =>
        FlavourPattern().Match(release[..^(architecture.DistributionName.Length + 1)]) is { Success: true } match
            ? match.Groups["flavour"].Value
            : null;

    private static string[] NamesOf(string release) =>
        [ImagePrefix + release, HeadersPrefix + release, SourcePrefix + SeriesPattern().Match(release).Value];

    private static string In(DebianArchive archive) => archive.Suite is { } suite ? $" in {suite}" : "";

    private static Outcome<DebianKernel> Choose(
        DebianArchive archive,
        KernelArchitecture architecture,
        string release,
        ILookup<string, DebianPackage> offers
    )
    {
        var names = NamesOf(release);
        foreach (var image in offers[names[0]])
        {
            var headers = offers[names[1]].FirstOrDefault(h => h.Version == image.Version);
            var source = offers[names[2]].FirstOrDefault(s => s.Version == image.Version);
            if (headers is not null && source is not null)
            {
                return new DebianKernel(architecture, release, image, headers, source);
            }
        }
        return Missing(archive, names, offers);
    }

    private static Problem Missing(DebianArchive archive, string[] names, ILookup<string, DebianPackage> offers)
    {
        if (offers[names[0]].FirstOrDefault() is not { } image)
        {
            return new(RecordProblems.PackageMissing, $"there is no package {names[0]}{In(archive)}");
        }

        var missing = offers[names[1]].All(h => h.Version != image.Version) ? names[1] : names[2];
        var others = string.Join(", ", offers[missing].Take(5).Select(p => p.Version));
        return new(
            RecordProblems.PackageMissing,
            $"{image.Name} has version {image.Version}, and there is no {missing} of that version{In(archive)} "
                + (others.Length == 0 ? "(none is offered)" : $"(offered are {others})")
        );
    }

    private static async Task<Outcome<DebianKernel>> WithPartsAsync(
        DebianArchive archive,
        DebianKernel kernel,
        CancellationToken cancellation
    )
    {
        var siblings = kernel.Image.Siblings.Where(n => n.EndsWith(kernel.Release, StringComparison.Ordinal)).ToList();
        if (siblings.Count == 0)
        {
            return kernel;
        }

        var offers = await archive.GetVersionsAsync(siblings, cancellation);
        return offers.Then<DebianKernel>(o =>
        {
            var parts = siblings.Select(n => o[n].FirstOrDefault(p => p.Version == kernel.Image.Version)).ToList();
            return parts.IndexOf(null) is var missing && missing >= 0
                ? new Problem(
                    RecordProblems.PackageMissing,
                    $"{kernel.Image} consists of {siblings[missing]}, which is not offered in that version{In(archive)}"
                )
                : kernel with
                {
                    Parts = [.. parts.OfType<DebianPackage>()],
                };
        });
    }

    // A release has three numbers; names with two are those of packages that only depend on the newest.
    [GeneratedRegex(@"^[0-9]+\.[0-9]+\.[0-9]+[^/]*$")]
    private static partial Regex ReleasePattern();

    [GeneratedRegex(@"\A[0-9]+\.[0-9]+\.[0-9]+(?:-[0-9]+)?(?:\+[a-z0-9.]+)?(?:-(?<flavour>[a-z0-9]+))?\z")]
    private static partial Regex FlavourPattern();

    [GeneratedRegex(@"^[0-9]+\.[0-9]+")]
    private static partial Regex SeriesPattern();
}
