using System.Globalization;
using Elivepatch.Terminal;

namespace Elivepatch.Author.Output;

/// <summary>Toolchain roots as people read them.</summary>
internal static class ToolchainText
{
    private const int ShortDigest = 12;

    /// <summary>Writes a line for each compiler of each root.</summary>
    public static void WriteList(TextWriter output, IReadOnlyList<ToolchainReport> roots)
    {
        if (roots.Count == 0)
        {
            output.WriteLine(
                "no toolchain root has been added: this machine's own compilers are used; `elivepatch toolchain --help` says more"
            );
            return;
        }

        string[] titles = ["NAME", "DIGEST", "COMPILER", "BINUTILS", "SIZE", "ADDED"];
        Columns.Write(output, [titles, .. roots.SelectMany(Rows)], indent: 0);
    }

    private static IEnumerable<string[]> Rows(ToolchainReport root) =>
        root
            .Compilers.DistinctBy(c => c[c.IndexOf(' ', StringComparison.Ordinal)..])
            .Select(
                (compiler, i) =>
                    i == 0
                        ?
                        [
                            root.Name,
                            root.Digest[..ShortDigest],
                            compiler,
                            Version(root.Linker),
                            string.Create(CultureInfo.InvariantCulture, $"{root.Size >> 20} MiB"),
                            root.MadeAt.UtcDateTime.ToString("yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture),
                        ]
                        : new[] { "", "", compiler, "", "", "" }
            );

    private static string Version(int number) =>
        number == 0 ? "none"
        : number % 100 == 0 ? string.Create(CultureInfo.InvariantCulture, $"{number / 10_000}.{number / 100 % 100}")
        : string.Create(CultureInfo.InvariantCulture, $"{number / 10_000}.{number / 100 % 100}.{number % 100}");
}
