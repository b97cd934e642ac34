namespace Elivepatch.Client.Tests;

/// <summary>Waits for what another thread does.</summary>
internal static class Eventually
{
    /// <summary>Waits until it is so; fails where that takes longer than anything here does.</summary>
    public static async Task IsTrueAsync(Func<bool> condition)
    {
        for (var left = 4000; !condition(); left--)
        {
            Assert.True(left > 0, "it did not happen");
            await Task.Delay(5, TestContext.Current.CancellationToken);
        }
    }
}
