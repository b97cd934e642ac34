namespace Elivepatch.Kernel.Packages;

/// <summary>Order of package versions (Debian Policy, section 5.6.12).</summary>
public static class DebianVersion
{
    /// <summary>Less than 0 where the first is the older.</summary>
    public static int Compare(string one, string other)
    {
        var (epoch, upstream, revision) = Split(one);
        var (otherEpoch, otherUpstream, otherRevision) = Split(other);
        var order = CompareDigits(epoch, otherEpoch);
        if (order == 0)
        {
            order = ComparePart(upstream, otherUpstream);
        }

        return order != 0 ? order : ComparePart(revision, otherRevision);
    }

    private static (string Epoch, string Upstream, string Revision) Split(string version)
    {
        var colon = version.IndexOf(':', StringComparison.Ordinal);
        var epoch = colon < 0 ? "" : version[..colon];
        var rest = version[(colon + 1)..];
        var hyphen = rest.LastIndexOf('-');
        return hyphen < 0 ? (epoch, rest, "") : (epoch, rest[..hyphen], rest[(hyphen + 1)..]);
    }

    // Alternately a run of other characters and a run of digits; missing is less than anything but a tilde.
    private static int ComparePart(string one, string other)
    {
        var (i, j) = (0, 0);
        while (i < one.Length || j < other.Length)
        {
            while ((i < one.Length && !char.IsAsciiDigit(one[i])) || (j < other.Length && !char.IsAsciiDigit(other[j])))
            {
                var order = Weight(one, i) - Weight(other, j);
                if (order != 0)
                {
                    return order;
                }

                i++;
                j++;
            }
            var (start, otherStart) = (i, j);
            while (i < one.Length && char.IsAsciiDigit(one[i]))
            {
                i++;
            }

            while (j < other.Length && char.IsAsciiDigit(other[j]))
            {
                j++;
            }

            if (CompareDigits(one[start..i], other[otherStart..j]) is var digits and not 0)
            {
                return digits;
            }
        }
        return 0;
    }

    private static int CompareDigits(string one, string other)
    {
        one = one.TrimStart('0');
        other = other.TrimStart('0');
        return one.Length != other.Length ? one.Length - other.Length : string.CompareOrdinal(one, other);
    }

    private static int Weight(string text, int at)
    {
        if (at >= text.Length || char.IsAsciiDigit(text[at]))
        {
            return 0;
        }

        if (text[at] == '~')
        {
            return -1;
        }

        return char.IsAsciiLetter(text[at]) ? text[at] : text[at] + 256;
    }
}
