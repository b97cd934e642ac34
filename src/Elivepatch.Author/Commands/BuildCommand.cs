using System.CommandLine;
using Elivepatch.Author.Inputs;
using Elivepatch.Author.Output;
using Elivepatch.Kernel.Build;
using Elivepatch.Kernel.Trees;
using Elivepatch.Model;
using Elivepatch.Model.Files;
using Elivepatch.Model.Statements;
using Elivepatch.Protocol.Statements;
using Elivepatch.Terminal;
using Elivepatch.Terminal.Progress;

namespace Elivepatch.Author.Commands;

/// <summary><c>elivepatch build</c>.</summary>
internal static class BuildCommand
{
    /// <summary>The verb.</summary>
    public static Verb Create(Session session)
    {
        var patches = new Argument<string[]>("PATCH")
        {
            Description =
                "Source patches to make live, in order: unified diffs as written by `git diff`; - is the standard input.",
            Arity = ArgumentArity.OneOrMore,
        };
        var kernel = KernelCommand.Option();
        var output = new Option<string?>("--output", "-o")
        {
            Description = "Where to write the module. Default: NAME.ko in the current directory.",
            HelpName = "FILE",
        };
        var name = new Option<string?>("--name")
        {
            Description = "Name of the module. Default: made from the name of the first patch.",
            HelpName = "NAME",
        };
        var basePatches = new Option<string[]>("--base-patch")
        {
            Description =
                "A patch that the running kernel was built with, in addition to those of its record; may be repeated, in order.",
            HelpName = "FILE",
        };
        var moduleSource = new Option<string?>("--module-source")
        {
            Description =
                "The source of a module that is built outside of the kernel's tree (DKMS): the patches are for it, with paths relative to it, and --module names the module's file.",
            HelpName = "DIR",
        };
        var modulePath = new Option<string?>("--module-path")
        {
            Description =
                "The directory in which the module of --module-source was compiled. Default: that of DKMS if there is a dkms.conf, else that of the module's debug information, else DIR.",
            HelpName = "PATH",
        };
        var makeVariables = new Option<string[]>("--make-variable")
        {
            Description =
                "A variable that make got when the module of --module-source was compiled; may be repeated. Default: those of MAKE[0] in dkms.conf.",
            HelpName = "KEY=VALUE",
        };
        var moduleFiles = KernelCommand.ModuleOption();
        var statements = CommonOptions.Statements();
        var noReplace = new Option<bool>("--no-replace")
        {
            Description = "Leave other livepatches in place instead of replacing them all.",
        };
        var mostUnits = new Option<int>("--most-units")
        {
            Description = "Maximum number of units that include what the patches change. Each takes a second or more to compare.",
            HelpName = "N",
            DefaultValueFactory = _ => BuildRequest.UsualMostUnits,
        };
        var timings = new Option<bool>("--timings") { Description = "Print how long each stage took." };
        var keep = new Option<string?>("--keep")
        {
            Description = "Keep the intermediate files in this directory.",
            HelpName = "DIR",
        };
        var offline = KernelCommand.OfflineOption();
        var json = CommonOptions.Json();
        var verb = new Verb(
            AuthorVerbs.Build,
            """
            Compiles only the units that the patches touch: as the running kernel was built, without the patch, and with it.
            Verifies that the first result is the code that runs, takes what differs between the other two, links it with the
            kernel's own tools, and checks the finished module. Then explains, function by function, what is in it and why.

            A livepatch is cumulative unless --no-replace is given: name all patches that are to be live; loading the livepatch
            replaces earlier livepatches in one transition.

            If a refusal names a statement that lifts it, an author who knows that the change is harmless can give that statement
            with a reason in a file for --statements. The explanation and a server's manifest repeat it. There is no general force
            option.

            A module that is built outside of the kernel's tree is live patched from its own source: --module-source has its Kbuild
            or Makefile with obj-m, and its dkms.conf if it is built by DKMS. The source compiled by the kernel's kbuild has to give
            exactly the code of the installed file.

            Exit status: 0 built, 3 the patches change no code, 4 refused (the reason says what to write instead), 5 the kernel
            does not match its sources or compiler. A file is written only with status 0.
            """,
            new Example("elivepatch build -k 6.12.117+deb12-cloud-amd64 fix.patch", "Write livepatch_fix.ko and explain it."),
            new Example(
                "elivepatch build -k $(uname -r) -o fixes.ko --name fixes first.patch second.patch",
                "Build one cumulative livepatch from two patches."
            ),
            new Example(
                "git show 1a2b3c4 | elivepatch build -k $(uname -r) --name fix -",
                "Build from a commit of a kernel repository."
            ),
            new Example(
                "elivepatch build -k $(uname -r) --json fix.patch | jq '.functions[].name'",
                "List its functions for a script."
            ),
            new Example(
                "elivepatch build -k $(uname -r) --statements fix.yaml fix.patch",
                "Build with the author's statements, which lift refusals."
            ),
            new Example(
                "elivepatch build -k $(uname -r) --module-source /usr/src/pulse-1.0 --module $(modinfo -n pulse) fix.patch",
                "Build for a module of DKMS, from a patch for its source."
            )
        )
        {
            patches,
            kernel,
            output,
            name,
            basePatches,
            moduleSource,
            modulePath,
            makeVariables,
            moduleFiles,
            statements,
            noReplace,
            mostUnits,
            timings,
            keep,
            offline,
            json,
        };
        verb.SetAction(
            (parsed, cancellation) =>
            {
                KernelCommand.GoOffline(parsed.GetValue(offline));
                return RunAsync(
                    session,
                    parsed.GetRequiredValue(kernel),
                    parsed.GetValue(output),
                    parsed.GetValue(keep),
                    parsed.GetValue(timings),
                    parsed.GetValue(json),
                    StatementsFile.Read(parsed.GetValue(statements)),
                    SourceOf(parsed.GetValue(moduleSource), parsed.GetValue(modulePath), parsed.GetValue(makeVariables) ?? []),
                    parsed.GetRequiredValue(patches),
                    (record, files) =>
                        new BuildRequest(
                            record,
                            files,
                            parsed.GetValue(basePatches) ?? [],
                            parsed.GetValue(name),
                            Replace: !parsed.GetValue(noReplace),
                            parsed.GetValue(keep)
                        )
                        {
                            MostUnits = parsed.GetValue(mostUnits),
                            ModuleFiles = parsed.GetValue(moduleFiles) ?? [],
                        },
                    cancellation
                );
            }
        );
        return verb;
    }

