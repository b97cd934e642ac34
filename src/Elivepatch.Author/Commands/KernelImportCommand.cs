using System.CommandLine;
using Elivepatch.Author.Output;
using Elivepatch.Kernel.Import;
using Elivepatch.Kernel.Records;
using Elivepatch.Kernel.Storage;
using Elivepatch.Kernel.VirtualMachines;
using Elivepatch.Model;
using Elivepatch.Model.Progress;
using Elivepatch.Terminal;
using Elivepatch.Terminal.Progress;

namespace Elivepatch.Author.Commands;

/// <summary><c>elivepatch kernel import</c>.</summary>
internal static class KernelImportCommand
{
    /// <summary>The verb.</summary>
    public static Verb Create(Session session)
    {
        var kernel = new Argument<string?>("debian:RELEASE")
        {
            Description =
                "A stock Debian kernel by its release, or the newest with a source package: debian:newest, debian:newest-cloud, debian:newest-cloud-6.1 for a series; debian:SUITE/... looks in that suite, as in debian:trixie-backports/newest-cloud.",
            Arity = ArgumentArity.ZeroOrOne,
        };
        var capture = new Option<string?>("--capture")
        {
            Description = "A capture of the kernel, as written by `elivepatch capture`.",
            HelpName = "FILE",
        };
        var source = new Option<string?>("--source")
        {
            Description = "The source from which the captured kernel was built: a tree, or an archive of one.",
            HelpName = "DIR-OR-TARBALL",
        };
        var basePatches = new Option<string[]>("--base-patch")
        {
            Description = "A patch that the captured kernel was built with on top of the source; may be repeated, in order.",
            HelpName = "FILE",
        };
        var bootImage = new Option<string?>("--boot-image")
        {
            Description =
                "The image that the machine boots, /boot/vmlinuz-RELEASE: with it code is compared byte by byte, and livepatches can be tried.",
            HelpName = "FILE",
        };
        var modules = new Option<string[]>("--module")
        {
            Description =
                "A module of the captured kernel, /lib/modules/RELEASE/.../NAME.ko (.xz, .zst, .gz): with it patches may change its code; may be repeated.",
            HelpName = "FILE",
        };
        var offline = KernelCommand.OfflineOption();
        var json = CommonOptions.Json();
        var verb = new Verb(
            "import",
            "Imports a kernel, so that livepatches can be built for it.",
            """
            A stock Debian kernel is imported from its packages: image, headers and source are downloaded into the cache, and
            nothing is installed. Its symbols are read by booting the image once in QEMU. A release of another Debian than this
            machine's is looked for in the suites of that Debian.

            Any other kernel is imported from a capture, taken on the machine that runs it, and the source from which it was
            built.

            The name of the kernel, for --kernel, is written to stdout. Importing a stock kernel again costs nothing.
            """,
            new Example("elivepatch kernel import debian:$(uname -r)", "Import the kernel that runs on this Debian machine."),
            new Example(
                $"elivepatch kernel import {DebianKernelName.Scheme}{DebianKernelName.NewestCloud}",
                "Import the newest stock cloud kernel."
            ),
            new Example(
                "elivepatch kernel import --capture web1.capture --source linux-6.12.tar.xz --base-patch local.patch",
                "Import a self-configured kernel from its capture."
            )
        )
        {
            kernel,
            capture,
            source,
            basePatches,
            bootImage,
            modules,
            offline,
            json,
        };
        verb.SetAction(
            (parsed, cancellation) =>
            {
                KernelCommand.GoOffline(parsed.GetValue(offline));
                var named = parsed.GetValue(kernel);
                var captured = new Captured(
                    parsed.GetValue(capture),
                    parsed.GetValue(source),
                    parsed.GetValue(basePatches) ?? [],
                    parsed.GetValue(bootImage),
                    parsed.GetValue(modules) ?? []
                );
                return RunAsync(session, Choose(named, captured), parsed.GetValue(json), cancellation);
            }
        );
        return verb;
    }

    // What to run, given the cache; or why the words name no kernel.
    private static Outcome<Import> Choose(string? kernel, Captured captured) =>
        (kernel, captured) switch
        {
            ({ } name, { IsEmpty: true }) when name.StartsWith(DebianKernelName.Scheme, StringComparison.Ordinal) => (Import)(
                (cache, progress, cancellation) =>
                    new DebianImport(cache, KernelBoot.ReadFactsAsync, progress).RunAsync(name, cancellation)
            ),
            ({ } name, { IsEmpty: true }) => new Problem(
                CommandProblems.UsageInvalid,
                $"'{name}' does not say where the kernel comes from",
                $"Write {DebianKernelName.Scheme}{name} for a stock Debian kernel."
            ),
            (null, { Capture: { } capture, Source: { } source }) => (Import)(
                (cache, progress, cancellation) =>
                    new CaptureImport(cache, progress)
                    {
                        BootImagePath = captured.BootImage,
                        ModulePaths = captured.Modules,
                    }.RunAsync(capture, source, captured.BasePatches, cancellation)
            ),
            _ => new Problem(
                CommandProblems.UsageInvalid,
                "name either a stock kernel, or a capture and its source",
                "Write debian:RELEASE, or --capture FILE --source DIR-OR-TARBALL."
            ),
        };

    private static async Task<int> RunAsync(Session session, Outcome<Import> import, bool asJson, CancellationToken cancellation)
    {
        var cache = import.Succeeded ? KernelCommand.OpenCache(session) : Outcome<CacheRoot>.Failure(import.Problems);
        if (!cache.Succeeded)
        {
            return Answer.Fail(session, cache.Problems, asJson, cancellation);
        }

        var imported = await Stages.ShowAsync(session, progress => import.Value(cache.Value, progress, cancellation));
        if (!imported.Succeeded)
        {
            return Answer.Fail(session, imported.Problems, asJson, cancellation);
        }

        var report = KernelReport.Of(imported.Value);
        if (asJson)
        {
            Answer.WriteJson(session, report, AuthorJson.Default.KernelReport);
        }
        else
        {
            session.Output.WriteLine(report.Name);
        }

        return ExitStatus.Done;
    }

    private sealed record Captured(string? Capture, string? Source, string[] BasePatches, string? BootImage, string[] Modules)
    {
        public bool IsEmpty => this is { Capture: null, Source: null, BasePatches: [], BootImage: null, Modules: [] };
    }

    private delegate Task<Outcome<KernelRecord>> Import(
        CacheRoot cache,
        IProgress<StageEvent> progress,
        CancellationToken cancellation
    );
}
