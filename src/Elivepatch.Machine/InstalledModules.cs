// In: modules.dep of the running kernel. Out: where the files of its modules are, and what they depend on.

using System.ComponentModel;
using System.Diagnostics;
using System.IO.Compression;
using Elivepatch.Elf;
using Elivepatch.Model;
using Elivepatch.Protocol.Captures;

namespace Elivepatch.Machine;

/// <summary>The modules that are installed for the running kernel, as <c>modprobe</c> finds them (modules.dep(5)).</summary>
public sealed class InstalledModules
{
    // The largest of a stock kernel has 30 MiB.
    private const int LargestModule = 64 << 20;

    private static readonly string[] toolFolders = ["/usr/bin", "/bin"];
    private static readonly TimeSpan longestUnpacking = TimeSpan.FromSeconds(10);

    private readonly MachineFiles files;
    private readonly string folder;
    private readonly Dictionary<string, (string Path, string[] Needs)> byName = new(StringComparer.Ordinal);

    private InstalledModules(MachineFiles files, string release)
    {
        this.files = files;
        folder = $"lib/modules/{release}";
    }

    /// <summary>The list that they are found in.</summary>
    public string Index => $"/{folder}/modules.dep";

    /// <summary>True where the list is missing or names none.</summary>
    public bool IsEmpty => byName.Count == 0;

    /// <summary>Reads the list; an empty one where there is none.</summary>
    /// <param name="files">The machine's files.</param>
    /// <param name="release">The kernel's release.</param>
    public static InstalledModules Read(MachineFiles files, string release)
    {
        var modules = new InstalledModules(files, release);
        foreach (var line in files.ReadLines($"{modules.folder}/modules.dep"))
        {
            // kernel/fs/nfs/nfs.ko.xz: kernel/net/sunrpc/sunrpc.ko.xz kernel/fs/lockd/lockd.ko.xz
            if (line.IndexOf(':', StringComparison.Ordinal) is > 0 and var colon)
            {
                var needs = line[(colon + 1)..].Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(ModuleName.OfFile);
                modules.byName.TryAdd(ModuleName.OfFile(line[..colon]), (line[..colon], [.. needs]));
            }
        }

        return modules;
    }

    /// <summary>True for a module that the list names.</summary>
    public bool Has(string name) => byName.ContainsKey(name);

    /// <summary>The file of a module; null where none is installed.</summary>
    /// <param name="name">The module, as the kernel calls it.</param>
    public string? PathOf(string name) =>
        byName.TryGetValue(name, out var found) && files.PathOf(Path.Combine(folder, found.Path)) is var path && File.Exists(path)
            ? path
            : null;

    /// <summary>
    /// A module and all that it depends on. depmod lists what a dependency itself depends on as well.
    /// </summary>
    public IEnumerable<string> Closure(string name) => byName.TryGetValue(name, out var found) ? [name, .. found.Needs] : [name];

    /// <summary>The build-id of the file of a module; null where there is none or it cannot be read.</summary>
    /// <param name="name">The module, as the kernel calls it.</param>
    public BuildId? BuildIdOf(string name)
    {
        if (PathOf(name) is not { } path)
        {
            return null;
        }

        try
        {
            using var content = new MemoryStream();
            return Unpack(path, content) ? BuildId.OfModule(ElfReader.Read(content.ToArray())) : null;
        }
        catch (Exception e)
            when (e is IOException or UnauthorizedAccessException or InvalidDataException or ElfFormatException or Win32Exception)
        {
            return null;
        }
    }

    // What the kernel's own decompressors are, its tools are (CONFIG_MODULE_COMPRESS_*).
    private static bool Unpack(string path, MemoryStream content)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        if (path.EndsWith(".gz", StringComparison.Ordinal))
        {
            using var unpacked = new GZipStream(file, CompressionMode.Decompress);
            return Copy(unpacked, content);
        }

        if (!path.EndsWith(".xz", StringComparison.Ordinal) && !path.EndsWith(".zst", StringComparison.Ordinal))
        {
            return Copy(file, content);
        }

        // Root may be anywhere: a program of this name that lies there, or in a search path of somebody's, is not what is meant.
        var name = path.EndsWith(".xz", StringComparison.Ordinal) ? "xz" : "zstd";
        if (toolFolders.Select(f => Path.Combine(f, name)).FirstOrDefault(File.Exists) is not { } program)
        {
            return false;
        }

        var start = new ProcessStartInfo(program, ["-dcq", "--", path])
        {
            WorkingDirectory = "/",
            RedirectStandardOutput = true,
            RedirectStandardInput = true,
            RedirectStandardError = true,
        };
        start.Environment.Clear();
        using var tool = Process.Start(start)!;
        using var deadline = new Timer(_ => tool.Kill(), null, longestUnpacking, Timeout.InfiniteTimeSpan);
        tool.StandardInput.Close();
        tool.ErrorDataReceived += (_, _) => { };
        tool.BeginErrorReadLine();
        var isWhole = Copy(tool.StandardOutput.BaseStream, content);
        if (!isWhole)
        {
            tool.Kill();
        }

        tool.WaitForExit();
        return isWhole && tool.ExitCode == 0;
    }

    private static bool Copy(Stream from, MemoryStream to)
    {
        var buffer = new byte[64 << 10];
        while (from.Read(buffer) is > 0 and var count)
        {
            if (to.Length + count > LargestModule)
            {
                return false;
            }

            to.Write(buffer, 0, count);
        }

        return true;
    }
}
