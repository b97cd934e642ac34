// In: a root file system. Out: the tools that it has. It may come from anybody: its programs are run in a sandbox, and its links
// are followed nowhere else.

using Elivepatch.Kernel.Processes;
using Elivepatch.Model;

namespace Elivepatch.Kernel.Toolchains;

/// <summary>Looks what a toolchain root has.</summary>
internal static class RootProbe
{
    private const int MostCompilers = 64;
    private const int LongestLine = 300;

    // Every line is a word, a path and the first line of what that program prints of itself.
    private const string Script = """
        say() { [ -x "$2" ] && printf '%s\t%s\t%s\n' "$1" "$2" "$("$2" --version 2>/dev/null </dev/null | head -n 1)"; }
        for folder in /usr/local/bin /usr/bin; do
            for file in $folder/gcc $folder/gcc-[0-9]* $folder/*-gcc $folder/*-gcc-[0-9]*; do say compiler "$file"; done
            say assembler $folder/as
            say linker $folder/ld
            say rustc $folder/rustc
            say bindgen $folder/bindgen
        done
        for tool in make flex bison bc perl patch awk xz; do
            command -v $tool >/dev/null || printf 'missing\t%s\t\n' $tool
        done
        exit 0
        """;

    /// <summary>Looks.</summary>
    /// <param name="userland">The root.</param>
    /// <param name="name">Where it is from.</param>
    /// <param name="size">Bytes of its files.</param>
    /// <param name="packages">The packages that it was made of.</param>
    /// <param name="cancellation">Ends it.</param>
    public static async Task<Outcome<ToolchainFacts>> RunAsync(
        Userland userland,
        string name,
        long size,
        IReadOnlyList<string> packages,
        CancellationToken cancellation
    )
    {
        var outcome = await Sandbox.RunAsync(
            new SandboxRequest
            {
                File = "sh",
                Arguments = ["-c", Script],
                Userland = userland,
                Timeout = TimeSpan.FromMinutes(2),
                OutputLimit = 256 << 10,
            },
            cancellation
        );
        if (!outcome.TryGet(out var result))
        {
            return Outcome<ToolchainFacts>.Failure(outcome.Problems);
        }

        if (!result.Succeeded)
        {
            return new Problem(ToolchainProblems.RootUnusable, $"{name}: no shell runs in it: {result.Describe()}");
        }

        var lines = result
            .Output.Split('\n')
            .Select(l => l.Split('\t', 3))
            .Where(w => w.Length == 3 && w.All(t => t.Length <= LongestLine && !t.Any(char.IsControl)))
            .ToLookup(w => w[0], w => (Path: w[1], Line: w[2]));
        var compilers = lines["compiler"]
            .Where(c => CompilerText.CrossPrefixOf(Path.GetFileName(c.Path)) is not null)
            .Select(c => new RootCompiler(c.Path, CompilerText.ReadVersion(c.Line)))
            .Where(c => c.Version.Length > 0)
            .DistinctBy(c => c.Path)
            .Take(MostCompilers)
            .ToList();
        if (compilers.Count == 0)
        {
            return new Problem(ToolchainProblems.RootUnusable, $"{name}: it has no GCC in /usr/bin or /usr/local/bin");
        }

        if (lines["missing"].Select(m => m.Path).ToList() is { Count: > 0 } missing)
        {
            return new Problem(ToolchainProblems.RootUnusable, $"{name}: it has no {string.Join(", ", missing)}");
        }

        return new ToolchainFacts(
            ToolchainFacts.CurrentFormat,
            name,
            DateTimeOffset.UtcNow,
            size,
            packages,
            compilers,
            BinutilsVersion.Read(First("assembler")),
            BinutilsVersion.Read(First("linker")),
            First("rustc"),
            First("bindgen")
        );

        string First(string tool) => lines[tool].FirstOrDefault().Line ?? "";
    }
}
