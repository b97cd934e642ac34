namespace Elivepatch.Kernel.Trees;

/// <summary>Copies a folder of sources that has been looked at: links stay what they are.</summary>
internal static class SourceFolderCopy
{
    /// <summary>Copies what is in a folder into another one that is there.</summary>
    public static void Copy(string from, string to)
    {
        foreach (var entry in new DirectoryInfo(from).EnumerateFileSystemInfos())
        {
            var copy = Path.Combine(to, entry.Name);
            if (entry.LinkTarget is { } target)
            {
                File.CreateSymbolicLink(copy, target);
            }
            else if (entry is DirectoryInfo)
            {
                Copy(entry.FullName, Directory.CreateDirectory(copy).FullName);
            }
            else
            {
                File.Copy(entry.FullName, copy);
            }
        }
    }
}
