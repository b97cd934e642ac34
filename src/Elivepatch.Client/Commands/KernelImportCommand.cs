using System.CommandLine;
using Elivepatch.Client.Output;
using Elivepatch.Engine;
using Elivepatch.Kernel.Import;
using Elivepatch.Kernel.Records;
using Elivepatch.Kernel.VirtualMachines;

namespace Elivepatch.Client.Commands;

/// <summary><c>elivepatch kernel import</c>.</summary>
internal static class KernelImportCommand
{
    private const string Debian = "debian:";

    /// <summary>The verb.</summary>
    public static Verb Create(Session session)
    {
        var kernel = new Argument<string>("debian:RELEASE")
        {
            Description = $"A stock Debian kernel by its release; debian:{DebianImport.NewestCloud} is the newest cloud kernel that has a source package.",
        };
        var json = CommonOptions.Json();
        var verb = new Verb(
            "import", "Makes a kernel known, so that livepatches can be built for it.",
            """
            A stock Debian kernel comes from its packages: image, headers and source are downloaded into the cache and nothing is
            installed. Its symbols are read by booting the image once in QEMU.

            The name of the kernel, for --kernel, is written to stdout. Importing a kernel again costs nothing.
            """,
            new Example("elivepatch kernel import debian:$(uname -r)", "Import the kernel that runs on this Debian machine."),
            new Example($"elivepatch kernel import debian:{DebianImport.NewestCloud}", "Import the newest stock cloud kernel."))
        {
            kernel, json,
        };
        verb.SetAction((parsed, cancellation) => RunAsync(session, parsed.GetRequiredValue(kernel), parsed.GetValue(json), cancellation));
        return verb;
    }

    private static async Task<int> RunAsync(Session session, string kernel, bool asJson, CancellationToken cancellation)
    {
        var imported = await ImportAsync(session, kernel, cancellation);
        if (!imported.Succeeded)
            return Answer.Fail(session, imported.Problems, asJson, cancellation);
        var report = KernelReport.Of(imported.Value);
        if (asJson)
            Answer.WriteJson(session, report, ClientJson.Default.KernelReport);
        else
            session.Output.WriteLine(report.Name);
        return ExitStatus.Done;
    }

    private static async Task<Outcome<KernelRecord>> ImportAsync(Session session, string kernel, CancellationToken cancellation)
    {
        if (!kernel.StartsWith(Debian, StringComparison.Ordinal))
            return new Problem(ProblemCodes.UsageInvalid, $"'{kernel}' does not say where the kernel comes from", $"write {Debian}{kernel} for a stock Debian kernel");
        var cache = KernelCommand.OpenCache(session);
        if (!cache.Succeeded)
            return Outcome<KernelRecord>.Failure(cache.Problems);
        return await Stages.ShowAsync(session, progress =>
            new DebianImport(cache.Value, KernelBoot.ReadFactsAsync, progress).RunAsync(kernel, cancellation));
    }
}
