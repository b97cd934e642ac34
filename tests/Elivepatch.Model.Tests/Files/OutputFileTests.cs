using Elivepatch.Model.Files;

namespace Elivepatch.Model.Tests.Files;

/// <summary>Files that the command writes are there whole or not at all.</summary>
public sealed class OutputFileTests : IDisposable
{
    private readonly Scratch scratch = new();

    [Fact]
    public void A_file_is_replaced_in_one_piece()
    {
        var path = scratch.Write("a.ko", "old");
        Assert.Null(OutputFile.Write(path, s => s.Write("new"u8)));
        Assert.Equal("new", File.ReadAllText(path));
        Assert.Single(Directory.GetFiles(scratch.Folder));
    }

    [Fact]
    public void A_write_that_is_interrupted_leaves_the_old_file_and_nothing_else()
    {
        var path = scratch.Write("a.ko", "old");
        Assert.Throws<OperationCanceledException>(() =>
            OutputFile.Write(
                path,
                s =>
                {
                    s.Write("half"u8);
                    throw new OperationCanceledException();
                }
            )
        );
        Assert.Equal("old", File.ReadAllText(path));
        Assert.Single(Directory.GetFiles(scratch.Folder));
    }

    [Theory]
    [InlineData("/proc/folder")]
    [InlineData("")]
    [InlineData("a\u0000b")]
    public void A_folder_that_cannot_be_made_is_a_problem_of_the_environment(string path) =>
        Assert.Equal(CommandProblems.OutputUnusable, OutputFile.MakeFolder(path)?.Code);

    [Fact]
    public void A_folder_that_is_there_will_do()
    {
        Assert.Null(OutputFile.MakeFolder(scratch.PathOf("some/folder")));
        Assert.Null(OutputFile.MakeFolder(scratch.PathOf("some/folder")));
    }

    [Fact]
    public void A_write_that_fails_is_a_problem_of_the_environment()
    {
        var problem = OutputFile.Write(scratch.PathOf("a.ko"), _ => throw new IOException("no space left"));
        Assert.Equal(CommandProblems.OutputUnusable, problem?.Code);
        Assert.Empty(Directory.GetFiles(scratch.Folder));
    }

    [Theory]
    [InlineData("")]
    [InlineData("/")]
    [InlineData("/dev/null")]
    [InlineData("/nonexistent/a.ko")]
    public void A_path_that_cannot_be_written_is_known_before_the_work(string path)
    {
        Assert.Equal(CommandProblems.OutputUnusable, OutputFile.Check(path)?.Code);
        Assert.True(!OperatingSystem.IsLinux() || File.Exists("/dev/null"));
    }

    [Fact]
    public void A_link_to_a_device_is_left_alone()
    {
        File.CreateSymbolicLink(scratch.PathOf("null"), "/dev/null");
        Assert.NotNull(OutputFile.Write(scratch.PathOf("null"), _ => { }));
    }

    public void Dispose() => scratch.Dispose();
}
