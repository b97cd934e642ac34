using Elivepatch.Kernel.Architectures;
using Elivepatch.Kernel.Compile;
using Elivepatch.Kernel.Processes;
using Elivepatch.Kernel.Trees;
using Elivepatch.Protocol.Captures;
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
        var command = Assert.Single(KbuildOutput.Read(text, new HashSet<string> { "main.c", "other.c" }, Module)).Value;
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
        Assert.Empty(KbuildOutput.Read(text, new HashSet<string> { "test.c", "main.c" }, Module));
    }

    // make O=: kbuild names its products from where it runs, and files of the source by their whole paths, or as it finds them
    // here.
    [Theory]
    [InlineData("fs/proc/meminfo.c")]
    [InlineData("/src/linux/fs/proc/meminfo.c")]
    public void A_kernel_that_was_built_beside_its_source_has_its_files_at_their_whole_paths(string source)
    {
        using var folder = new TemporaryCache();
        Directory.CreateDirectory(Path.Combine(folder.FullPath, "fs/proc"));
        File.WriteAllText(Path.Combine(folder.FullPath, "fs/proc/meminfo.c"), "");
        var tree = KernelAt(folder.FullPath) with { CompiledPath = "/src/linux" };
        var text = $"""
            elivepatch-folder|/kernel|fs/proc|1|1|fs/proc/meminfo.o|
            gcc -I/src/linux/include -c -o fs/proc/meminfo.o {source}
            """;
        var command = Assert.Single(KbuildOutput.Read(text, new HashSet<string> { "fs/proc/meminfo.c" }, tree)).Value;
        Assert.Equal(("fs/proc/meminfo.c", "fs/proc/meminfo.o"), (command.Unit, command.ObjectPath));
        Assert.Equal(("/src/linux/fs/proc/meminfo.c", "/kernel"), (command.SourceName, command.WorkingDirectory));
    }

    private static ModuleTree Module => new(default, "/nonexistent", KernelAt("/nonexistent"), Root, [], "pulse");

    private static PreparedTree KernelAt(string folder) =>
        new(
            KernelArchitectures.X8664,
            default,
            folder,
            "/nonexistent",
            KernelConfig.Parse(""),
            "6.12.1",
            new("gcc-12", "/usr/bin/gcc-12", "", Userland.Host, null)
        );
}
