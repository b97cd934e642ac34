using Xunit;

namespace Elivepatch.Elf.Tests;

public class RoundTripTests
{
    /// <summary>Units that between them have every kind of section and symbol that a compiler makes.</summary>
    public static TheoryData<string, string> Units =>
        new()
        {
            { "int f(void) { return 1; }", "-O2" },
            {
                "extern int g(int); int f(int x) { return g(x) + 1; } static int s = 3; int *p = &s;",
                "-O2 -ffunction-sections -fdata-sections"
            },
            {
                "int common; __attribute__((weak)) int w(void) { return common; } extern int u __attribute__((weak)); int *q = &u;",
                "-O2 -fcommon"
            },
            { "__thread int t; int *f(void) { return &t; }", "-O2 -g" },
            {
                "#include <stdio.h>\nint main(int c, char **v) { for (int i = 0; i < c; i++) puts(v[i]); return 0; }",
                "-O2 -gdwarf-4"
            },
            { "#include <stdio.h>\nint main(void) { printf(\"%d\", 4); return 0; }", "-O2 -g -gz" },
            {
                "__attribute__((constructor)) static void c(void) { } __attribute__((aligned(4096))) char page[4096] = { 1 };",
                "-O0 -fpatchable-function-entry=2"
            },
            { "", "-O2" },
        };

    [Theory]
    [MemberData(nameof(Units))]
    public void Nothing_is_lost_when_an_object_is_written_and_read_again(string source, string flags) =>
        AssertSurvives(Gcc.Compile(source, flags));

    [Fact]
    public void A_relocatable_link_of_several_objects_survives()
    {
        byte[][] objects =
        [
            .. Units.Take(4).Select((row, i) => Gcc.Compile(row.Data.Item1.Replace("f(", $"f{i}("), row.Data.Item2)),
        ];
        AssertSurvives(Gcc.LinkRelocatable(objects));
    }

    /// <summary>A folder of real objects, such as the modules of a kernel package, where the environment names one.</summary>
    [Fact]
    public void Every_object_of_the_folder_ELIVEPATCH_TEST_OBJECTS_survives()
    {
        var folder = Environment.GetEnvironmentVariable("ELIVEPATCH_TEST_OBJECTS");
        if (string.IsNullOrEmpty(folder))
        {
            return;
        }

        var files = Directory
            .EnumerateFiles(folder, "*", SearchOption.AllDirectories)
            .Where(f => f.EndsWith(".o", StringComparison.Ordinal) || f.EndsWith(".ko", StringComparison.Ordinal));
        foreach (var path in files)
        {
            var file = File.ReadAllBytes(path);
            if (file.Length < 5 || file[4] != 2)
            {
                continue; // 32-bit start-up code
            }

            try
            {
                AssertSurvives(file);
            }
            catch (Exception e)
            {
                throw new InvalidOperationException(path, e);
            }
        }
    }

    internal static void AssertSurvives(byte[] file)
    {
        var before = ElfReader.Read(file);
        var written = ElfWriter.Write(before);
        var after = ElfReader.Read(written);
        string expected = ModelText.Of(before),
            actual = ModelText.Of(after);
        if (expected != actual)
        {
            Assert.Equal(expected, actual);
        }

        Assert.Equal(written, ElfWriter.Write(after));
        Assert.Equal(written.Length, after.FileLength);
    }
}
