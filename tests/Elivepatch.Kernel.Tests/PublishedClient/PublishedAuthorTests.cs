using Xunit;

namespace Elivepatch.Kernel.Tests.PublishedClient;

/// <summary>
/// The published folder with the verbs of authors, installed beside the published file: the command finds it, and it runs without
/// .NET, a home or a <c>PATH</c>.
/// </summary>
public sealed class PublishedAuthorTests
{
    [Fact(Skip = FullRun.Reason, SkipType = typeof(FullRun), SkipUnless = nameof(FullRun.IsAsked))]
    public async Task The_command_hands_a_verb_over_to_it_where_there_is_no_dotnet()
    {
        var prefix = Directory.CreateTempSubdirectory("elivepatch-tests-");
        try
        {
            var command = Path.Combine(prefix.CreateSubdirectory("bin").FullName, "elivepatch");
            File.Copy(await PublishedClientTests.PublishAsync(), command);
            await PublishedClientTests.OutputAsync(
                Path.Combine(Repository.Root, "scripts", "publish-author"),
                Path.Combine(prefix.FullName, "libexec", "elivepatch")
            );

            var before = await CompileAsync(prefix, "before", "int f(int a) { return a + 1; }");
            var after = await CompileAsync(prefix, "after", "int f(int a) { return a + 2; }");
            // By its full path: env itself is looked for in the PATH that it is given.
            var output = await PublishedClientTests.OutputAsync(
                "/usr/bin/env",
                ["-i", "PATH=/nonexistent", command, "diff", before, after]
            );
            Assert.Contains("changed functions:\n  f ", output, StringComparison.Ordinal);
        }
        finally
        {
            prefix.Delete(recursive: true);
        }
    }

    private static async Task<string> CompileAsync(DirectoryInfo prefix, string name, string source)
    {
        var folder = prefix.CreateSubdirectory(name).FullName;
        var (unit, made) = (Path.Combine(folder, "unit.c"), Path.Combine(folder, "unit.o"));
        await File.WriteAllTextAsync(unit, source, TestContext.Current.CancellationToken);
        string[] flags = ["-O2", "-g", "-pg", "-mfentry", "-fno-pic", "-fcf-protection=none", "-ffunction-sections"];
        await PublishedClientTests.OutputAsync("gcc", [.. flags, "-c", "-o", made, unit]);
        return made;
    }
}
