using System.Text;
using System.Text.Json;
using Elivepatch.Kernel.Records;
using Elivepatch.Kernel.Storage;

namespace Elivepatch.Author.Tests;

/// <summary><c>elivepatch kernel</c> and what other verbs do with kernels.</summary>
public sealed class KernelCommandTests : IDisposable
{
    private const string Name = "6.12.1-test";

    private readonly Scratch scratch = new();
    private readonly TestSession run = new();

    public KernelCommandTests() => run.Variables["ELIVEPATCH_CACHE"] = scratch.PathOf("cache");

    [Fact]
    public async Task An_empty_list_is_no_failure()
    {
        Assert.Equal(0, await run.RunAsync("kernel", "list"));
        Assert.Contains("no kernel has been imported", run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_empty_list_is_an_empty_array_for_scripts()
    {
        Assert.Equal(0, await run.RunAsync("kernel", "list", "--json"));
        Assert.Equal(0, JsonDocument.Parse(run.Output).RootElement.GetArrayLength());
    }

    [Fact]
    public async Task A_kernel_is_listed_with_its_proof()
    {
        AddKernel();
        Assert.Equal(0, await run.RunAsync("kernel", "list"));
        Assert.Matches(@"(?m)^6\.12\.1-test +0123456789ab +layout +capture +2026-01-02 03:04$", run.Output);
    }

    [Fact]
    public async Task A_kernel_is_shown_by_its_build_id_as_data()
    {
        AddKernel();
        Assert.Equal(0, await run.RunAsync("kernel", "show", "0123456789abcdef0123456789abcdef01234567", "--json"));
        var kernel = JsonDocument.Parse(run.Output).RootElement;
        Assert.Equal(Name, kernel.GetProperty("name").GetString());
        Assert.Equal("layout", kernel.GetProperty("proof").GetString());
        Assert.False(kernel.GetProperty("hasBootImage").GetBoolean());
        Assert.Equal("local.patch", kernel.GetProperty("basePatches")[0].GetString());
    }

    [Fact]
    public async Task A_removed_kernel_is_gone()
    {
        AddKernel();
        Assert.Equal(0, await run.RunAsync("kernel", "remove", Name));
        Assert.Equal(2, await run.RunAsync("kernel", "show", Name));
        Assert.StartsWith("ELP0701 ", run.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("6.12.1")]
    [InlineData]
    [InlineData("--capture", "a.capture")]
    [InlineData("debian:6.12.1", "--source", "linux")]
    public async Task An_import_must_name_one_kernel(params string[] words)
    {
        Assert.Equal(2, await run.RunAsync(["kernel", "import", .. words]));
        Assert.StartsWith("ELP0950 ", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_kernel_without_boot_image_cannot_be_tried()
    {
        AddKernel();
        Assert.Equal(2, await run.RunAsync("try", "-k", Name, "a.ko"));
        Assert.StartsWith("ELP0953 ", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_build_for_an_unknown_kernel_leaves_the_old_module_alone()
    {
        var old = scratch.Write("old.ko", "old");
        Assert.Equal(2, await run.RunAsync("build", "-k", "none", "-o", old, "--json", "a.patch"));
        Assert.Equal("ELP0701", JsonDocument.Parse(run.Output).RootElement[0].GetProperty("code").GetString());
        Assert.Equal("old", File.ReadAllText(old));
        Assert.Empty(run.Error);
    }

    [Fact]
    public async Task A_build_into_a_folder_that_is_not_there_fails_before_the_work()
    {
        AddKernel();
        Assert.Equal(1, await run.RunAsync("build", "-k", Name, "-o", scratch.PathOf("none/a.ko"), "a.patch"));
        Assert.StartsWith("ELP0952 ", run.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--module-path", "/var/lib/dkms/pulse/1.0/build")]
    [InlineData("--make-variable", "CONFIG_PULSE_LOG=y")]
    public async Task How_a_module_was_compiled_is_only_said_of_a_source_of_its_own(params string[] words)
    {
        AddKernel();
        Assert.Equal(2, await run.RunAsync(["build", "-k", Name, "-o", scratch.PathOf("a.ko"), .. words, "a.patch"]));
        Assert.StartsWith("ELP0950 ", run.Error, StringComparison.Ordinal);
        Assert.Contains("--module-source", run.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("no patch at all\n", 4, "ELP0101", "stdin.patch: it has no change of a file", "-")]
    [InlineData("", 2, "ELP0950", "which can be named only once", "-", "-")]
    public async Task A_patch_is_read_from_the_standard_input(
        string text,
        int status,
        string number,
        string reason,
        params string[] patches
    )
    {
        AddKernel();
        var piped = new TestSession { Input = Encoding.ASCII.GetBytes(text) };
        piped.Variables["ELIVEPATCH_CACHE"] = run.Variables["ELIVEPATCH_CACHE"];
        Assert.Equal(status, await piped.RunAsync(["build", "-k", Name, "-o", scratch.PathOf("a.ko"), .. patches]));
        Assert.Contains(number, piped.Error, StringComparison.Ordinal);
        Assert.Contains(reason, piped.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_piped_patch_has_an_end()
    {
        AddKernel();
        var piped = new TestSession { Input = new byte[(16 << 20) + 1] };
        piped.Variables["ELIVEPATCH_CACHE"] = run.Variables["ELIVEPATCH_CACHE"];
        Assert.Equal(4, await piped.RunAsync("build", "-k", Name, "-o", scratch.PathOf("a.ko"), "-"));
        Assert.Contains("the standard input has more than 16 MiB", piped.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_file_that_is_no_livepatch_is_refused()
    {
        var plain = scratch.Compile("plain", "int x(void) { return 1; }");
        Assert.Equal(4, await run.RunAsync("inspect", plain));
        Assert.StartsWith("ELP0601 ", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_script_that_does_not_exist_is_a_usage_problem()
    {
        Assert.Equal(2, await run.RunAsync("try", "-k", "none", "--script", scratch.PathOf("none.sh"), "a.ko"));
        Assert.Contains("ELP0951 ", run.Error, StringComparison.Ordinal);
        Assert.Contains("ELP0701 ", run.Error, StringComparison.Ordinal);
    }

    public void Dispose() => scratch.Dispose();

    private void AddKernel()
    {
        var cache = CacheRoot.Open(scratch.PathOf("cache")).Value;
        using var workspace = cache.NewWorkspace();
        File.WriteAllText(Path.Combine(workspace.FullPath, "config"), "CONFIG_LIVEPATCH=y\n");
        File.WriteAllText(Path.Combine(workspace.FullPath, "kallsyms"), "ffffffff81000000 T _text\n");
        new KernelStore(cache).Add(
            workspace,
            new KernelFacts
            {
                Name = Name,
                Release = Name,
                BuildId = "0123456789abcdef0123456789abcdef01234567",
                Compiler = "gcc-12",
                SourceDigest = new string('0', 64),
                BasePatches = [new("local.patch", new string('0', 64))],
                Origin = new("capture", [], new(2026, 1, 2, 3, 4, 5, TimeSpan.Zero)),
                Layouts = new(new Dictionary<string, int>(), new Dictionary<string, int>(), new Dictionary<string, int>()),
            }
        );
    }
}
