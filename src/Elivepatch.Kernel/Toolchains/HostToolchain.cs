// In: the first line that the kernel's compiler printed of itself. Out: that very compiler on this machine. Another version,
// even a packaging revision apart, may inline another function, so the text has to be the same.

using System.Text.RegularExpressions;
using Elivepatch.Kernel.Architectures;
using Elivepatch.Kernel.Processes;

namespace Elivepatch.Kernel.Toolchains;

/// <summary>The compilers that this machine has installed.</summary>
public static partial class HostToolchain
{
    // Only what a sandbox sees as well.
    private static readonly string[] folders = ["/usr/local/bin", "/usr/bin"];

    /// <summary>Finds the compiler whose text this is; null where it is not here, and then says what is.</summary>
    /// <param name="architecture">The processor that it compiles for.</param>
    /// <param name="text">The text.</param>
    /// <param name="seen">Told of each that was looked at.</param>
    /// <param name="cancellation">Ends it.</param>
    public static async Task<Toolchain?> FindAsync(
        KernelArchitecture architecture,
        string text,
        Action<string> seen,
        CancellationToken cancellation
    )
    {
        if (text.Split(' ', 2) is not [var name, var version] || CompilerText.CrossPrefixOf(name) is not { } prefix)
        {
            return null;
        }

        foreach (var path in Candidates(architecture, name, version))
        {
            var found = await VersionAsync(path, cancellation);
            if (found == version)
            {
                return new Toolchain(name, path, prefix, Userland.Host, null);
            }

            seen($"{path} is \"{found}\"");
        }

        return null;
    }

    /// <summary>The texts of all compilers that <see cref="FindAsync"/> could find, by whatever name.</summary>
    public static async Task<IReadOnlyList<string>> ListAsync(CancellationToken cancellation)
    {
        var texts = new List<string>();
        foreach (var folder in folders.Where(Directory.Exists))
        {
            foreach (var name in Directory.EnumerateFiles(folder).Select(f => Path.GetFileName(f)).Where(IsOwn))
            {
                if (
                    Executables.Find(name, folder) is { } path
                    && await VersionAsync(path, cancellation) is { Length: > 0 } version
                )
                {
                    texts.Add($"{name} {version}");
                }
            }
        }
        return texts;
    }

    /// <summary>Whether assembler and linker of this machine are of the versions that a kernel was built with.</summary>
    public static async Task<bool> HasBinutilsAsync(RequiredTools tools, CancellationToken cancellation) =>
        BinutilsVersion.Read(await OutputAsync("/usr/bin/as", cancellation)) == tools.Assembler
        && BinutilsVersion.Read(await OutputAsync("/usr/bin/ld", cancellation)) == tools.Linker;

    private static IEnumerable<string> Candidates(KernelArchitecture architecture, string name, string version)
    {
        List<string> names = [name, "gcc", $"{architecture.Target}-gcc"];
        if (CompilerText.MajorOf(version) is { } major)
        {
            names.InsertRange(1, [$"gcc-{major}", $"{architecture.Target}-gcc-{major}"]);
        }

        return names.Select(n => Executables.Find(n, string.Join(':', folders))).OfType<string>().Distinct();
    }

    // Another target's compiler of the same version is another compiler.
    private static bool IsOwn(string name)
    {
        var target =
            KernelArchitectures.All.Select(a => a.Target + "-").FirstOrDefault(t => name.StartsWith(t, StringComparison.Ordinal))
            ?? "";
        return OwnPattern().IsMatch(name[target.Length..]);
    }

    private static async Task<string> VersionAsync(string path, CancellationToken cancellation) =>
        CompilerText.ReadVersion(await OutputAsync(path, cancellation));

    private static async Task<string> OutputAsync(string path, CancellationToken cancellation)
    {
        var request = new ProcessRequest
        {
            File = path,
            Arguments = ["--version"],
            Timeout = TimeSpan.FromSeconds(20),
        };
        var result = await ProcessRunner.RunAsync(request, cancellation);
        return result.Output;
    }

    [GeneratedRegex(@"\Agcc(?:-[0-9]+)?\z")]
    private static partial Regex OwnPattern();
}
