using System.Security.Cryptography;
using Elivepatch.Builder.Sources;
using Elivepatch.Kernel;
using Elivepatch.Kernel.Processes;
using Elivepatch.Kernel.Storage;
using Elivepatch.Model;

namespace Elivepatch.Builder.Tests.Sources;

public sealed class KernelSourcesTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("sources-").FullName;
    private readonly CacheRoot cache;
    private readonly Workspace workspace;

    public KernelSourcesTests()
    {
        cache = Get(CacheRoot.Open(Path.Combine(folder, "cache")));
        workspace = cache.NewWorkspace();
    }

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        workspace.Dispose();
        Directory.Delete(folder, recursive: true);
    }

    [Theory]
    [InlineData("6.1.90-gentoo", "6.1.90", "6")]
    [InlineData("6.1.0-own", "6.1", "6")]
    [InlineData("6.12", "6.12", "6")]
    [InlineData("6.12.0-rc3", "6.12-rc3", "6")]
    [InlineData("6.12.0-rc3-next", "6.12-rc3", "6")]
    [InlineData("5.10.200", "5.10.200", "5")]
    [InlineData("6.1.9000000", null, null)]
    [InlineData("6", null, null)]
    [InlineData("own-6.1.90", null, null)]
    [InlineData("../6.1.90", null, null)]
    public void A_release_begins_with_the_version_that_it_was_made_of(string release, string? version, string? major)
    {
        Assert.Equal(version, KernelVersion.Of(release)?.Text);
        Assert.Equal(major, KernelVersion.Of(release)?.Major);
    }

    [Fact]
    public async Task A_mirrors_archive_is_taken_by_its_digest()
    {
        var mirror = Directory.CreateDirectory(Path.Combine(folder, "v6.x")).FullName;
        await File.WriteAllTextAsync(Path.Combine(mirror, "linux-6.1.90.tar.xz"), "archive", Cancellation);
        var digests = new Dictionary<string, string>
        {
            ["linux-6.1.90.tar.xz"] = Convert.ToHexStringLower(SHA256.HashData("archive"u8)),
        };
        using var sources = Open(new SourceEntry(SourceOrigin.Mirror, "*", Path.Combine(folder, "v{major}.x"), digests));
        var provided = Get(await ProvideAsync(sources, "6.1.90-own"));
        Assert.Equal("archive", await File.ReadAllTextAsync(provided.SourcePath, Cancellation));
        Assert.EndsWith(".xz", provided.SourcePath);
        // From then on the cache has it.
        Directory.Delete(mirror, recursive: true);
        Get(await ProvideAsync(sources, "6.1.90-own"));
    }

    [Fact]
    public async Task A_mirrors_archive_of_another_digest_is_refused_and_not_kept()
    {
        await File.WriteAllTextAsync(Path.Combine(folder, "linux-6.1.90.tar.xz"), "tampered", Cancellation);
        var digests = new Dictionary<string, string> { ["linux-6.1.90.tar.xz"] = new('0', 64) };
        using var sources = Open(new SourceEntry(SourceOrigin.Mirror, "*", folder, digests));
        Refused(RecordProblems.DownloadFailed, "its SHA-256 is", await ProvideAsync(sources, "6.1.90"));
        Assert.False(Directory.Exists(Path.Combine(cache.FullPath, "downloads", new string('0', 64))));
    }

    [Fact]
    public async Task What_the_digests_do_not_name_is_not_asked_for()
    {
        await File.WriteAllTextAsync(Path.Combine(folder, "linux-6.1.90.tar.xz"), "archive", Cancellation);
        using var sources = Open(new SourceEntry(SourceOrigin.Mirror, "*", folder));
        Refused(BuilderProblems.SourceNotProvided, "no linux-6.1.90.tar", await ProvideAsync(sources, "6.1.90"));
    }

    [Fact]
    public async Task A_mirror_that_is_not_there_may_be_there_later()
    {
        var digests = new Dictionary<string, string> { ["linux-6.1.90.tar.xz"] = new('0', 64) };
        using var sources = Open(new SourceEntry(SourceOrigin.Mirror, "*", Path.Combine(folder, "gone"), digests));
        Refused(RecordProblems.DownloadFailed, "gone", await ProvideAsync(sources, "6.1.90"));
    }

    [Fact]
    public async Task A_tree_serves_the_releases_that_it_is_for()
    {
        Directory.CreateDirectory(Path.Combine(folder, "linux-6.1.90"));
        using var sources = Open(new SourceEntry(SourceOrigin.Tree, "*-own", Path.Combine(folder, "linux-{version}")));
        Assert.Equal(Path.Combine(folder, "linux-6.1.90"), Get(await ProvideAsync(sources, "6.1.90-own")).SourcePath);
        Refused(BuilderProblems.SourceNotProvided, "it is for *-own", await ProvideAsync(sources, "6.1.90-other"));
        Refused(BuilderProblems.SourceNotProvided, "it is not there", await ProvideAsync(sources, "6.1.91-own"));
    }

    [Theory]
    [InlineData("../secret")]
    [InlineData("..")]
    [InlineData("6.1.90/../../secret")]
    public async Task A_release_that_climbs_is_a_bug_of_the_caller(string release)
    {
        using var sources = Open(new SourceEntry(SourceOrigin.Tree, "*", Path.Combine(folder, "trees", "{release}")));
        await Assert.ThrowsAsync<ArgumentException>(() => ProvideAsync(sources, release));
    }

    [Fact]
    public async Task A_repositorys_tag_becomes_an_archive()
    {
        var repository = Directory.CreateDirectory(Path.Combine(folder, "repository")).FullName;
        await ShellAsync(
            """
            git init -q . && git config user.email a@example.org && git config user.name a && echo first >file && git add file
            git commit -qm first && git tag -a -m first v6.1.90 && echo second >file && git commit -qam second
            """,
            repository
        );
        using var local = Open(new SourceEntry(SourceOrigin.Git, "*", repository));
        using var remote = Open(new SourceEntry(SourceOrigin.Git, "*", "file://" + repository));
        foreach (var sources in (KernelSources[])[local, remote])
        {
            var provided = Get(await ProvideAsync(sources, "6.1.90-own"));
            Assert.Equal("first\n", await ShellAsync("tar -xOf \"$1\" linux/file", repository, provided.SourcePath));
            Refused(BuilderProblems.SourceNotProvided, "no tag v6.1.91", await ProvideAsync(sources, "6.1.91"));
            Directory.Delete(Path.Combine(cache.FullPath, "git-archives"), recursive: true);
        }
    }

    [Fact]
    public async Task The_first_place_that_has_it_wins()
    {
        Directory.CreateDirectory(Path.Combine(folder, "second"));
        Directory.CreateDirectory(Path.Combine(folder, "third"));
        using var sources = Open(
            new SourceEntry(SourceOrigin.Tree, "*", Path.Combine(folder, "first")),
            new SourceEntry(SourceOrigin.Tree, "*", Path.Combine(folder, "second")),
            new SourceEntry(SourceOrigin.Tree, "*", Path.Combine(folder, "third"))
        );
        Assert.Equal(Path.Combine(folder, "second"), Get(await ProvideAsync(sources, "6.1.90")).SourcePath);
        Assert.True((await sources.GetCoverageAsync(new("6.1.90", "b", null), Cancellation)).IsCovered);
    }

    [Fact]
    public async Task What_was_sent_comes_last_and_has_to_be_an_archive()
    {
        var sent = Path.Combine(folder, "blob");
        await ShellAsync("mkdir linux && tar -cJf blob linux", folder);
        using var sources = Open(new SourceEntry(SourceOrigin.Tree, "*-own", folder));
        Assert.EndsWith(".tar.xz", Get(await ProvideAsync(sources, "6.1.90", sent)).SourcePath);
        Assert.Equal(folder, Get(await ProvideAsync(sources, "6.1.90-own", sent)).SourcePath);
        await File.WriteAllTextAsync(sent, "#!/bin/sh", Cancellation);
        Refused(RecordProblems.SourceUnusable, "not a tar archive", await ProvideAsync(sources, "6.1.90", sent));
    }

    [Fact]
    public async Task Where_no_place_is_configured_that_is_said()
    {
        using var sources = Open();
        Refused(BuilderProblems.SourceNotProvided, "no place is configured", await ProvideAsync(sources, "6.1.90"));
    }

    [Fact]
    public async Task A_list_of_digests_is_read_as_sha256sum_writes_it()
    {
        var path = Path.Combine(folder, "sums");
        await File.WriteAllTextAsync(
            path,
            $"-----BEGIN PGP SIGNED MESSAGE-----\n{new string('A', 64)}  linux-6.1.tar.xz\n{new string('b', 64)} *linux-6.2.tar.xz\nshort  name\n",
            Cancellation
        );
        var digests = Get(DigestList.Read(path));
        Assert.Equal(2, digests.Count);
        Assert.Equal(new string('a', 64), digests["linux-6.1.tar.xz"]);
        Assert.Equal(new string('b', 64), digests["linux-6.2.tar.xz"]);
        await File.WriteAllTextAsync(path, "nothing", Cancellation);
        Assert.False(DigestList.Read(path).Succeeded);
        Assert.False(DigestList.Read(path + "-missing").Succeeded);
    }

    private KernelSources Open(params SourceEntry[] entries) => new(cache, entries, TimeProvider.System);

    private Task<Outcome<ProvidedSource>> ProvideAsync(KernelSources sources, string release, string? sent = null)
    {
        foreach (var link in Directory.EnumerateFiles(workspace.FullPath))
        {
            File.Delete(link);
        }

        return sources.ProvideAsync(new(release, new string('a', 40), sent), workspace, null, Cancellation);
    }

    private static async Task<string> ShellAsync(string script, string where, params string[] words)
    {
        var result = await ProcessRunner.RunAsync(
            new()
            {
                File = "sh",
                Arguments = ["-c", script, "sh", .. words],
                WorkingDirectory = where,
            },
            Cancellation
        );
        Assert.True(result.Succeeded, result.Describe());
        return result.Output;
    }

    private static T Get<T>(Outcome<T> outcome)
    {
        Assert.True(outcome.Succeeded, string.Join('\n', outcome.Problems));
        return outcome.Value;
    }

    private static void Refused(ProblemCode code, string reason, Outcome<ProvidedSource> outcome)
    {
        Assert.False(outcome.Succeeded);
        Assert.Equal(code, outcome.Problems[0].Code);
        Assert.Contains(reason, outcome.Problems[0].Reason, StringComparison.Ordinal);
    }
}
