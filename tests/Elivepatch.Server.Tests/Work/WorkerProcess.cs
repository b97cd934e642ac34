using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;

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

    /// <summary>Where the program lies that the tests start: their own folder has it without its native parts.</summary>
    public static string ProgramFolder
    {
        get
        {
            var configuration = Path.GetFileName(Path.GetDirectoryName(AppContext.BaseDirectory.TrimEnd('/')))!;
            return Path.Combine(Repository.Root, "src", "Elivepatch.Server", "bin", configuration, "net10.0", "linux-x64");
        }
    }

    /// <summary>Starts it; it is not waited for.</summary>
    public static WorkerProcess Start(
        string name, IEnumerable<Uri> servers, string broker, string token, string cache, string? programs = null, string? trusted = null)
    {
        string[] words =
        [
            Path.Combine(programs ?? ProgramFolder, "elivepatchd.dll"), "worker", "--name", name, "--builders", "1", "--cache-folder", cache,
            .. servers.SelectMany(s => (string[])["--server", s.ToString()]),
        ];
        var start = new ProcessStartInfo("dotnet", words) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var variable in start.Environment.Keys.Where(k => k.StartsWith("ELIVEPATCHD_", StringComparison.Ordinal)).ToList())
            start.Environment.Remove(variable);
        start.Environment["ELIVEPATCHD_BROKER"] = broker;
        start.Environment["ELIVEPATCHD_TOKEN"] = token;
        if (trusted is not null)
            start.Environment["SSL_CERT_FILE"] = trusted;
        return new(name, Process.Start(start)!);
    }

    /// <summary>Waits until a server knows it.</summary>
    public async Task<WorkerProcess> GreetedAsync()
    {
        while (await process.StandardOutput.ReadLineAsync(Cancellation).AsTask().WaitAsync(TimeSpan.FromSeconds(60), Cancellation) is { } line)
        {
            if (line.Contains("builds for", StringComparison.Ordinal))
                return this;
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
        using (var kill = Process.Start("kill", ["-TERM", process.Id.ToString(CultureInfo.InvariantCulture)]))
            await kill.WaitForExitAsync(Cancellation);
        return await StatusAsync();
    }

    public void Dispose()
    {
        if (isDisposed)
            return;
        isDisposed = true;
        if (!process.HasExited)
        {
            process.Kill(entireProcessTree: true);
            process.WaitForExit();
        }

        process.Dispose();
    }
}
