namespace Elivepatch.Builder.Sources;

/// <summary>What kind of place a source comes from.</summary>
public enum SourceOrigin
{
    /// <summary>Debian's packages, which carry a complete kernel record.</summary>
    Debian,

    /// <summary>A folder or a URL with archives <c>linux-VERSION.tar.*</c>, taken by digest.</summary>
    Mirror,

    /// <summary>A source tree or an archive of one.</summary>
    Tree,

    /// <summary>A git repository with tags <c>vVERSION</c>.</summary>
    Git,
}

/// <summary>A place of kernel sources, as the operator set it up.</summary>
/// <param name="Origin">What kind of place.</param>
/// <param name="Releases">The releases that it is asked for; <c>*</c> stands for any characters.</param>
/// <param name="Location">
/// A path or a URL; empty for Debian. <c>{release}</c>, <c>{version}</c> and <c>{major}</c> stand for those of the kernel:
/// <c>6.1.90-own</c>, <c>6.1.90</c> and <c>6</c>.
/// </param>
/// <param name="Digests">For a mirror: SHA-256 (hexadecimal) by file name; what is not in it is not taken.</param>
public sealed record SourceEntry(
    SourceOrigin Origin,
    string Releases,
    string Location,
    IReadOnlyDictionary<string, string> Digests
)
{
    /// <summary>A place without digests.</summary>
    public SourceEntry(SourceOrigin origin, string releases = "*", string location = "")
        : this(origin, releases, location, new Dictionary<string, string>()) { }
}
