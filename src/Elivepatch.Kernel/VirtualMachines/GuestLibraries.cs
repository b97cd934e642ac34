// In: a program of this machine. Out: the shared libraries that it needs, as files for a guest that has none.

using Elivepatch.Kernel.Architectures;
using Elivepatch.Kernel.Processes;
using Elivepatch.Model;

namespace Elivepatch.Kernel.VirtualMachines;

/// <summary>Shared libraries for guests.</summary>
public static class GuestLibraries
{
    /// <summary>The folder, among the job's files, that the libraries are put into.</summary>
    public const string Folder = "lib";

    // .NET opens it by name, so that no program says that it needs it.
    private static readonly string OpenSsl = $"/usr/lib/{KernelArchitectures.Host?.Target}/libssl.so.3";

    /// <summary>What a .NET program that brings its runtime along needs: what it is linked with, and OpenSSL.</summary>
    public static async Task<Outcome<IReadOnlyList<GuestFile>>> OfAsync(string program, CancellationToken cancellation)
    {
        var paths = new List<string> { OpenSsl };
        foreach (var linked in (string[])[program, OpenSsl])
        {
            var listed = await ProcessRunner.RunAsync(new ProcessRequest { File = "ldd", Arguments = [linked] }, cancellation);
            if (!listed.Succeeded)
            {
                return new Problem(ProcessProblems.ToolFailed, $"ldd {linked}: {listed.Describe()}");
            }

            paths.AddRange(listed.Output.Split((char[])[' ', '\t', '\n']).Where(w => w.StartsWith('/')));
        }

        var files = new List<GuestFile>();
        foreach (var path in paths.DistinctBy(p => Path.GetFileName(p)))
        {
            var content = await File.ReadAllBytesAsync(path, cancellation);
            files.Add(new($"{Folder}/{Path.GetFileName(path)}", content, Executable: true));
        }

        return files;
    }
}
