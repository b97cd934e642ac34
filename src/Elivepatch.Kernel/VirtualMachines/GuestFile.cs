namespace Elivepatch.Kernel.VirtualMachines;

/// <summary>A file to be put into a guest.</summary>
/// <param name="Path">Where in the guest, relative to the job's folder: names and single slashes, no <c>..</c>.</param>
/// <param name="Content">What is in it.</param>
/// <param name="Executable">Mode 0755 instead of 0644.</param>
public sealed record GuestFile(string Path, ReadOnlyMemory<byte> Content, bool Executable = false)
{
    /// <summary>A text file with Unix line ends.</summary>
    public static GuestFile Text(string path, string text, bool executable = false) =>
        new(path, System.Text.Encoding.UTF8.GetBytes(text), executable);
}
