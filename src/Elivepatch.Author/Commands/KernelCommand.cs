using System.CommandLine;
using Elivepatch.Kernel.Records;
using Elivepatch.Kernel.Storage;
using Elivepatch.Kernel.Toolchains;
using Elivepatch.Model;
using Elivepatch.Terminal;

namespace Elivepatch.Author.Commands;

/// <summary><c>elivepatch kernel</c>, whose verbs are about kernel records.</summary>
internal static class KernelCommand
{
    /// <summary>The group of verbs.</summary>
    public static Verb Create(Session session) =>
        new(
            AuthorVerbs.Kernel,
            """
            A kernel record holds what a build needs to know about one kernel: configuration, symbols with their addresses, exports,
            source, compiler, and its boot image if there is one. Records are stored in the cache: $ELIVEPATCH_CACHE, else
            $XDG_CACHE_HOME/elivepatch, else ~/.cache/elivepatch. Nothing is installed on the machine.
            """
        )
        {
            KernelImportCommand.Create(session),
            KernelListCommand.Create(session),
            KernelShowCommand.Create(session),
            KernelRemoveCommand.Create(session),
        };

    /// <summary><c>-k</c>, for verbs that need a kernel.</summary>
    public static Option<string> Option() =>
        new("--kernel", "-k")
        {
            Description = "The kernel, by its name in `elivepatch kernel list` or by its build-id.",
            HelpName = "KERNEL",
            Required = true,
        };

    /// <summary><c>--module</c>, for verbs that need the files of modules.</summary>
    public static Option<string[]> ModuleOption() =>
        new("--module")
        {
            Description =
                "A module as the machine has it installed, /lib/modules/RELEASE/.../NAME.ko (.xz, .zst, .gz), in place of the record's; may be repeated.",
            HelpName = "FILE",
        };

    /// <summary><c>--offline</c>, for verbs that need the compiler of a kernel.</summary>
    public static Option<bool> OfflineOption() =>
        new("--offline")
        {
            Description =
                "Make no toolchain root: if the kernel's compiler is not here, say what is missing. "
                + $"${ToolchainFinder.OfflineVariable}=1 does the same.",
        };

    /// <summary>Does what <see cref="OfflineOption"/> asks for, in this process.</summary>
    public static void GoOffline(bool isAsked)
    {
        if (isAsked)
        {
            Environment.SetEnvironmentVariable(ToolchainFinder.OfflineVariable, "1");
        }
    }

    /// <summary>Opens the cache of the session.</summary>
    public static Outcome<CacheRoot> OpenCache(Session session) => CacheRoot.Open(CacheRoot.DefaultPath(session.Variable));

    /// <summary>Opens a record by its name or build-id.</summary>
    public static Outcome<KernelRecord> Open(Session session, string name) =>
        OpenCache(session).Then(cache => new KernelStore(cache).Open(name));
}
