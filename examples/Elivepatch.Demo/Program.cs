// In: a kernel that has been imported, the published client, and where the server listens. Out: status 0 if, in a virtual machine
// that boots this stock kernel, the client had its livepatch built, verified it, made it live, and took it back.

using Elivepatch.Kernel.Import;
using Elivepatch.Kernel.Records;
using Elivepatch.Kernel.Storage;
using Elivepatch.Kernel.VirtualMachines;
using Elivepatch.Model;

if (args is not [var release, var client, var port, var key, var tokenFile, var script, .. { Length: > 0 } patches])
{
    Console.Error.WriteLine("usage: elivepatch-demo KERNEL CLIENT PORT KEY-ID TOKEN-FILE SCRIPT PATCH...");
    return 2;
}

using var interrupted = new CancellationTokenSource();
Console.CancelKeyPress += (_, e) =>
{
    e.Cancel = true;
    interrupted.Cancel();
};
var ran = await RunAsync(interrupted.Token);
foreach (var problem in ran.Problems)
{
    Console.Error.WriteLine(problem);
}

return ran.Succeeded ? 0 : 1;

async Task<Outcome<GuestResult>> RunAsync(CancellationToken cancellation)
{
    var opened = CacheRoot.Open(CacheRoot.DefaultPath(Environment.GetEnvironmentVariable));
    if (!opened.TryGet(out var cache))
    {
        return Outcome<GuestResult>.Failure(opened.Problems);
    }

    var record = new KernelStore(cache).Open(release);
    if (!record.Succeeded)
    {
        return Outcome<GuestResult>.Failure(record.Problems);
    }

    var opening = await PackagedModules.OpenAsync(cache, release, record.Value.Facts.Origin, cancellation);
    if (!opening.TryGet(out var modules))
    {
        return Outcome<GuestResult>.Failure(opening.Problems);
    }

    var network = await GuestNetwork.FromModulesAsync(modules, cancellation);
    var driver = await modules.ReadAsync("dummy", cancellation);
    var libraries = await GuestLibraries.OfAsync(client, cancellation);
    if (!network.Succeeded || !driver.Succeeded || !libraries.Succeeded)
    {
        return Outcome<GuestResult>.Failure([.. network.Problems, .. driver.Problems, .. libraries.Problems]);
    }

    var settings = $"server=http://{GuestNetwork.Host}:{port}\nkey={key}\n";
    var result = await VirtualMachine.RunAsync(
        new()
        {
            Architecture = record.Value.Facts.Architecture,
            Kernel = record.Value.BootImagePath ?? throw new InvalidOperationException("a packaged kernel has its boot image"),
            Script = await ScriptAsync(),
            Files =
            [
                GuestFile.Text("settings", settings),
                new("elivepatch", await File.ReadAllBytesAsync(client, cancellation), Executable: true),
                new("token", await File.ReadAllBytesAsync(tokenFile, cancellation)),
                new("config", await File.ReadAllBytesAsync(record.Value.ConfigPath, cancellation)),
                new("dummy.ko", driver.Value),
                .. patches.Select(p => new GuestFile(Path.GetFileName(p), File.ReadAllBytes(p))),
                new("check.sh", await File.ReadAllBytesAsync(script, cancellation)),
                .. libraries.Value,
            ],
            Network = network.Value,
            Memory = 2048,
            Timeout = TimeSpan.FromMinutes(15),
            SilenceLimit = TimeSpan.FromMinutes(10),
            OnEvent = Show,
        },
        cancellation
    );
    return result.Then(r => r.RequireSuccess());
}

static void Show(GuestEvent happened)
{
    // Of every stage its end is enough.
    if (happened.IsOutput && !happened.Text.EndsWith(": begins", StringComparison.Ordinal))
    {
        Console.WriteLine($"   | {happened.Text}");
    }
    else if (happened.Name == "ready")
    {
        Console.WriteLine($"   the machine runs {happened.Word(1)}");
    }
}

static async Task<string> ScriptAsync()
{
    using var reader = new StreamReader(typeof(Program).Assembly.GetManifestResourceStream("machine.sh")!);
    return await reader.ReadToEndAsync();
}
