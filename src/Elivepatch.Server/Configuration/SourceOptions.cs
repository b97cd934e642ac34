using Elivepatch.Builder.Sources;
using Elivepatch.Model;

namespace Elivepatch.Server.Configuration;

/// <summary>One place that sources of kernels come from, as the configuration has it.</summary>
/// <param name="Kind">What kind of place.</param>
/// <param name="Release">
/// The releases that it has, as <c>uname -r</c> gives them; <c>*</c> stands for any characters. The first place that matches is
/// asked.
/// </param>
/// <param name="Location">A path or a URL; null for <see cref="SourceOrigin.Debian"/>.</param>
/// <param name="Digests">
/// For <see cref="SourceOrigin.Mirror"/>: a file with lines as <c>sha256sum</c> writes them. What it does not name is not taken.
/// </param>
public sealed record SourceOptions(SourceOrigin Kind, string Release = "*", string? Location = null, string? Digests = null)
{
    /// <summary>The place, with its digests read.</summary>
    internal Outcome<SourceEntry> ToEntry() =>
        Digests is null
            ? new SourceEntry(Kind, Release, Location ?? "")
            : DigestList.Read(Digests).Then<SourceEntry>(digests => new SourceEntry(Kind, Release, Location ?? "", digests));
}
