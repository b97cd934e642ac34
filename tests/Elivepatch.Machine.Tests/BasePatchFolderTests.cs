namespace Elivepatch.Machine.Tests;

/// <summary>The patches that the package manager built the kernel with.</summary>
public sealed class BasePatchFolderTests : IDisposable
{
    private readonly Scratch scratch = new();

    [Fact]
    public void There_are_none_where_there_is_no_such_folder() => Assert.Empty(Find("6.12.5-gentoo-r1")!);

    [Fact]
    public void They_come_in_the_order_of_their_names_and_the_more_specific_folder_hides_the_other()
    {
        Add("gentoo-sources/20-b.patch", "general");
        Add("gentoo-sources/10-a.diff", "general");
        Add("gentoo-sources/Z.patch", "general");
        Add("gentoo-sources/readme.txt", "no patch");
        Add("gentoo-sources-6.12.5/20-b.patch", "version");
        Add("gentoo-sources-6.12.5-r1/30-c.patch", "revision");
        Add("gentoo-sources-6.12.5-r2/40-other-revision.patch", "x");
        Add("gentoo-sources-6.12.4/50-other-version.patch", "x");
        Add("gentoo-sources:6.12.5-r1/05-slot.patch", "slot");
        Add("gentoo-sources:6.6.1/06-other-slot.patch", "x");
        Assert.Equal(
            ["05-slot.patch=slot", "10-a.diff=general", "20-b.patch=version", "30-c.patch=revision", "Z.patch=general"],
            Find("6.12.5-gentoo-r1")!
        );
    }

    [Fact]
    public void An_empty_file_and_a_link_to_nowhere_take_a_patch_away()
    {
        Add("gentoo-sources/a.patch", "a");
        Add("gentoo-sources/b.patch", "b");
        Add("gentoo-sources/c.patch", "c");
        Add("gentoo-sources-6.12.5/a.patch", "");
        File.CreateSymbolicLink(scratch.PathOf($"{BasePatchFolder.Folder}/gentoo-sources-6.12.5/b.patch"), "/dev/null");
        Assert.Equal(["c.patch=c"], Find("6.12.5-gentoo")!);
    }

    [Fact]
    public void Several_packages_are_a_question_that_is_not_guessed()
    {
        Add("gentoo-sources/a.patch", "a");
        Add("gentoo-kernel/b.patch", "b");
        Assert.Null(Find("6.12.5-gentoo-dist"));
        Assert.Equal(["b.patch=b"], Find("6.12.5-gentoo-dist", "gentoo-kernel")!);
    }

    public void Dispose() => scratch.Dispose();

    private void Add(string path, string content)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(scratch.PathOf($"{BasePatchFolder.Folder}/{path}"))!);
        scratch.Write($"{BasePatchFolder.Folder}/{path}", content);
    }

    // Null where it is a problem.
    private IEnumerable<string>? Find(string release, string? package = null)
    {
        var found = BasePatchFolder.Find(new MachineFiles(scratch.Folder), release, package);
        return found.TryGet(out var paths) ? paths.Select(p => $"{Path.GetFileName(p)}={File.ReadAllText(p)}") : null;
    }
}
