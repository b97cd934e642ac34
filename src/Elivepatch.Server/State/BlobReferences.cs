namespace Elivepatch.Server.State;

/// <summary>Where the database refers to contents of the blob store: this is the one list.</summary>
internal static class BlobReferences
{
    private static readonly (string Table, string[] Columns)[] places =
    [
        ("kernels", ["capture"]),
        ("kernel_parts", ["blob"]),
        ("build_modules", ["blob"]),
        ("builds", ["submission", "source", "boot_image", "artifact", "explanation", "console", "statement"]),
    ];

    /// <summary>SQL: true where nothing refers to the content that an expression names.</summary>
    public static string NoneTo(string digest) =>
        string.Join(
            " AND ",
            places.Select(p =>
                $"NOT EXISTS (SELECT 1 FROM {p.Table} WHERE {string.Join(" OR ", p.Columns.Select(c => $"{c} = {digest}"))})"
            )
        );

    /// <summary>SQL: all digests that something refers to, each once.</summary>
    public static string All { get; } =
        string.Join(" UNION ", places.SelectMany(p => p.Columns.Select(c => $"SELECT {c} FROM {p.Table} WHERE {c} IS NOT NULL")));
}
