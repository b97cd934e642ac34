using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net.Http.Headers;
using System.Text.RegularExpressions;

namespace Elivepatch.Server.Tests;

/// <summary>The service as a process of its own.</summary>
internal sealed class ServerProcess : IDisposable
{
    private readonly Process process;
    private bool isDisposed;

    // Somebody has to read it: a full pipe would hold the server up.
    private readonly ConcurrentQueue<string> log = new();

    private ServerProcess(Process process)
    {
        this.process = process;
        process.ErrorDataReceived += (_, line) => log.Enqueue(line.Data ?? "");
        process.BeginErrorReadLine();
    }

    public string Greeting { get; private set; } = "";

    /// <summary>The administrator's token, where this start made it.</summary>
    public string? Secret { get; private set; }

    /// <summary>What it has logged so far.</summary>
    public string Log => string.Join('\n', log);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <summary>Starts it, and waits until it has said where it is.</summary>
    /// <param name="prefix">What it is started by; nothing where it is started itself.</param>
    /// <param name="state">The folder of its state.</param>
    /// <param name="secret">A token that an earlier start made; null for a first start.</param>
    /// <param name="options">Further flags.</param>
    public static async Task<ServerProcess> StartAsync(
        string[] prefix,
        string state,
        string? secret = null,
        params string[] options
    )
    {
        string[] words =
        [
            .. prefix,
            .. DaemonProgram.Words(),
            "--state-folder",
            state,
            "--listen",
            "http://127.0.0.1:0",
            .. options,
        ];
        var server = new ServerProcess(DaemonProgram.Start(words));
        try
        {
            await server.ReadGreetingAsync(secret is null).WaitAsync(TimeSpan.FromSeconds(60), Cancellation);
            return server;
        }
        catch
        {
            server.Dispose();
            throw;
        }
    }

    /// <summary>The first address of a scheme that it listens on.</summary>
    public Uri AddressOf(string scheme) => new(Regex.Match(Greeting, $@"address +({scheme}://\S+)").Groups[1].Value);

    public HttpClient Client(string? secret = null)
    {
        var client = new HttpClient { BaseAddress = AddressOf("http") };
        client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", secret ?? Secret);
        return client;
    }

    public void Kill()
    {
        process.Kill(entireProcessTree: true);
        process.WaitForExit();
    }

    /// <summary>
    /// Kills the server and nothing else, and gives what it had started and had not ended. Where a program is named, waits until
    /// that is among them.
    /// </summary>
    public async Task<IReadOnlyList<StartedProcess>> KillAloneAsync(string? program = null)
    {
        var children = StartedProcess.Below(process.Id);
        for (var i = 0; program is not null && children.All(c => c.Name != program); i++)
        {
            Assert.True(i < 2400, $"{program} does not start");
            await Task.Delay(50, Cancellation);
            children = StartedProcess.Below(process.Id);
        }

        process.Kill();
        await process.WaitForExitAsync(Cancellation);
        return children;
    }

    public async Task<int> EndAsync()
    {
        // Not what it was started by, which passes its status on.
        var id = StartedProcess.Below(process.Id).Select(p => p.Id).Append(process.Id).First();
        await DaemonProgram.SignalAsync("TERM", id);
        await process.WaitForExitAsync(Cancellation).WaitAsync(TimeSpan.FromSeconds(30), Cancellation);
        return process.ExitCode;
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
            Kill();
        }

        process.Dispose();
    }

    // The address comes first, the key last; the token follows where it was made.
    private async Task ReadGreetingAsync(bool mayMakeToken)
    {
        while (!Greeting.Contains("public key", StringComparison.Ordinal))
        {
            Greeting += await ReadLineAsync();
        }

        if (!mayMakeToken)
        {
            return;
        }

        var more = process.StandardOutput.ReadLineAsync(Cancellation).AsTask();
        if (
            await Task.WhenAny(more, Task.Delay(1500, Cancellation)) == more
            && await more is { } line
            && line.Contains("token", StringComparison.Ordinal)
        )
        {
            Secret = (await ReadLineAsync()).Trim();
        }
    }

    private async Task<string> ReadLineAsync() =>
        await process.StandardOutput.ReadLineAsync(Cancellation) is { } line
            ? line + "\n"
            : throw new InvalidOperationException("it ended: " + string.Join('\n', log));
}
