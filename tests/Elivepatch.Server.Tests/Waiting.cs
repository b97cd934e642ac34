namespace Elivepatch.Server.Tests;

/// <summary>Waits for what happens elsewhere.</summary>
internal static class Waiting
{
    /// <summary>Waits until something is so, for half a minute at most.</summary>
    public static async Task UntilAsync(Func<Task<bool>> isSo)
    {
        for (var i = 0; i < 600; i++)
        {
            if (await isSo())
            {
                return;
            }

            await Task.Delay(50, TestContext.Current.CancellationToken);
        }

        throw new TimeoutException();
    }

    /// <summary>Waits until something is so, for half a minute at most.</summary>
    public static Task UntilAsync(Func<bool> isSo) => UntilAsync(() => Task.FromResult(isSo()));
}
