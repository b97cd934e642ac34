using System.CommandLine;
using Elivepatch.Client.Output;
using Elivepatch.Machine;
using Elivepatch.Machine.Service;
using Elivepatch.Model;
using Elivepatch.Terminal;
using Elivepatch.Terminal.Progress;

namespace Elivepatch.Client.Commands;

/// <summary><c>elivepatch patch</c>.</summary>
internal static class PatchCommand
{
    /// <summary>The verb.</summary>
    public static Verb Create(MachineSession session)
    {
        var patches = new Argument<string[]>("PATCH")
        {
            Description = "Source patches to make live in addition to those that already are, in order.",
            Arity = ArgumentArity.ZeroOrMore,
        };
        var server = new Option<string?>("--server") { Description = "The server. Default: the trusted one.", HelpName = "URL" };
        var tokenFile = new Option<string?>("--token-file")
        {
            Description = "A file with the token. Default: $ELIVEPATCH_TOKEN, else the token kept by `elivepatch trust`.",
            HelpName = "FILE",
        };
        var key = new Option<string?>("--key")
        {
            Description = "The server's key or its identity, for this run. Default: the pinned key.",
            HelpName = "FILE-OR-ID",
        };
        var allowHttp = new Option<bool>("--allow-http")
        {
            Description = "Send the token even if the connection is not encrypted.",
        };
        var basePatches = new Option<string[]>("--base-patch")
        {
            Description = "A patch that the running kernel was built with; may be repeated, in order.",
            HelpName = "FILE",
        };
        var noBasePatches = new Option<bool>("--no-base-patches")
        {
            Description = $"Do not look for base patches below /{BasePatchFolder.Folder}.",
        };
        var package = new Option<string?>("--kernel-package")
        {
            Description = $"The package below /{BasePatchFolder.Folder} that built the kernel.",
            HelpName = "NAME",
        };
        var source = new Option<string?>("--source")
        {
            Description = "The kernel's source, a tree or an archive of one, for a server that does not have it.",
            HelpName = "DIR-OR-TARBALL",
        };
        var statements = CommonOptions.Statements();
        var script = new Option<string?>("--script")
        {
            Description = "A script for the server's test in a virtual machine; see `elivepatch try --help`.",
            HelpName = "FILE",
        };
        var name = new Option<string?>("--name")
        {
            Description = "Name of the module. Default: made from the patches.",
            HelpName = "NAME",
        };
        var drop = new Option<string[]>("--drop")
        {
            Description = "Leave out a live patch; may be repeated.",
            HelpName = "PATCH-NAME",
        };
        var noLoad = new Option<bool>("--no-load")
        {
            Description = "Write the module and its manifest to files instead of loading it.",
        };
        var output = new Option<string?>("--output", "-o")
        {
            Description = "Where --no-load writes the module. Default: NAME.ko in the current directory.",
            HelpName = "FILE",
        };
        var replaceForeign = new Option<bool>("--replace-foreign")
        {
            Description = "Replace livepatches that this command did not load.",
        };
        var acceptOlder = new Option<bool>("--accept-older")
        {
            Description =
                "Dangerous: accept a manifest older than the newest one already accepted, for use after a clock was wrong.",
        };
        var limit = TransitionOptions.Limit();
        var wait = new Option<int>("--wait")
        {
            Description = "How long to wait for the server's build, in minutes.",
            HelpName = "MINUTES",
            DefaultValueFactory = _ => 120,
        };
        var json = CommonOptions.Json();
        var verb = new Verb(
            "patch",
            "Makes source patches live on this machine: a server builds the livepatch, this command verifies and loads it.",
            $"""
            Captures the running kernel, sends capture and patches, shows the server's stages, and fetches the livepatch. It is
            accepted only if its manifest is signed by the pinned key, is for the running kernel and the requested patches, is not
            older than the last one, and has not expired. Then the command loads it and watches the transition.

            Livepatches are cumulative: the patches that are live are requested again together with the new ones, and the new
            livepatch replaces the old one in one transition. A patch with the name of a live one replaces it; --drop leaves one
            out. The machine keeps the list in /var/lib/elivepatch ($ELIVEPATCH_STATE).

            --statements gives the authors' statements for all these patches (see `elivepatch build --help`). Without it those of
            the live livepatch are given again. The manifest has to repeat them.

            If the server has withdrawn what is live, `elivepatch patch` without a patch has the live patches rebuilt and replaces
            the livepatch; with patches it does so as always. If the live patches are gone because the machine restarted, it makes
            them live again.

            Patches that the kernel was built with are found where the package manager keeps them,
            /{BasePatchFolder.Folder}/PACKAGE: of PACKAGE-VERSION-rN, PACKAGE-VERSION and PACKAGE the more specific directory
            takes precedence for a file name, and patches are applied in the order of their names. --base-patch names them
            instead.

            An interrupted command can be run again: the server's build continues, and equal requests share it.

            Exit status: 0 live, 1 the machine or the server failed, 2 invalid request, 3 the patches change no code, 4 refused, 5
            the kernel does not match its sources.
            {TransitionOptions.TryAgainStatus}
            """,
            new Example(
                "elivepatch patch fix.patch",
                "Make a fix live in addition to what is live; pin the server with `elivepatch trust` first."
            ),
            new Example("elivepatch patch --drop fix.patch better-fix.patch", "Replace a live patch by another one."),
            new Example("elivepatch patch", "Replace a withdrawn livepatch by a rebuilt one."),
            new Example("elivepatch patch --no-load -o fix.ko fix.patch", "Have it built and verified, without loading it.")
        )
        {
            patches,
            server,
            tokenFile,
            key,
            allowHttp,
            basePatches,
            noBasePatches,
            package,
            source,
            statements,
            script,
            name,
            drop,
            noLoad,
            output,
            replaceForeign,
            acceptOlder,
            limit,
            wait,
            json,
        };
        verb.SetAction(
            (parsed, cancellation) =>
            {
                var request = new PatchRequest
                {
                    Patches = parsed.GetValue(patches) ?? [],
                    Dropped = parsed.GetValue(drop) ?? [],
                    Server = parsed.GetValue(server),
                    TokenFile = parsed.GetValue(tokenFile),
                    Key = parsed.GetValue(key),
                    AllowsHttp = parsed.GetValue(allowHttp),
                    BasePatches =
                        parsed.GetValue(noBasePatches) ? []
                        : parsed.GetValue(basePatches) is { Length: > 0 } named ? named
                        : null,
                    KernelPackage = parsed.GetValue(package),
                    Source = parsed.GetValue(source),
                    Statements = parsed.GetValue(statements),
                    Script = parsed.GetValue(script),
                    Name = parsed.GetValue(name),
                    Output = parsed.GetValue(output),
                    Loads = !parsed.GetValue(noLoad),
                    ReplacesForeign = parsed.GetValue(replaceForeign),
                    AcceptsOlder = parsed.GetValue(acceptOlder),
                    TransitionLimit = TimeSpan.FromSeconds(parsed.GetValue(limit)),
                    BuildLimit = TimeSpan.FromMinutes(Math.Clamp(parsed.GetValue(wait), 1, 10_000)),
                };
                return RunAsync(session, request, parsed.GetValue(json), cancellation);
            }
        );
        return verb;
    }

