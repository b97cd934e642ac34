using System.Diagnostics;

namespace Elivepatch.Tests;

/// <summary>A folder for one test, and small objects compiled into it.</summary>
internal sealed class Scratch : IDisposable
{
    public string Folder { get; } = Directory.CreateTempSubdirectory("elivepatch-tests-").FullName;

    public string PathOf(string name) => Path.Combine(Folder, name);

    public string Write(string name, string text)
    {
        File.WriteAllText(PathOf(name), text);
        return PathOf(name);
    }

    /// <summary>Compiles C as the kernel's units are: a section each, an ftrace entry, no relaxations.</summary>
    public string Compile(string name, string source, params string[] flags)
    {
        var folder = Directory.CreateDirectory(PathOf(name)).FullName;
        File.WriteAllText(Path.Combine(folder, "unit.c"), source);
        var start = new ProcessStartInfo(
            "gcc",
            [
                "-c",
                "-O2",
                "-g",
                "-pg",
                "-mfentry",
                "-mno-red-zone",
                "-mcmodel=kernel",
                "-fno-pic",
                "-fno-asynchronous-unwind-tables",
                "-fcf-protection=none",
                "-ffunction-sections",
                "-fdata-sections",
                .. flags,
                "unit.c",
                "-o",
                "unit.o",
            ]
        )
        {
            WorkingDirectory = folder,
            RedirectStandardError = true,
        };
        using var gcc = Process.Start(start)!;
        var words = gcc.StandardError.ReadToEnd();
        gcc.WaitForExit();
        Assert.True(gcc.ExitCode == 0, words);
        return Path.Combine(folder, "unit.o");
    }

    public void Dispose() => Directory.Delete(Folder, recursive: true);
}
