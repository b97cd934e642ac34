using System.Text.RegularExpressions;
using Xunit;

namespace Elivepatch.Elf.Tests;

/// <summary>The judges of the field read what we write.</summary>
public class ToolAgreementTests
{
    public static TheoryData<string, string> Units => RoundTripTests.Units;

    [Theory]
    [MemberData(nameof(Units))]
    public void Readelf_says_the_same_of_what_we_write_as_of_what_we_read(string source, string flags)
    {
        var file = Gcc.Compile(source, flags);
        var written = ElfWriter.Write(ElfReader.Read(file));
        Assert.Equal(Facts(file), Facts(written));
    }

    [Theory]
    [MemberData(nameof(Units))]
    public void Elflint_finds_no_more_fault_than_with_the_original(string source, string flags)
    {
        var file = Gcc.Compile(source, flags);
        var written = ElfWriter.Write(ElfReader.Read(file));
        Assert.Equal(Lint(file), Lint(written));
    }

    [Fact]
    public void The_linker_accepts_what_we_write()
    {
        var file = Gcc.Compile("static int s; extern int g(void); int f(void) { return g() + s++; } int g(void) { return 2; }");
        var linked = Gcc.LinkRelocatable(ElfWriter.Write(ElfReader.Read(file)));
        Assert.NotNull(ElfReader.Read(linked).FindSymbol("f"));
    }

    /// <summary>Symbols and relocations as readelf prints them. Section numbers may differ, so names stand for them.</summary>
    private static string Facts(byte[] file)
    {
        var text = Gcc.Inspect(file, "readelf", "-srgW");
        Assert.DoesNotContain("Warning", text);
        Assert.DoesNotContain("Error", text);
        text = Regex.Replace(text, "at offset 0x[0-9a-f]+ ", "");
        text = Regex.Replace(text, @"(SECTION|[A-Z]+) +(DEFAULT|HIDDEN) +\d+", "$1 $2");
        return Regex.Replace(text, @"\[ *\d+\]", "[]");
    }

    private static string[] Lint(byte[] file) =>
        [
            .. Gcc.Inspect(file, "eu-elflint", "--gnu-ld")
                .Split('\n')
                .Select(l => Regex.Replace(l, @"\[ *\d+\]", "[]"))
                .Order(StringComparer.Ordinal),
        ];
}
