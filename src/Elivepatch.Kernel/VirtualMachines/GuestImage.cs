// In: a static busybox, our scripts and the job's files. Out: the initial root file system that a guest boots from. It is built
// here, device nodes included, so that nobody needs to be root.

using System.Globalization;
using System.Reflection;

namespace Elivepatch.Kernel.VirtualMachines;

/// <summary>The initial root file system of a guest.</summary>
internal static class GuestImage
{
    /// <summary>Where the job's files are in the guest.</summary>
    public const string JobFolder = "job";

    /// <summary>Writes the image.</summary>
    /// <param name="output">Where to.</param>
    /// <param name="busybox">A static busybox.</param>
    /// <param name="nonce">What marks events on the guest's pipe, see <see cref="GuestStream"/>.</param>
    /// <param name="main">The shell code that init reads when the guest is ready.</param>
    /// <param name="files">Files for the job's folder.</param>
    /// <param name="network">The guest's network, or null.</param>
    public static void Write(
        Stream output,
        ReadOnlySpan<byte> busybox,
        string nonce,
        string main,
        IEnumerable<GuestFile> files,
        GuestNetwork? network = null
    )
    {
        var cpio = new CpioWriter(output);
        foreach (var folder in (string[])["proc", "sys", "tmp", "out", JobFolder])
        {
            cpio.AddDirectory(folder);
        }
        // The kernel opens the console for init before there is a devtmpfs.
        cpio.AddCharacterDevice("dev/console", 5, 1);
        cpio.AddCharacterDevice("dev/null", 1, 3);
        cpio.AddFile("bin/busybox", busybox, executable: true);
        AddText(cpio, "init", Script("init.sh"), executable: true);
        AddText(cpio, "guest/nonce", nonce, executable: false);
        AddText(cpio, "guest/main.sh", main, executable: false);
        if (network is not null)
        {
            cpio.AddDirectory("guest/network");
            for (var i = 0; i < network.Drivers.Count; i++)
            {
                cpio.AddFile(
                    string.Create(CultureInfo.InvariantCulture, $"guest/network/{i}.ko"),
                    network.Drivers[i].Span,
                    executable: false
                );
            }
        }

        foreach (var file in files)
        {
            cpio.AddFile($"{JobFolder}/{file.Path}", file.Content.Span, file.Executable);
        }

        cpio.End();
    }

    /// <summary>One of the shell scripts that are part of this assembly.</summary>
    public static string Script(string name)
    {
        using var stream =
            Assembly.GetExecutingAssembly().GetManifestResourceStream($"guest/{name}")
            ?? throw new InvalidOperationException($"no guest script {name}");
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }

    private static void AddText(CpioWriter cpio, string path, string text, bool executable) =>
        cpio.AddFile(path, System.Text.Encoding.UTF8.GetBytes(text), executable);
}
