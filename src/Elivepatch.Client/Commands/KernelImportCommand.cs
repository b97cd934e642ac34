using System.CommandLine;
using Elivepatch.Client.Output;
using Elivepatch.Engine;
using Elivepatch.Kernel.Import;
using Elivepatch.Kernel.Progress;
using Elivepatch.Kernel.Records;
using Elivepatch.Kernel.Storage;
using Elivepatch.Kernel.VirtualMachines;

namespace Elivepatch.Client.Commands;

/// <summary><c>elivepatch kernel import</c>.</summary>
internal static class KernelImportCommand
{
    private const string Debian = "debian:";

    /// <summary>The verb.</summary>
    public static Verb Create(Session session)
    {
        var kernel = new Argument<string?>("debian:RELEASE")
        {
            Description = $"A stock Debian kernel by its release; debian:{DebianImport.NewestCloud} is the newest cloud kernel that has a source package.",
            Arity = ArgumentArity.ZeroOrOne,
        };
        var capture = new Option<string?>("--capture") { Description = "A capture of the kernel, as `elivepatch capture` writes it.", HelpName = "FILE" };
        var source = new Option<string?>("--source")
        {
            Description = "The source that the captured kernel was built from: a tree, or an archive of one.",
            HelpName = "DIR-OR-TARBALL",
        };
        var basePatches = new Option<string[]>("--base-patch")
        {
            Description = "A patch that the captured kernel was built with on top of the source; may be given several times, in order.",
            HelpName = "FILE",
        };
        var json = CommonOptions.Json();
        var verb = new Verb(
            "import", "Makes a kernel known, so that livepatches can be built for it.",
            """
            A stock Debian kernel comes from its packages: image, headers and source are downloaded into the cache and nothing is
            installed. Its symbols are read by booting the image once in QEMU.

            Any other kernel comes from a capture, taken on the machine that runs it, and the source that it was built from.

            The name of the kernel, for --kernel, is written to stdout. Importing a stock kernel again costs nothing.
            """,
            new Example("elivepatch kernel import debian:$(uname -r)", "Import the kernel that runs on this Debian machine."),
            new Example($"elivepatch kernel import debian:{DebianImport.NewestCloud}", "Import the newest stock cloud kernel."),
            new Example(
                "elivepatch kernel import --capture web1.capture --source linux-6.12.tar.xz --base-patch local.patch",
                "Import a self-configured kernel from its capture."))
        {
            kernel, capture, source, basePatches, json,
        };
        verb.SetAction((parsed, cancellation) =>
        {
            var named = parsed.GetValue(kernel);
            var captured = (parsed.GetValue(capture), parsed.GetValue(source), parsed.GetValue(basePatches) ?? []);
            return RunAsync(session, Choose(named, captured), parsed.GetValue(json), cancellation);
        });
        return verb;
    }

    // What to run, given the cache; or why the words name no kernel.
    private static Outcome<Import> Choose(string? kernel, (string? Capture, string? Source, string[] BasePatches) captured) => (kernel, captured) switch
    {
        ({ } name, (null, null, { Length: 0 })) when name.StartsWith(Debian, StringComparison.Ordinal) =>
            (Import)((cache, progress, cancellation) => new DebianImport(cache, KernelBoot.ReadFactsAsync, progress).RunAsync(name, cancellation)),
        ({ } name, (null, null, { Length: 0 })) =>
            new Problem(ProblemCodes.UsageInvalid, $"'{name}' does not say where the kernel comes from", $"write {Debian}{name} for a stock Debian kernel"),
        (null, ({ } capture, { } source, var patches)) =>
            (Import)((cache, progress, cancellation) => new CaptureImport(cache, progress).RunAsync(capture, source, patches, cancellation)),
        _ => new Problem(
            ProblemCodes.UsageInvalid, "name either a stock kernel, or a capture and its source",
            "write debian:RELEASE, or --capture FILE --source DIR-OR-TARBALL"),
    };

    private static async Task<int> RunAsync(Session session, Outcome<Import> import, bool asJson, CancellationToken cancellation)
    {
        var cache = import.Succeeded ? KernelCommand.OpenCache(session) : Outcome<CacheRoot>.Failure(import.Problems);
        if (!cache.Succeeded)
            return Answer.Fail(session, cache.Problems, asJson, cancellation);
        var imported = await Stages.ShowAsync(session, progress => import.Value(cache.Value, progress, cancellation));
        if (!imported.Succeeded)
            return Answer.Fail(session, imported.Problems, asJson, cancellation);
        var report = KernelReport.Of(imported.Value);
        if (asJson)
            Answer.WriteJson(session, report, ClientJson.Default.KernelReport);
        else
            session.Output.WriteLine(report.Name);
        return ExitStatus.Done;
    }

    private delegate Task<Outcome<KernelRecord>> Import(CacheRoot cache, IProgress<StageEvent> progress, CancellationToken cancellation);
}
