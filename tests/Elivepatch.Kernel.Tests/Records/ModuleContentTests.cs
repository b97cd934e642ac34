using Elivepatch.Kernel.Processes;
using Elivepatch.Kernel.Records;
using Xunit;

namespace Elivepatch.Kernel.Tests.Records;

public sealed class ModuleContentTests
{
    // As much of an ELF file as tells that it is one.
    private static readonly byte[] module = [0x7f, (byte)'E', (byte)'L', (byte)'F', 2, 1, 1, .. new byte[4089]];

    [Theory]
    [InlineData("cat")]
    [InlineData("xz", "--check=crc32")]
    [InlineData("zstd", "-q")]
    [InlineData("gzip", "-n")]
    public async Task A_module_is_read_however_it_is_compressed(string program, params string[] arguments)
    {
        var packed = await PackAsync(program, arguments, module);
        var read = await ModuleContent.ReadAsync("fake", packed, TestContext.Current.CancellationToken);
        Assert.Equal(module, StockKernel.Get(read).ToArray());
    }

    [Fact]
    public async Task What_is_no_module_is_refused()
    {
        foreach (
            var file in new[] { [], "not a module"u8.ToArray(), [0xfd, (byte)'7', (byte)'z', (byte)'X', (byte)'Z', 0, 1, 2] }
        )
        {
            var read = await ModuleContent.ReadAsync("fake", file, TestContext.Current.CancellationToken);
            Assert.Equal(RecordProblems.ModuleUnreadable, Assert.Single(read.Problems).Code);
        }
    }

    [Fact]
    public async Task No_more_is_unpacked_than_a_module_may_have()
    {
        var bomb = await PackAsync("bash", ["-c", $"head -c {ModuleContent.Largest + 1L} /dev/zero | gzip -1"], []);
        var read = await ModuleContent.ReadAsync("fake", bomb, TestContext.Current.CancellationToken);
        Assert.Contains(
            $"more than {ModuleContent.Largest >> 20} MiB",
            Assert.Single(read.Problems).Reason,
            StringComparison.Ordinal
        );
    }

    private static async Task<byte[]> PackAsync(string program, IReadOnlyList<string> arguments, byte[] content)
    {
        var result = await ProcessRunner.RunAsync(
            new ProcessRequest
            {
                File = program,
                Arguments = arguments,
                Input = content,
                InheritEnvironment = true,
                OutputLimit = 64 << 20,
            },
            TestContext.Current.CancellationToken
        );
        Assert.True(result.Succeeded, result.Describe());
        return result.OutputBytes.ToArray();
    }
}
