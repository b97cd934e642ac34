using System.CommandLine;
using System.Text;
using Elivepatch.Author.Output;
using Elivepatch.Kernel.Import;
using Elivepatch.Kernel.Processes;
using Elivepatch.Kernel.Records;
using Elivepatch.Kernel.Toolchains;
using Elivepatch.Kernel.VirtualMachines;
using Elivepatch.Model;
using Elivepatch.Model.Files;
using Elivepatch.Terminal;

namespace Elivepatch.Author.Commands;

/// <summary><c>elivepatch try</c>.</summary>
internal static class TryCommand
{
    private const int LongestScript = 1 << 20;

    /// <summary>The verb.</summary>
    public static Verb Create(Session session)
    {
        var kernel = KernelCommand.Option();
        var modules = new Argument<string[]>("FILE.ko")
        {
            Description = "Livepatch modules, in the order in which to load them.",
            Arity = ArgumentArity.OneOrMore,
        };
        var script = new Option<string?>("--script")
        {
            Description = "A script for busybox sh that checks the effect; it runs before, during and after.",
            HelpName = "FILE",
        };
        var moduleFiles = KernelCommand.ModuleOption();
        var emulator = new Option<string?>("--emulator")
        {
            Description = "The toolchain root whose QEMU runs the guest; this machine's if left out.",
            HelpName = "ROOT",
        };
        var json = CommonOptions.Json();
        var verb = new Verb(
            AuthorVerbs.Try,
            """
            Loads each module and waits until its transition has completed. Then a livepatch that changes nothing replaces them,
            and they are unloaded, except for one that keeps itself in memory. The last module is loaded once more under another
            name and disabled.

            The script is run with the word `before`, then with `during` and the livepatch's name after each transition, and with
            `after` twice: when the livepatches are replaced, and when they are unloaded. An exit status other than 0 fails the
            trial. So do an oops, a warning in the kernel's log, an unexpected taint, a transition that does not complete (the
            blocking tasks are named) and a module that cannot be removed.

            Phases are reported on stderr as they happen. Exit status: 0 everything passed, 4 the livepatch failed, 1 the trial
            could not be run.
            """,
            new Example(
                "elivepatch try -k 6.12.117+deb12-cloud-amd64 livepatch-fix.ko",
                "Load and unload it, and check the kernel's log."
            ),
            new Example(
                "elivepatch try -k 6.12.117+deb12-cloud-amd64 livepatch-fix.ko --script check.sh",
                "Also check that the fix works."
            ),
            new Example(
                "elivepatch try -k $(uname -r) --module $(modinfo -n pulse) livepatch-fix.ko",
                "Try one for a module that was built outside of the kernel's tree."
            )
        )
        {
            kernel,
            modules,
            script,
            moduleFiles,
            emulator,
            json,
        };
        verb.SetAction(
            (parsed, cancellation) =>
                RunAsync(
                    session,
                    parsed.GetRequiredValue(kernel),
                    parsed.GetRequiredValue(modules),
                    parsed.GetValue(script),
                    parsed.GetValue(moduleFiles) ?? [],
                    parsed.GetValue(emulator),
                    parsed.GetValue(json),
                    cancellation
                )
        );
        return verb;
    }

    private static async Task<int> RunAsync(
        Session session,
        string kernel,
        IReadOnlyList<string> modules,
        string? scriptPath,
        IReadOnlyList<string> moduleFiles,
        string? emulatorRoot,
        bool asJson,
        CancellationToken cancellation
    )
    {
        var opened = KernelCommand.OpenCache(session);
        if (!opened.TryGet(out var cache))
        {
            return Answer.Fail(session, opened.Problems, asJson, cancellation);
        }

        var record = KernelCommand.Open(session, kernel);
        var script = scriptPath is null ? (Outcome<string>)"" : ReadScript(scriptPath);
        if (!record.Succeeded || !script.Succeeded)
        {
            return Answer.Fail(session, [.. record.Problems, .. script.Problems], asJson, cancellation);
        }

        if (record.Value.BootImagePath is not { } image)
        {
            return Answer.Fail(session, [new(AuthorProblems.NoBootImage, record.Value.Facts.Name)], asJson, cancellation);
        }

        var emulator = emulatorRoot is null
            ? Userland.Host
            : new ToolchainRoots(cache).Open(emulatorRoot).Then<Userland>(root => root.Userland);
        if (!emulator.TryGet(out var userland))
        {
            return Answer.Fail(session, emulator.Problems, asJson, cancellation);
        }

        var given = await GivenModules.ReadAsync(record.Value, moduleFiles, cancellation);
        if (!given.Succeeded)
        {
            return Answer.Fail(session, given.Problems, asJson, cancellation);
        }

        var request = new TrialRequest
        {
            Architecture = record.Value.Facts.Architecture,
            Kernel = image,
            Userland = userland,
            Modules = new(cache, record.Value, given.Value),
            Cases =
            [
                new()
                {
                    Name = "try",
                    Modules = modules,
                    Script = scriptPath is null ? null : script.Value,
                },
            ],
            OnProgress = new TimedLines(session.Error).Write,
        };
        var trial = await LivepatchTrial.RunAsync(request, cancellation);
        return trial.Succeeded
            ? Show(session, record.Value, trial.Value[0], asJson)
            : Answer.Fail(session, trial.Problems, asJson, cancellation);
    }

    private static int Show(Session session, KernelRecord kernel, TrialReport report, bool asJson)
    {
        var outcome = TrialOutcome.Of(kernel.Facts.Name, report);
        if (asJson)
        {
            Answer.WriteJson(session, outcome, AuthorJson.Default.TrialOutcome);
        }
        else
        {
            TrialText.Write(session.Output, outcome, report.Problems);
        }

        return ExitStatus.Of(report.Problems);
    }

    private static Outcome<string> ReadScript(string path) =>
        InputFile
            .Read(path)
            .Then<string>(content =>
                content.Length > LongestScript
                    ? new Problem(
                        CommandProblems.InputUnusable,
                        $"{path} has {content.Length} bytes; a script has at most {LongestScript}"
                    )
                    : Encoding.UTF8.GetString(content)
            );
}
