// In: packages or archives of anybody's. Out: a root file system with what a sandbox would see of it: plain files, folders and
// links. The unpackers run in a sandbox, so what they write stays in that folder.

using Elivepatch.Kernel.Processes;
using Elivepatch.Model;

namespace Elivepatch.Kernel.Toolchains;

/// <summary>Unpacks root file systems.</summary>
internal static class RootUnpacking
{
    private const long LargestRoot = 8L << 30;

    private static readonly string functions = $$"""
        set -o pipefail
        # Links that merge folders into /usr stay what they are, whatever a package has there.
        unpack() {
            tar -x -f - --keep-directory-symlink --no-same-owner --no-same-permissions --delay-directory-restore \
                --anchored --exclude=./dev --exclude=dev --no-anchored --exclude=./usr/share/doc --exclude=./usr/share/man --exclude=./usr/share/info \
                --exclude=./usr/share/locale --exclude=./usr/lib/debug --exclude='.wh.*' "$@"
        }
        read_archive() {
            case $(head -c 4 "$1" | od -An -tx1 | tr -d ' \n') in
                1f8b*) gzip -dc "$1" ;;
                28b52ffd) zstd -dc "$1" ;;
                fd377a58) xz -dc -T0 "$1" ;;
                425a68*) bzip2 -dc "$1" ;;
                *) cat "$1" ;;
            esac
        }
        finish() {
            chmod -R u+rwX . || exit 1
            for entry in * .[!.]*; do
                case $entry in
                    {{Either(Userland.TopFolders)}}|etc) ;;
                    *) rm -rf "./$entry" ;;
                esac
            done
            if [ -L etc ] || [ ! -d etc ]; then rm -rf etc; mkdir etc; fi
            for entry in etc/* etc/.[!.]*; do
                case $entry in
                    {{Either(Userland.ConfigurationFiles)}}) ;;
                    *) rm -rf "./$entry" ;;
                esac
            done
            find . ! -type f ! -type d ! -type l -delete
        }

        """;

    // A pattern of the shell.
    private static string Either(IEnumerable<string> names) => string.Join('|', names);

    // Debian's maintainer scripts would make these links. Of Rust and Clang kbuild needs no more than that they are there: two
    // thirds of a root would be theirs.
    private const string Packages = """
        unused=(--exclude='./usr/lib/rustlib/*.rlib'
            --no-wildcards-match-slash --exclude='./usr/src/rustc-*/src' --exclude='./usr/src/rustc-*/compiler'
            --exclude='./usr/lib/llvm-*/lib/*.a' --exclude='./usr/lib/llvm-*/include')
        mkdir -p usr/bin usr/sbin usr/lib usr/lib64
        for folder in bin sbin lib lib64; do ln -s usr/$folder $folder; done
        for package; do
            echo "$package"
            dpkg-deb --fsys-tarfile "/archives/$package" | unpack "${unused[@]}" || exit 1
        done
        [ -e usr/bin/awk ] || [ -L usr/bin/awk ] || ln -s mawk usr/bin/awk
        finish
        """;

    // What a layer deletes of those below it has a name that begins with .wh. (OCI image format, layer.md).
    private const string Layers = """
        for layer; do
            echo "$layer"
            read_archive "/archives/$layer" | tar -t -f - --quoting-style=literal >/tmp/names || exit 1
            while IFS= read -r name; do
                folder=$(dirname "/$name") deleted=$(basename "$name")
                # Nothing is deleted through a link.
                case $deleted in
                    .wh..wh..opq) [ "$(realpath -m "/out$folder")" = "/out${folder%/}" ] && find "/out$folder" -mindepth 1 -delete ;;
                    .wh.?*) [ "$(realpath -m "/out$folder")" = "/out${folder%/}" ] && rm -rf "/out$folder/${deleted#.wh.}" ;;
                esac
            done < <(grep -E '(^|/)\.wh\.' /tmp/names)
            read_archive "/archives/$layer" | unpack || exit 1
        done
        finish
        """;

    // All of the list is read, so that nothing ends by a closed pipe.
    private const string Search = """
        read_archive "/archives/$1" | tar -t -f - --quoting-style=literal >/tmp/names || exit 1
        grep -Fxq -e "$2" -e "./$2" /tmp/names && echo yes
        exit 0
        """;

    /// <summary>Whether a tar archive, compressed or not, has a member of a name.</summary>
    public static async Task<Outcome<bool>> HasMemberAsync(
        string archives,
        string name,
        string member,
        CancellationToken cancellation
    )
    {
        var outcome = await Sandbox.RunSuccessfullyAsync(
            new SandboxRequest
            {
                File = "bash",
                Arguments = ["-c", functions + Search, "search", name, member],
                Binds = [new(archives, "/archives")],
                Timeout = TimeSpan.FromMinutes(10),
                OutputLimit = 64 << 10,
            },
            "reading the archive",
            cancellation
        );
        return outcome.Then<bool>(result => result.Output.Trim() == "yes");
    }

    /// <summary>Unpacks Debian packages over each other.</summary>
    /// <param name="archives">The folder that has them.</param>
    /// <param name="names">Names of their files, in order.</param>
    /// <param name="root">Where to; an empty folder.</param>
    /// <param name="unpacked">Told of each.</param>
    /// <param name="cancellation">Ends it.</param>
    public static Task<Problem?> UnpackPackagesAsync(
        string archives,
        IReadOnlyList<string> names,
        string root,
        Action<string> unpacked,
        CancellationToken cancellation
    ) => RunAsync(Packages, archives, names, root, unpacked, cancellation);

    /// <summary>Unpacks tar archives, compressed or not, over each other.</summary>
    /// <param name="archives">The folder that has them.</param>
    /// <param name="names">Names of their files, the lowest layer first.</param>
    /// <param name="root">Where to; an empty folder.</param>
    /// <param name="unpacked">Told of each.</param>
    /// <param name="cancellation">Ends it.</param>
    public static Task<Problem?> UnpackLayersAsync(
        string archives,
        IReadOnlyList<string> names,
        string root,
        Action<string> unpacked,
        CancellationToken cancellation
    ) => RunAsync(Layers, archives, names, root, unpacked, cancellation);

    private static async Task<Problem?> RunAsync(
        string script,
        string archives,
        IReadOnlyList<string> names,
        string root,
        Action<string> unpacked,
        CancellationToken cancellation
    )
    {
        var outcome = await Sandbox.RunAsync(
            new SandboxRequest
            {
                File = "bash",
                Arguments = ["-c", functions + script, "unpack", .. names],
                Binds = [new(archives, "/archives"), new(root, "/out", Writable: true)],
                WorkingDirectory = "/out",
                Timeout = TimeSpan.FromMinutes(30),
                OutputLimit = 1 << 20,
                Limits = SandboxLimits.Default with { TotalDisk = LargestRoot },
                OnOutputLine = unpacked,
            },
            cancellation
        );
        if (!outcome.TryGet(out var result))
        {
            return outcome.Problems[0];
        }

        if (!result.Succeeded)
        {
            return new(ProcessProblems.ArchiveRefused, $"a root file system cannot be unpacked: {result.Describe()}");
        }

        return Userland.FindFault(root) is { } fault ? new Problem(ToolchainProblems.RootUnusable, fault) : null;
    }
}
