using Elivepatch.Kernel.Toolchains;
using Xunit;

namespace Elivepatch.Kernel.Tests.Toolchains;

public sealed class CompilerTextTests
{
    [Theory]
    [InlineData("gcc-12 (Debian 12.2.0-14+deb12u1) 12.2.0", "12", "12.2.0-14+deb12u1")]
    [InlineData("x86_64-linux-gnu-gcc-14 (Debian 14.2.0-19) 14.2.0", "14", "14.2.0-19")]
    [InlineData("gcc (Gentoo 13.3.1_p20240614 p17) 13.3.1 20240614", "13", null)]
    [InlineData("gcc (GCC) 14.2.1 20240912 (Red Hat 14.2.1-3)", "14", null)]
    public void A_text_tells_the_version_and_the_package(string text, string major, string? package)
    {
        var version = CompilerText.VersionOf(text)!;
        Assert.Equal(major, CompilerText.MajorOf(version));
        Assert.Equal(package, CompilerText.DebianVersionOf(version));
    }

    [Theory]
    [InlineData("gcc", "")]
    [InlineData("gcc-14", "")]
    [InlineData("x86_64-linux-gnu-gcc-14", "x86_64-linux-gnu-")]
    [InlineData("x86_64-pc-linux-gnu-gcc", "x86_64-pc-linux-gnu-")]
    [InlineData("gcc-ar", null)]
    [InlineData("clang", null)]
    [InlineData("../gcc", null)]
    public void The_name_tells_the_prefix_of_the_binutils(string name, string? prefix) =>
        Assert.Equal(prefix, CompilerText.CrossPrefixOf(name));

    // scripts/as-version.sh and scripts/ld-version.sh
    [Theory]
    [InlineData("GNU assembler (GNU Binutils for Debian) 2.40", 24000)]
    [InlineData("GNU ld (GNU Binutils for Debian) 2.44", 24400)]
    [InlineData("GNU ld (GNU Binutils for Debian) 2.47.50.20261021", 24750)]
    [InlineData("GNU ld version 2.41-37.fc40", 24100)]
    [InlineData("LLD 19.1.0 (compatible with GNU linkers)", 0)]
    [InlineData("", 0)]
    public void Versions_of_binutils_are_read_as_kbuild_reads_them(string line, int version) =>
        Assert.Equal(version, BinutilsVersion.Read(line + "\nCopyright (C) 2026\n"));
}
