using System.Diagnostics;

namespace Elivepatch.Elf.Tests;

/// <summary>Compiles small C with the real compiler, and runs the tools that judge what we write.</summary>
internal static class Gcc
{
    /// <summary>The flags that the engine's own compilations add to the kernel's.</summary>
    public const string EngineFlags =
        "-gdwarf-4 -fno-var-tracking -fno-var-tracking-assignments -ffunction-sections -fdata-sections";

    /// <summary>Compiles a unit named unit.c and returns the bytes of the object.</summary>
    public static byte[] Compile(string source, string flags = "-O2") => Build(source, "unit.c", flags);

    /// <summary>Assembles a unit named unit.s and returns the bytes of the object.</summary>
    public static byte[] Assemble(string source, string flags = "") => Build(source, "unit.s", flags);

    public static ElfObject CompileAndRead(string source, string flags = "-O2") => ElfReader.Read(Compile(source, flags));

    /// <summary>What a tool prints for this file, standard output and errors together; the last argument is the file.</summary>
    public static string Inspect(byte[] file, string tool, params string[] arguments)
    {
        using var folder = new TemporaryFolder();
        var path = folder.Write("unit.o", file);
        return Run(folder.Path, tool, [.. arguments, path]).Output;
    }

    /// <summary>Links objects into one relocatable file.</summary>
    public static byte[] LinkRelocatable(params byte[][] objects)
    {
        using var folder = new TemporaryFolder();
        string[] names = [.. objects.Select((o, i) => folder.Write($"{i}.o", o))];
        Require(Run(folder.Path, "ld", ["-r", "-o", "linked.o", .. names]));
        return File.ReadAllBytes(System.IO.Path.Combine(folder.Path, "linked.o"));
    }

    /// <summary>Links one object into a program without a C library.</summary>
    public static byte[] LinkProgram(byte[] file, params string[] arguments)
    {
        using var folder = new TemporaryFolder();
        var name = folder.Write("unit.o", file);
        Require(Run(folder.Path, "ld", [.. arguments, "-o", "program", name]));
        return File.ReadAllBytes(System.IO.Path.Combine(folder.Path, "program"));
    }

    private static byte[] Build(string source, string name, string flags)
    {
        using var folder = new TemporaryFolder();
        folder.Write(name, System.Text.Encoding.UTF8.GetBytes(source));
        string[] arguments = ["-c", .. flags.Split(' ', StringSplitOptions.RemoveEmptyEntries), "-o", "unit.o", name];
        Require(Run(folder.Path, "gcc", arguments));
        return File.ReadAllBytes(System.IO.Path.Combine(folder.Path, "unit.o"));
    }

    private static void Require((int Status, string Output) result)
    {
        if (result.Status != 0)
        {
            throw new InvalidOperationException(result.Output);
        }
    }

    private static (int Status, string Output) Run(string folder, string program, string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            WorkingDirectory = folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            Environment = { ["LC_ALL"] = "C" },
        };
        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, output + errors.Result);
    }

    private sealed class TemporaryFolder : IDisposable
    {
        public string Path { get; } = Directory.CreateTempSubdirectory("elf-tests-").FullName;

        public string Write(string name, byte[] content)
        {
            var path = System.IO.Path.Combine(Path, name);
            File.WriteAllBytes(path, content);
            return path;
        }

        public void Dispose() => Directory.Delete(Path, recursive: true);
    }
}
