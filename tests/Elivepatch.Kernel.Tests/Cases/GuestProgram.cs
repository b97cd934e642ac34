using System.Diagnostics;
using Elivepatch.Kernel.VirtualMachines;
using Xunit;

namespace Elivepatch.Kernel.Tests.Cases;

/// <summary>C programs for guests, which have no shared libraries.</summary>
public static class GuestProgram
{
    /// <summary>Compiles a source file; the program has its name without suffix.</summary>
    public static async Task<GuestFile> CompileAsync(string source)
    {
        var name = Path.GetFileNameWithoutExtension(source);
        var folder = Directory.CreateTempSubdirectory("guest-program-");
        try
        {
            var output = Path.Combine(folder.FullName, name);
            using var compiler = Process.Start(
                new ProcessStartInfo("gcc", ["-static", "-O2", "-o", output, source]) { RedirectStandardError = true }
            )!;
            var said = await compiler.StandardError.ReadToEndAsync();
            await compiler.WaitForExitAsync();
            Assert.True(compiler.ExitCode == 0, said);
            return new(name, await File.ReadAllBytesAsync(output), Executable: true);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }
}
