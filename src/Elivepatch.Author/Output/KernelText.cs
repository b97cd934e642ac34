using System.Globalization;
using Elivepatch.Terminal;

namespace Elivepatch.Author.Output;

/// <summary>Kernel records as people read them.</summary>
internal static class KernelText
{
    private const int ShortBuildId = 12;

    /// <summary>Writes a line for each kernel.</summary>
    public static void WriteList(TextWriter output, IReadOnlyList<KernelReport> kernels)
    {
        if (kernels.Count == 0)
        {
            output.WriteLine("no kernel has been imported; `elivepatch kernel import --help` says how");
            return;
        }
        string[] titles = ["KERNEL", "BUILD-ID", "PROOF", "ORIGIN", "IMPORTED"];
        Columns.Write(output, [titles, .. kernels.Select(Row)], indent: 0);
    }

    /// <summary>Writes all that is known of one kernel.</summary>
    public static void Write(TextWriter output, KernelReport kernel)
    {
        var rows = new List<string[]>
        {
            new[] { "kernel", kernel.Name },
            new[] { "release", kernel.Release },
            new[] { "build-id", kernel.BuildId },
            new[] { "compiler", kernel.Compiler },
            new[] { "build", kernel.Version },
            new[] { "origin", kernel.Origin },
            new[] { "imported", Time(kernel.ImportedAt) },
            new[] { "source", $"SHA-256 {kernel.Source}" },
            new[]
            {
                "proof",
                kernel.Proof == "bytes" ? "bytes: the code of the boot image" : "layout: names and addresses of symbols",
            },
            new[] { "trial", kernel.HasBootImage ? "possible: there is a boot image" : "not possible without a boot image" },
            new[] { "folder", kernel.Folder },
        };
        rows.AddRange(Listed("package", kernel.Packages));
        rows.AddRange(Listed("base patch", kernel.BasePatches));
        rows.AddRange(Listed("livepatch", kernel.Livepatches));
        if (kernel.Modules.Count > 0)
        {
            rows.Add([
                "modules",
                string.Create(CultureInfo.InvariantCulture, $"{kernel.Modules.Count} loaded when it was captured"),
            ]);
        }

        Columns.Write(output, rows, indent: 0);
    }

    private static string[] Row(KernelReport kernel) =>
        [
            kernel.Name,
            kernel.BuildId[..Math.Min(ShortBuildId, kernel.BuildId.Length)],
            kernel.Proof,
            kernel.Origin,
            Time(kernel.ImportedAt),
        ];

    private static IEnumerable<string[]> Listed(string title, IEnumerable<string> values) =>
        values.Select(v => new[] { title, v });

    private static string Time(DateTimeOffset time) =>
        time.UtcDateTime.ToString("yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture);
}
