// In: the image of a kernel. Out: the path at which its source lay when it was compiled, where the image tells it.

using System.Text;

namespace Elivepatch.Kernel.Records;

/// <summary>
/// Where a kernel's source lay. A build in a folder beside the source (<c>make O=</c>) names files by their whole paths, and the
/// checks of UBSAN keep the paths as the compiler was given them (<c>struct source_location</c>, lib/ubsan.h), whatever prefixes
/// kbuild takes off <c>__FILE__</c>. Code is only the same if it was compiled at the same path.
/// </summary>
internal static class SourcePath
{
    private const int LongestPath = 512;

    // Code that every kernel has and that is checked for something.
    private static readonly string[] files =
    [
        "kernel/sched/core.c",
        "kernel/fork.c",
        "mm/page_alloc.c",
        "fs/namei.c",
        "lib/vsprintf.c",
    ];

    /// <summary>Finds the path; null where the image has none, or several.</summary>
    /// <param name="vmlinux">The uncompressed image.</param>
    public static string? Find(ReadOnlySpan<byte> vmlinux)
    {
        var found = new HashSet<string>(StringComparer.Ordinal);
        foreach (var file in files)
        {
            var name = Encoding.ASCII.GetBytes($"/{file}\0");
            for (var at = 0; vmlinux[at..].IndexOf(name) is var next && next >= 0; at += next + name.Length)
            {
                var end = at + next;
                var start =
                    vmlinux[Math.Max(0, end - LongestPath)..end].LastIndexOf((byte)0) + 1 + Math.Max(0, end - LongestPath);
                var path = Encoding.UTF8.GetString(vmlinux[start..end]);
                if (IsPlain(path))
                {
                    found.Add(path);
                }
            }
        }

        return found.Count == 1 ? found.First() : null;
    }

    // It becomes a place in a sandbox: not one that is something else there.
    private static bool IsPlain(string path) =>
        path.StartsWith('/')
        && path.Split('/')[1..].All(p => p is not ("" or "." or ".."))
        && path.All(c => char.IsAsciiLetterOrDigit(c) || c is '/' or '.' or '_' or '-' or '+' or '~')
        && !reserved.Contains(path.Split('/')[1]);

    private static readonly HashSet<string> reserved =
    [
        "bin",
        "dev",
        "etc",
        "facts",
        "kernel",
        "lib",
        "lib32",
        "lib64",
        "libx32",
        "out",
        "proc",
        "recipe",
        "sbin",
        "sys",
        "tmp",
        "tools",
        "usr",
    ];
}