    private static Outcome<ModuleSource?> SourceOf(string? folder, string? path, string[] variables) =>
        folder is null && (path is not null || variables.Length > 0)
            ? new Problem(
                CommandProblems.UsageInvalid,
                "--module-path and --make-variable are about the source of a module",
                "Name the source with --module-source."
            )
        : folder is null ? (ModuleSource?)null
        // An empty one stands for none.
        : new ModuleSource(folder, path, variables.Length > 0 ? [.. variables.Where(v => v.Length > 0)] : null);

    private static async Task<int> RunAsync(
        Session session,
        string kernel,
        string? output,
        string? keep,
        bool withTimings,
        bool asJson,
        Outcome<AuthorStatements> statements,
        Outcome<ModuleSource?> moduleSource,
        IReadOnlyList<string> patches,
        Func<Kernel.Records.KernelRecord, IReadOnlyList<string>, BuildRequest> request,
        CancellationToken cancellation
    )
    {
        // What can be known to fail at the end is found out at the beginning.
        if (output is not null && OutputFile.Check(output) is { } unusable)
        {
            return Answer.Fail(session, [unusable], asJson, cancellation);
        }

        if (keep is not null && OutputFile.MakeFolder(keep) is { } unmade)
        {
            return Answer.Fail(session, [unmade], asJson, cancellation);
        }

        if (!statements.TryGet(out var stated))
        {
            return Answer.Fail(session, statements.Problems, asJson, cancellation);
        }

        if (!moduleSource.TryGet(out var source))
        {
            return Answer.Fail(session, moduleSource.Problems, asJson, cancellation);
        }

        var cache = KernelCommand.OpenCache(session);
        var record = KernelCommand.Open(session, kernel);
        if (!cache.Succeeded || !record.Succeeded)
        {
            return Answer.Fail(session, record.Problems, asJson, cancellation);
        }

        using var workspace = cache.Value.NewWorkspace();
        var taken = PipedPatch.Take(patches, session, Path.Combine(workspace.FullPath, "stdin.patch"));
        if (!taken.TryGet(out var files))
        {
            return Answer.Fail(session, taken.Problems, asJson, cancellation);
        }

        var built = await Stages.ShowAsync(
            session,
            progress =>
                new LivepatchBuild(cache.Value, progress).RunAsync(
                    request(record.Value, files) with
                    {
                        Statements = stated,
                        ModuleSource = source,
                    },
                    cancellation
                )
        );
        if (!built.TryGet(out var result))
        {
            return Answer.Fail(session, built.Problems, asJson, cancellation);
        }

        cancellation.ThrowIfCancellationRequested();
        var path = output ?? result.Name + ".ko";
        if (OutputFile.Write(path, stream => stream.Write(result.Module)) is { } unwritten)
        {
            return Answer.Fail(session, [unwritten], asJson, cancellation);
        }

        var report = BuildReport.Of(result, path, withTimings);
        if (asJson)
        {
            Answer.WriteJson(session, report, AuthorJson.Default.BuildReport);
        }
        else
        {
            BuildText.Write(session.Output, report);
        }

        return ExitStatus.Done;
    }
}
