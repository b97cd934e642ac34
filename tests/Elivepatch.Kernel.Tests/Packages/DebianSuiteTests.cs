using Elivepatch.Kernel.Import;
using Elivepatch.Kernel.Packages;
using Elivepatch.Model;
using Xunit;

namespace Elivepatch.Kernel.Tests.Packages;

/// <summary>How stock kernels and the suites that have them are named.</summary>
public sealed class DebianSuiteTests
{
    [Theory]
    [InlineData("bookworm", "M bookworm;M bookworm-updates;S bookworm-security")]
    [InlineData("trixie-backports", "M trixie;M trixie-updates;S trixie-security;M trixie-backports")]
    [InlineData("sid", "M sid")]
    public void A_suite_has_its_updates_and_security_fixes(string name, string sources) =>
        Assert.Equal(
            sources.Split(';').Select(s => $"deb [signed-by=K] {s} main"),
            DebianSuite.Parse(name).Value.SourceLines("M", "S", "K")
        );

    [Theory]
    [InlineData("")]
    [InlineData("../etc")]
    [InlineData("trixie main [trusted=yes]")]
    [InlineData("trixie\n")]
    [InlineData("Trixie")]
    public void What_could_be_something_else_in_a_list_of_sources_is_no_suite(string name) =>
        Assert.Equal(RecordProblems.SuiteUnknown, DebianSuite.Parse(name).Problems[0].Code);

    [Theory]
    [InlineData("6.12.117+deb12-cloud-amd64", "bookworm,bookworm-backports")]
    [InlineData("7.3.4+deb13-amd64", "trixie,trixie-backports")]
    [InlineData("7.2.13+deb14-rt-amd64", "sid,forky")]
    [InlineData("6.1.0-57-amd64", "")]
    [InlineData("6.12.1+deb99-amd64", "")]
    public void A_release_tells_for_which_Debian_it_was_made(string release, string suites) =>
        Assert.Equal(suites, string.Join(',', DebianSuite.OfKernel(release)));

    [Theory]
    [InlineData("debian:6.1.0-57-amd64", null, "6.1.0-57-amd64", "", "")]
    [InlineData("newest", null, null, "", "")]
    [InlineData("debian:newest-cloud", null, null, "cloud", "")]
    [InlineData("debian:newest-cloud-6.1", null, null, "cloud", "6.1")]
    [InlineData("debian:newest-6.12", null, null, "", "6.12")]
    [InlineData("debian:trixie/newest-rt", "trixie", null, "rt", "")]
    [InlineData("debian:trixie-backports/7.3.4+deb13-cloud-amd64", "trixie-backports", "7.3.4+deb13-cloud-amd64", "", "")]
    public void A_kernel_is_named_by_release_or_as_the_newest_in_a_suite_where_wanted(
        string name,
        string? suite,
        string? release,
        string flavour,
        string series
    )
    {
        var parsed = DebianKernelName.Parse(name).Value;
        Assert.Equal((suite, release, flavour, series), (parsed.Suite?.Name, parsed.Release, parsed.Flavour, parsed.Series));
    }

    [Theory]
    [InlineData("debian:")]
    [InlineData("debian:a/b/c")]
    [InlineData("debian:/newest")]
    [InlineData("debian:trixie/")]
    public void Half_a_name_is_none(string name) => Assert.False(DebianKernelName.Parse(name).Succeeded);

    // Debian's packages from 7.x on: that of the image has nothing in it, and names those that have.
    [Fact]
    public void Packages_that_were_built_with_one_are_those_that_it_needs_in_its_own_version()
    {
        var package = new DebianPackage(
            "linux-image-7.3.4-amd64",
            "7.3.4-1~bpo13+1",
            new ContentDigest(new string('0', 64)),
            1,
            "dracut | initramfs-tools (>= 0.120), linux-base-7.3.4-amd64 (= 7.3.4-1~bpo13+1), kmod, linux-base (= 4.12), linux-modules-7.3.4-amd64 (= 7.3.4-1~bpo13+1)"
        );
        Assert.Equal(["linux-base-7.3.4-amd64", "linux-modules-7.3.4-amd64"], package.Siblings);
        Assert.Equal(
            ["linux-image-7.3.4-amd64=1", "linux-modules-7.3.4-amd64=1"],
            DebianKernel.BinariesOf([
                "linux-image-7.3.4-amd64=1",
                "linux-headers-7.3.4-amd64=1",
                "linux-source-7.3=1",
                "linux-modules-7.3.4-amd64=1",
            ])
        );
    }
}
