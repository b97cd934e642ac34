namespace Elivepatch.Builder.Sources;

/// <summary>Tells by its first bytes how an archive is compressed, because what was sent has no name.</summary>
public static class ArchiveForm
{
    private const int TarMagic = 257;

    private static readonly (byte[] Magic, string Suffix)[] Forms =
    [
        ([0xfd, (byte)'7', (byte)'z', (byte)'X', (byte)'Z', 0], ".tar.xz"),
        ([0x28, 0xb5, 0x2f, 0xfd], ".tar.zst"),
        ([0x1f, 0x8b], ".tar.gz"),
        ([(byte)'B', (byte)'Z', (byte)'h'], ".tar.bz2"),
    ];

    /// <summary>The suffix that a file of this form has; null for something else.</summary>
    public static string? SuffixOf(string path)
    {
        var start = new byte[TarMagic + 5];
        using var file = File.OpenRead(path);
        var length = file.ReadAtLeast(start, start.Length, throwOnEndOfStream: false);
        var suffix = Array.Find(Forms, f => length >= f.Magic.Length && start.AsSpan().StartsWith(f.Magic)).Suffix;
        return suffix ?? (length == start.Length && start.AsSpan(TarMagic).SequenceEqual("ustar"u8) ? ".tar" : null);
    }
}
