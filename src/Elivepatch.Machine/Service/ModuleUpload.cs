// In: names of modules whose files a server lacks. Out: it has them, and those that they depend on, from where modprobe would
// take them on this machine.

using System.Security.Cryptography;
using Elivepatch.Model;
using Elivepatch.Model.Progress;
using Elivepatch.Protocol;
using Elivepatch.Protocol.Api;

namespace Elivepatch.Machine.Service;

/// <summary>Sends the files of modules.</summary>
/// <param name="client">The server.</param>
/// <param name="machine">The machine that has them.</param>
/// <param name="progress">Told of every file.</param>
/// <param name="kernel">The kernel's ID on the server.</param>
internal sealed class ModuleUpload(ServerClient client, MachineAccess machine, IProgress<StageEvent> progress, string kernel)
{
    private const string Stage = "send modules";

    // More than any module depends on; a server that asks on and on gets no more.
    private const int Most = 100;

    private readonly SortedDictionary<string, ModuleFile> sent = new(StringComparer.Ordinal);

    /// <summary>What was sent, in order of name.</summary>
    public IReadOnlyList<ModuleFile> Sent => [.. sent.Values];

    /// <summary>Sends modules that were not sent before, with those that they depend on.</summary>
    /// <returns>False where there was nothing more to send.</returns>
    public async Task<Outcome<bool>> SendAsync(IReadOnlyList<string> names, CancellationToken cancellation)
    {
        var installed = InstalledModules.Read(machine.Files, machine.Release);
        var running = new LoadedLivepatches(machine.Files);
        var before = sent.Count;
        foreach (var name in names.SelectMany(n => installed.Closure(n)).Distinct(StringComparer.Ordinal))
        {
            if (sent.ContainsKey(name))
            {
                continue;
            }

            if (installed.PathOf(name) is not { } path || sent.Count >= Most)
            {
                return Failed(
                    new(
                        ServiceProblems.KernelIncomplete,
                        $"the server lacks the file of the module {name}, and {installed.Index} lists none",
                        "Install the module's file where it was when the kernel was installed, and run depmod."
                    )
                );
            }

            if (running.BuildIdOf(name) is { } loaded && installed.BuildIdOf(name) is { } file && loaded != file)
            {
                return Failed(
                    new(
                        MachineProblems.OtherModuleLoaded,
                        $"{name}: build-id {loaded} is loaded, and {path} has {file}",
                        "Load the module that is installed (unload it, or restart the machine), and run the same command again."
                    )
                );
            }

            progress.Report(new(Stage, path, StageState.Running));
            var digest = Digest(path);
            if (!digest.TryGet(out var sha256))
            {
                return Failed(digest.Problems[0]);
            }

            if (await client.SendPartAsync(kernel, KernelParts.OfModule(name), path, cancellation) is { } refused)
            {
                return Failed(refused);
            }

            sent.Add(name, new(name, sha256));
        }

        progress.Report(new(Stage, "", StageState.Done));
        return sent.Count > before;
    }

    /// <summary>Sends again what was sent: another machine of the same token may have put its own files in their place.</summary>
    public async Task<Problem?> SendAgainAsync(CancellationToken cancellation)
    {
        string[] names = [.. sent.Keys];
        sent.Clear();
        return (await SendAsync(names, cancellation)).Problems.FirstOrDefault();
    }

    private Outcome<bool> Failed(Problem problem)
    {
        progress.Report(new(Stage, "", StageState.Failed));
        return problem;
    }

    private static Outcome<string> Digest(string path)
    {
        try
        {
            using var file = File.OpenRead(path);
            return Convert.ToHexStringLower(SHA256.HashData(file));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return new Problem(CommandProblems.InputUnusable, e.Message);
        }
    }
}
