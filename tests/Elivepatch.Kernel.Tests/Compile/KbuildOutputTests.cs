using Elivepatch.Kernel.Compile;
using Xunit;

namespace Elivepatch.Kernel.Tests.Compile;

/// <summary>How kbuild names what it compiles for a module outside of its tree, and when a file is part of the module.</summary>
public sealed class KbuildOutputTests
{
    private const string Root = "/var/lib/dkms/pulse/1.0/build";

    [Theory]
    [InlineData("/kernel", Root + "/main.c", Root + "/main.o", Root)] // until 6.12
    [InlineData(Root, "main.c", "main.o", ".")] // from 6.13 on
    public void A_unit_has_its_path_in_the_source_wherever_kbuild_runs(
        string directory,
        string source,
        string made,
        string folder
    )
    {
        var text = $"""
            elivepatch-folder|{directory}|{folder}|1|1||{made} {Path.GetDirectoryName(made)}/sub/part.o
            gcc -DMODULE -DKBUILD_MODNAME='"pulse"' -c -o {made} {source} ; other
            """;
        var command = Assert.Single(KbuildOutput.Read(text, new HashSet<string> { "main.c", "other.c" }, Root, PathOf)).Value;
        Assert.Equal(("main.c", "main.o", "pulse"), (command.Unit, command.ObjectPath, command.ModuleName));
        Assert.Equal((source, directory), (command.SourceName, command.WorkingDirectory));
    }

    [Fact]
    public void A_file_that_no_list_names_is_not_built_although_kbuild_would_compile_it()
    {
        var text = $"""
            elivepatch-folder|/kernel|{Root}|1|1||{Root}/main.o
            gcc -DMODULE -c -o {Root}/test.o {Root}/test.c
            gcc -DMODULE -c -o /etc/main.o /etc/main.c
            """;
        Assert.Empty(KbuildOutput.Read(text, new HashSet<string> { "test.c", "main.c" }, Root, PathOf));
    }

    private static string? PathOf(string path) =>
        path.StartsWith(Root, StringComparison.Ordinal) ? path[Root.Length..].TrimStart('/') : null;
}
