using System.CommandLine;
using Elivepatch.Author.Output;
using Elivepatch.Kernel.Packages;
using Elivepatch.Kernel.Storage;
using Elivepatch.Kernel.Toolchains;
using Elivepatch.Model;
using Elivepatch.Model.Progress;
using Elivepatch.Terminal;
using Elivepatch.Terminal.Progress;

namespace Elivepatch.Author.Commands;

/// <summary><c>elivepatch toolchain</c>, whose verbs are about toolchain roots.</summary>
internal static class ToolchainCommand
{
    /// <summary>The group of verbs.</summary>
    public static Verb Create(Session session) =>
        new(
            AuthorVerbs.Toolchain,
            $"""
            A kernel's code can only be reproduced by the very compiler that built the kernel, and a compiler belongs to a release of
            a distribution. A toolchain root is a file system with the tools of such a release. It is kept in the cache; the sandbox in
            which everything is built sees it in place of this machine's /usr, and nothing of it runs outside.

            Roots for stock Debian kernels are made by themselves when a kernel is imported. ${ToolchainFinder.OfflineVariable}=1 keeps
            them from being made.
            """
        )
        {
            CreateAdd(session),
            CreateImport(session),
            CreateList(session),
            CreateRemove(session),
        };

    private static Verb CreateAdd(Session session)
    {
        var suite = new Argument<string>("debian:SUITE") { Description = "The suite: bookworm, trixie, sid." };
        var compiler = new Option<string?>("--compiler")
        {
            Description = "The package of the compiler; that of the suite's newest kernel if left out.",
            HelpName = "gcc-N",
        };
        var emulator = new Option<bool>("--emulator") { Description = "Add the suite's QEMU, for `elivepatch try --emulator`." };
        var json = CommonOptions.Json();
        var verb = new Verb(
            "add",
            "Makes a toolchain root of the packages of a Debian suite.",
            """
            apt chooses, fetches and checks the packages, with lists of its own in the cache; this machine's lists and packages stay
            as they are. The packages are unpacked and not configured: none of their scripts runs, and it takes no privileges.
            """,
            new Example("elivepatch toolchain add debian:trixie", "Add the tools of Debian 13."),
            new Example("elivepatch toolchain add debian:sid --compiler gcc-15", "Add another compiler of a suite.")
        )
        {
            suite,
            compiler,
            emulator,
            json,
        };
        verb.SetAction(
            (parsed, cancellation) =>
            {
                var package = parsed.GetValue(compiler);
                var source = Parse(parsed.GetRequiredValue(suite), package);
                return RunAsync(
                    session,
                    parsed.GetValue(json),
                    async (cache, progress) =>
                        source.TryGet(out var named)
                            ? await new DebianRoots(cache, progress).MakeAsync(
                                named,
                                package,
                                cancellation,
                                parsed.GetValue(emulator)
                            )
                            : Outcome<ToolchainRoot>.Failure(source.Problems),
                    root => $"{root.Facts.Name} {root.Digest.Hex}",
                    cancellation
                );
            }
        );
        return verb;
    }

    private static Outcome<DebianSuite> Parse(string name, string? compiler) =>
        !name.StartsWith(DebianRoots.Scheme, StringComparison.Ordinal)
            ? new Problem(
                CommandProblems.UsageInvalid,
                $"'{name}' does not say where the packages come from",
                $"Write {DebianRoots.Scheme}SUITE, as in {DebianRoots.Scheme}trixie; a file is imported by `elivepatch toolchain import`."
            )
        : compiler is not null && CompilerText.CrossPrefixOf(compiler) is null
            ? new Problem(CommandProblems.UsageInvalid, $"'{compiler}' is not a package of GCC", "Write gcc-N, as in gcc-14.")
        : DebianSuite.Parse(name[DebianRoots.Scheme.Length..]);

