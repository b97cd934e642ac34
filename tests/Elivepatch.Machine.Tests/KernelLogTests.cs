namespace Elivepatch.Machine.Tests;

/// <summary>What the kernel has logged since.</summary>
public sealed class KernelLogTests
{
    [Theory]
    [InlineData("", "a", "a")]
    [InlineData("a b", "a b", "")]
    [InlineData("a b", "a b c d", "c d")]
    // Without time stamps the same is said again in the same words.
    [InlineData("a x", "a x x", "x")]
    [InlineData("x x", "x x x x", "x x")]
    // The log is a ring: its first lines go.
    [InlineData("a b c", "b c d", "d")]
    [InlineData("a b c", "e f", "e f")]
    public void Only_lines_that_were_not_there_before_are_new(string before, string after, string added)
    {
        var log = before;
        var calls = new KernelCalls(_ => 0, _ => 0, () => string.Concat(log.Split(' ').Select(w => $"<6>{w}\n")));
        var earlier = before.Length == 0 ? [] : calls.GetLog();
        log = after;
        Assert.Equal(added.Split(' ', StringSplitOptions.RemoveEmptyEntries), calls.GetLogSince(earlier));
    }
}