    private static async Task<int> RunAsync(
        MachineSession session,
        PatchRequest request,
        bool asJson,
        CancellationToken cancellation
    )
    {
        if (Check(session, request) is { } refused)
        {
            return Answer.Fail(session, [refused], asJson, cancellation);
        }

        PatchRun? run = null;
        try
        {
            var ended = await Stages.ShowAsync(
                session,
                progress =>
                {
                    run = new PatchRun(session.Machine, MachineState.Of(session.Machine), request, progress);
                    return run.RunAsync(cancellation);
                }
            );
            if (!ended.TryGet(out var result))
            {
                return Answer.Fail(session, ended.Problems, asJson, cancellation);
            }

            if (asJson)
            {
                Answer.WriteJson(session, result, ClientJson.Default.PatchResult);
            }
            else
            {
                PatchText.Write(session.Output, result);
            }

            return ExitStatus.Done;
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested && run is not null)
        {
            if (run.IsLoading)
            {
                session.Error.WriteLine("elivepatch: the livepatch may be going live; see `elivepatch status`");
            }
            else if (run.Build is { } build)
            {
                session.Error.WriteLine(
                    $"elivepatch: the server continues build {Printable.Escape(build)}; run the same command to resume"
                );
            }

            throw;
        }
    }

    // What is withdrawn is to be replaced, and what was live before the machine restarted is to be live again: then there is
    // something to be done without a word about what.
    private static bool HasWork(MachineSession session)
    {
        var (machine, state) = (session.Machine, MachineState.Of(session.Machine));
        if (!machine.BuildId().TryGet(out var buildId) || !state.ReadKernel(buildId, machine.Release).TryGet(out var ledger))
        {
            return false;
        }

        var loaded = new LoadedLivepatches(machine.Files).List();
        return (
                state.ReadWithdrawals(buildId).TryGet(out var withdrawals)
                && ledger.Livepatches.Any(l => withdrawals.Find(l.Sha256) is not null)
            ) || (ledger.FindLive(loaded) is null && ledger.FindCarriedPatches(loaded, machine.BootId).Count > 0);
    }

    private static Problem? Check(MachineSession session, PatchRequest request)
    {
        if (request.Patches.Count == 0 && request.Dropped.Count == 0 && !HasWork(session))
        {
            return new(CommandProblems.UsageInvalid, "no patch is named", "Read `elivepatch patch --help`.");
        }

        if (request.Output is not null && request.Loads)
        {
            return new(CommandProblems.UsageInvalid, "--output needs --no-load", "Add --no-load.");
        }

        return session.Machine.RequireRoot("patch");
    }
}