    private static Verb CreateImport(Session session)
    {
        var file = new Argument<string>("FILE")
        {
            Description = "A tar archive of a root file system, or an OCI image layout: an archive or a folder of one.",
        };
        var json = CommonOptions.Json();
        var verb = new Verb(
            "import",
            "Adds a toolchain root that was made elsewhere.",
            """
            An image of the distribution that built the kernel will do, with GCC, binutils, make, flex, bison, bc, perl, patch, xz
            and the headers of libelf and OpenSSL installed in it. Its programs run in the sandbox only, and what its compiler makes of
            the unpatched source is compared with the running kernel. Take an image from whom you would take a compiler.
            """,
            new Example("elivepatch toolchain import gentoo-stage3.tar.xz", "Add the tools of a Gentoo stage."),
            new Example(
                "elivepatch toolchain import fedora-builder-oci.tar",
                "Add an image that `skopeo copy` or `buildah push` wrote."
            )
        )
        {
            file,
            json,
        };
        verb.SetAction(
            (parsed, cancellation) =>
                RunAsync(
                    session,
                    parsed.GetValue(json),
                    (cache, progress) => new ImportedRoots(cache, progress).RunAsync(parsed.GetRequiredValue(file), cancellation),
                    root => $"{root.Facts.Name} {root.Digest.Hex}",
                    cancellation
                )
        );
        return verb;
    }

    private static Verb CreateList(Session session)
    {
        var json = CommonOptions.Json();
        var verb = new Verb(
            "list",
            "Lists the toolchain roots.",
            "The compilers of this machine are not listed: they are used first.",
            new Example("elivepatch toolchain list", "List the roots with their compilers."),
            new Example(
                "elivepatch toolchain list --json | jq -r '.[].compilers[]'",
                "Print what can be built with, for a script."
            )
        )
        {
            json,
        };
        verb.SetAction(
            (parsed, cancellation) =>
            {
                var opened = KernelCommand.OpenCache(session);
                if (!opened.TryGet(out var cache))
                {
                    return Task.FromResult(Answer.Fail(session, opened.Problems, parsed.GetValue(json), cancellation));
                }

                IReadOnlyList<ToolchainReport> roots = [.. new ToolchainRoots(cache).List().Select(ToolchainReport.Of)];
                if (parsed.GetValue(json))
                {
                    Answer.WriteJson(session, roots, AuthorJson.Default.IReadOnlyListToolchainReport);
                }
                else
                {
                    ToolchainText.WriteList(session.Output, roots);
                }

                return Task.FromResult(ExitStatus.Done);
            }
        );
        return verb;
    }

    private static Verb CreateRemove(Session session)
    {
        var name = new Argument<string>("ROOT") { Description = "Name, digest, or the first digits of it." };
        var json = CommonOptions.Json();
        var verb = new Verb(
            "remove",
            "Removes a toolchain root.",
            "Kernels that were imported with it stay. The next build for one of them makes the root again where that is possible.",
            new Example("elivepatch toolchain remove debian:trixie", "Remove the newest root of that name.")
        )
        {
            name,
            json,
        };
        verb.SetAction(
            (parsed, cancellation) =>
                RunAsync(
                    session,
                    parsed.GetValue(json),
                    (cache, _) => Task.FromResult(new ToolchainRoots(cache).Remove(parsed.GetRequiredValue(name))),
                    root => $"removed {root.Facts.Name} {root.Digest.Hex}",
                    cancellation
                )
        );
        return verb;
    }

    private static async Task<int> RunAsync(
        Session session,
        bool asJson,
        Func<CacheRoot, IProgress<StageEvent>, Task<Outcome<ToolchainRoot>>> action,
        Func<ToolchainRoot, string> say,
        CancellationToken cancellation
    )
    {
        var cache = KernelCommand.OpenCache(session);
        var outcome = cache.Succeeded
            ? await Stages.ShowAsync(session, progress => action(cache.Value, progress))
            : Outcome<ToolchainRoot>.Failure(cache.Problems);
        if (!outcome.TryGet(out var root))
        {
            return Answer.Fail(session, outcome.Problems, asJson, cancellation);
        }

        if (asJson)
        {
            Answer.WriteJson(session, ToolchainReport.Of(root), AuthorJson.Default.ToolchainReport);
        }
        else
        {
            session.Output.WriteLine(say(root));
        }

        return ExitStatus.Done;
    }
}
