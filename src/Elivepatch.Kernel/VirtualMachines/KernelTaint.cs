namespace Elivepatch.Kernel.VirtualMachines;

/// <summary>The kernel's taint bits (Documentation/admin-guide/tainted-kernels.rst of the kernel source).</summary>
internal static class KernelTaint
{
    private const string Letters = "PFSRMBUDAWCIOELKXTNJ";
    private const string Expected = "KOE";

    /// <summary>The letters of the bits that were set in between and that a livepatch is not expected to set.</summary>
    public static string Unexpected(long before, long after)
    {
        var added = after & ~before;
        return string.Concat(
            Enumerable
                .Range(0, 63)
                .Where(bit => (added >> bit & 1) != 0)
                .Select(bit => bit < Letters.Length ? Letters[bit] : '?')
                .Where(letter => !Expected.Contains(letter, StringComparison.Ordinal))
        );
    }
}
