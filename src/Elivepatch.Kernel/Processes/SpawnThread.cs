using System.Collections.Concurrent;
using System.Diagnostics;

namespace Elivepatch.Kernel.Processes;

/// <summary>
/// The one thread that starts processes. The kernel's parent-death signal, which ends our processes when we die, fires at the
/// death of the <em>thread</em> that forked (prctl(2), PR_SET_PDEATHSIG); threads of the pool come and go, this one stays.
/// </summary>
internal static class SpawnThread
{
    private static readonly BlockingCollection<(ProcessStartInfo Info, TaskCompletionSource<Process> Started)> Queue = Open();

    /// <summary>Starts a process.</summary>
    public static Task<Process> StartAsync(ProcessStartInfo info)
    {
        var started = new TaskCompletionSource<Process>(TaskCreationOptions.RunContinuationsAsynchronously);
        Queue.Add((info, started));
        return started.Task;
    }

    private static BlockingCollection<(ProcessStartInfo Info, TaskCompletionSource<Process> Started)> Open()
    {
        var queue = new BlockingCollection<(ProcessStartInfo Info, TaskCompletionSource<Process> Started)>();
        new Thread(() => Serve(queue)) { IsBackground = true, Name = "spawn" }.Start();
        return queue;
    }

    private static void Serve(BlockingCollection<(ProcessStartInfo Info, TaskCompletionSource<Process> Started)> queue)
    {
        foreach (var (info, started) in queue.GetConsumingEnumerable())
        {
            try
            {
                started.SetResult(Process.Start(info) ?? throw new InvalidOperationException("no process was started"));
            }
            catch (Exception e) when (e is not OutOfMemoryException)
            {
                started.SetException(e);
            }
        }
    }
}
