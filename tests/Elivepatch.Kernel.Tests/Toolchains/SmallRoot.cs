using System.Diagnostics;
using System.Formats.Tar;
using System.Text.RegularExpressions;

namespace Elivepatch.Kernel.Tests.Toolchains;

/// <summary>
/// A root file system as small as it can be and still be looked at: busybox, the program that bounds a sandbox, and scripts in
/// place of the tools.
/// </summary>
internal sealed partial class SmallRoot
{
    private const UnixFileMode Executable = (UnixFileMode)0x1ed; // 0755

    public const string Compiler = "gcc-77 (Elsewhere 77.1.0-1) 77.1.0";

    private readonly List<TarEntry> entries = [];

    public SmallRoot()
    {
        Folder("usr/bin");
        foreach (var name in (string[])["bin", "sbin", "lib", "lib64"])
        {
            Folder($"usr/{name}");
            Link(name, $"usr/{name}");
        }

        Copy("/bin/busybox", "usr/bin/busybox");
        Copy("/usr/bin/prlimit", "usr/bin/prlimit");
        foreach (var library in Libraries("/usr/bin/prlimit"))
        {
            Copy(library, $"usr{library[library.IndexOf("/lib", StringComparison.Ordinal)..]}");
        }

        foreach (var applet in (string[])["sh", "head", "bc", "patch", "awk", "xz"])
        {
            Link($"usr/bin/{applet}", "busybox");
        }

        foreach (var tool in (string[])["make", "flex", "bison", "perl"])
        {
            Script($"usr/bin/{tool}", tool);
        }

        Script("usr/bin/gcc-77", Compiler);
        Script("usr/bin/as", "GNU assembler (GNU Binutils) 2.44");
        Script("usr/bin/ld", "GNU ld (GNU Binutils) 2.44");
    }

    public SmallRoot Script(string path, string says) => File(path, $"#!/bin/sh\necho '{says}'\n");

    public SmallRoot File(string path, string text) => Add(new PaxTarEntry(TarEntryType.RegularFile, path), text);

    public SmallRoot Link(string path, string target) =>
        Add(new PaxTarEntry(TarEntryType.SymbolicLink, path) { LinkName = target });

    public SmallRoot Pipe(string path) => Add(new PaxTarEntry(TarEntryType.Fifo, path));

    public SmallRoot Folder(string path) => Add(new PaxTarEntry(TarEntryType.Directory, path));

    public SmallRoot Without(string path)
    {
        entries.RemoveAll(e => e.Name == path);
        return this;
    }

    /// <summary>Writes the archive; the root can be changed and written again.</summary>
    public async Task<string> WriteAsync(string path)
    {
        await using var writer = new TarWriter(System.IO.File.Create(path));
        foreach (var entry in entries)
        {
            if (entry.DataStream is { } data)
            {
                data.Position = 0;
            }

            await writer.WriteEntryAsync(entry);
        }

        return path;
    }

    private SmallRoot Add(TarEntry entry, string? text = null)
    {
        entry.Mode = Executable;
        entry.ModificationTime = DateTimeOffset.UnixEpoch;
        if (text is not null)
        {
            entry.DataStream = new MemoryStream(System.Text.Encoding.UTF8.GetBytes(text));
        }

        entries.Add(entry);
        return this;
    }

    private void Copy(string from, string to) =>
        entries.Add(
            new PaxTarEntry(TarEntryType.RegularFile, to)
            {
                Mode = Executable,
                DataStream = new MemoryStream(System.IO.File.ReadAllBytes(from)),
            }
        );

    private static List<string> Libraries(string program)
    {
        using var ldd = Process.Start(new ProcessStartInfo("ldd", program) { RedirectStandardOutput = true })!;
        var text = ldd.StandardOutput.ReadToEnd();
        ldd.WaitForExit();
        return [.. LibraryPattern().Matches(text).Select(m => m.Value).Distinct()];
    }

    [GeneratedRegex(@"/\S*lib\S+\.so\S*")]
    private static partial Regex LibraryPattern();
}
