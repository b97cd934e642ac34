using System.Collections.Concurrent;
using System.Diagnostics;

namespace Elivepatch.Server.Tests.Work;

/// <summary>A worker as a process of its own.</summary>
internal sealed class WorkerProcess : IDisposable
{
    private readonly Process process;
    private bool isDisposed;

    // Somebody has to read it: a full pipe would hold the worker up.
    private readonly ConcurrentQueue<string> log = new();

    private WorkerProcess(string name, Process process)
    {
        (Name, this.process) = (name, process);
        process.ErrorDataReceived += (_, line) => log.Enqueue(line.Data ?? "");
        process.BeginErrorReadLine();
    }

    public string Name { get; }

    /// <summary>What it has written to stderr.</summary>
    public string Log => string.Join('\n', log);

    /// <summary>It, and what it has started.</summary>
    public IReadOnlyList<StartedProcess> Processes => [.. StartedProcess.Below(process.Id), StartedProcess.Of(process.Id)];

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <summary>Starts it; it is not waited for.</summary>
    public static WorkerProcess Start(
        string name,
        IEnumerable<Uri> servers,
        string broker,
        string token,
        string cache,
        string? programs = null,
        string? trusted = null
    )
    {
        string[] words =
        [
            .. DaemonProgram.Words(programs),
            "worker",
            "--name",
            name,
            "--builders",
            "1",
            "--cache-folder",
            cache,
            .. servers.SelectMany(s => (string[])["--server", s.ToString()]),
        ];
        (string, string)[] trust = trusted is null ? [] : [("SSL_CERT_FILE", trusted)];
        return new(name, DaemonProgram.Start(words, [("ELIVEPATCHD_BROKER", broker), ("ELIVEPATCHD_TOKEN", token), .. trust]));
    }

    /// <summary>Waits until a server knows it.</summary>
    public async Task<WorkerProcess> GreetedAsync()
    {
        while (
            await process.StandardOutput.ReadLineAsync(Cancellation).AsTask().WaitAsync(TimeSpan.FromSeconds(60), Cancellation)
                is { } line
        )
        {
            if (line.Contains("builds for", StringComparison.Ordinal))
            {
                return this;
            }
        }

        throw new InvalidOperationException("it ended: " + Log);
    }

    /// <summary>SIGKILL, to it and nothing else.</summary>
    public void Kill()
    {
        process.Kill();
        process.WaitForExit();
    }

    /// <summary>Waits until it ends by itself, and gives its status.</summary>
    public async Task<int> StatusAsync()
    {
        await process.WaitForExitAsync(Cancellation).WaitAsync(TimeSpan.FromSeconds(60), Cancellation);
        return process.ExitCode;
    }

    /// <summary>SIGTERM, and its status.</summary>
    public async Task<int> EndAsync()
    {
        await DaemonProgram.SignalAsync("TERM", process.Id);
        return await StatusAsync();
    }

    public void Dispose()
    {
        if (isDisposed)
        {
            return;
        }

        isDisposed = true;
        if (!process.HasExited)
        {
            process.Kill(entireProcessTree: true);
            process.WaitForExit();
        }

        process.Dispose();
    }
}
