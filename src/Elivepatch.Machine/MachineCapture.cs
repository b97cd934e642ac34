// In: the root folder of a machine. Out: the capture of the kernel that runs on it. Everything comes from files, so that the root
// can be that of this machine, of a virtual one, or of a test.

using System.IO.Compression;
using System.Text;
using Elivepatch.Model;
using Elivepatch.Protocol.Captures;

namespace Elivepatch.Machine;

/// <summary>Captures the running kernel.</summary>
public sealed class MachineCapture(string root = "/")
{
    /// <summary>Takes the capture.</summary>
    public Outcome<CaptureFile> Take()
    {
        try
        {
            return TakeAll();
        }
        catch (UnauthorizedAccessException e)
        {
            return Impossible(e.Message, Environment.IsPrivilegedProcess ? "Find out what keeps root from reading it." : null);
        }
        catch (Exception e) when (e is IOException or InvalidDataException)
        {
            return Impossible(e.Message, "Check that the file can be read and is complete.");
        }
    }

    private Outcome<CaptureFile> TakeAll()
    {
        if (Read("proc/sys/kernel/osrelease") is not { } osRelease)
        {
            return Impossible("/proc/sys/kernel/osrelease is missing", "Have /proc mounted: mount /proc.");
        }

        var release = Text(osRelease).Trim();
        if (!ReleaseName.IsValid(release))
        {
            return Impossible(
                "the release is not valid",
                "Boot a kernel whose release (`uname -r`) consists of letters, digits and . _ + ~ -."
            );
        }
        if (Read("sys/kernel/notes") is not { } notes || BuildId.FindHere(notes) is not { } buildId)
        {
            return Impossible(
                "/sys/kernel/notes has no build-id",
                "Have /sys mounted (mount /sys); a kernel that was linked without --build-id cannot be captured."
            );
        }
        if (ReadConfig(release) is not { } config)
        {
            return Impossible(
                $"there is no /proc/config.gz, /lib/modules/{release}/build/.config or /boot/config-{release}",
                "Install the kernel's headers, load the module configs, or put the configuration that it was built with into "
                    + $"/boot/config-{release}."
            );
        }
        if (Read("proc/kallsyms") is not { Length: > 0 } kallsyms)
        {
            return Impossible(
                "/proc/kallsyms is missing or empty",
                "Use a kernel with CONFIG_KALLSYMS=y, and have /proc mounted."
            );
        }

        if (HidesAddresses(kallsyms))
        {
            return Hidden();
        }

        var facts = new CaptureFacts
        {
            Release = release,
            BuildId = buildId.Hex,
            Compiler = KernelConfig.Parse(Text(config)).CompilerText,
            // Whatever the root, the processor is this machine's.
            Machine = MachineNames.Here,
            KernelVersionText = Text(Read("proc/version") ?? []).Trim(),
            Modules = Modules(),
            Livepatches = Folders("sys/kernel/livepatch"),
        };
        var symvers = Read($"lib/modules/{release}/build/Module.symvers") is { } found ? found : default(ReadOnlyMemory<byte>?);
        return new CaptureFile(facts, config, kallsyms, symvers, notes);
    }

    // The kernel's own copy first; then that of its headers; the one in /boot last, for Debian removes keys from it.
    private byte[]? ReadConfig(string release)
    {
        if (Read("proc/config.gz") is { } compressed)
        {
            using var stream = new GZipStream(new MemoryStream(compressed), CompressionMode.Decompress);
            using var text = new MemoryStream();
            stream.CopyTo(text);
            return text.ToArray();
        }
        return Read($"lib/modules/{release}/build/.config") ?? Read($"boot/config-{release}");
    }

    private static bool HidesAddresses(ReadOnlySpan<byte> kallsyms)
    {
        foreach (var line in kallsyms.Split((byte)'\n'))
        {
            var text = kallsyms[line];
            var blank = text.IndexOf((byte)' ');
            if (blank > 0 && text[..blank].ContainsAnyExcept((byte)'0'))
            {
                return false;
            }
        }
        return true;
    }

    private List<LoadedModule> Modules()
    {
        var modules = new List<LoadedModule>();
        foreach (var line in Text(Read("proc/modules") ?? []).Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            if (line.Split(' ') is not [var name, var size, ..] || !IsModuleName(name))
            {
                continue;
            }

            var notes = Read($"sys/module/{name}/notes/.note.gnu.build-id");
            _ = long.TryParse(size, System.Globalization.CultureInfo.InvariantCulture, out var bytes);
            modules.Add(new(name, notes is null ? null : BuildId.FindHere(notes)?.Hex, bytes));
        }
        return modules;
    }

    private static bool IsModuleName(string name) =>
        name.Length > 0 && name.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '-');

    private List<string> Folders(string path)
    {
        var folder = Path.Combine(root, path);
        return Directory.Exists(folder)
            ? [.. Directory.EnumerateDirectories(folder).Select(d => Path.GetFileName(d)).Order(StringComparer.Ordinal)]
            : [];
    }

    // Files of /proc and /sys tell no size, so they are read to their end.
    private byte[]? Read(string path)
    {
        var full = Path.Combine(root, path);
        if (!File.Exists(full))
        {
            return null;
        }

        using var stream = new FileStream(full, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        using var content = new MemoryStream();
        stream.CopyTo(content);
        return content.ToArray();
    }

    private static string Text(byte[] bytes) => Encoding.UTF8.GetString(bytes);

    // 0 and 1 show the addresses to whoever has CAP_SYSLOG on the machine itself, which root in a container has not; 2 and more
    // to nobody (kallsyms_show_value() of kernel/kallsyms.c, or of kernel/ksyms_common.c).
    private Problem Hidden()
    {
        var restriction = Text(Read("proc/sys/kernel/kptr_restrict") ?? []).Trim();
        var isShut = restriction is "2" or "3";
        var (reason, remedy) = (Environment.IsPrivilegedProcess, isShut) switch
        {
            (true, true) => ("the addresses, even from root", "Show them to root: sysctl kernel.kptr_restrict=1."),
            (true, false) => (
                "the addresses from this root, who lacks CAP_SYSLOG",
                "Run the command on the machine itself: root in a container, or under a security module, may not see them."
            ),
            (false, true) => ("the addresses from everybody", "Run the command as root, after sysctl kernel.kptr_restrict=1."),
            (false, false) => ("the addresses from everybody but root", "Run the command as root."),
        };
        var value = restriction.Length > 0 ? $" (kernel.kptr_restrict is {restriction})" : "";
        return new(KernelProblems.HiddenAddresses, $"/proc/kallsyms hides {reason}{value}", remedy);
    }

    private static Problem Impossible(string reason, string? remedy) => new(MachineProblems.CaptureImpossible, reason, remedy);
}
