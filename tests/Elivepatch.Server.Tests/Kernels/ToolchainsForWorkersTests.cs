using Elivepatch.Kernel;
using Elivepatch.Kernel.Tests.Toolchains;
using Elivepatch.Kernel.Toolchains;
using Elivepatch.Server.Kernels;
using Microsoft.Extensions.Logging.Abstractions;
using static Elivepatch.Server.Tests.Waiting;

namespace Elivepatch.Server.Tests.Kernels;

/// <summary>What a server does about compilers that no worker has.</summary>
public sealed class ToolchainsForWorkersTests : IDisposable
{
    private const string Debians = "x86_64-linux-gnu-gcc-99 (Debian 99.1.0-1) 99.1.0";
    private readonly Scratch scratch = new();
    private readonly SetClock clock = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => scratch.Dispose();

    [Theory]
    [InlineData("gcc-77 (Elsewhere 77.1.0-1) 77.1.0")]
    [InlineData("gcc")]
    [InlineData("")]
    public void A_compiler_that_is_not_here_and_not_of_Debian_does_not_come(string compiler)
    {
        using var toolchains = Open();
        Assert.False(toolchains.IsComing(compiler));
        Assert.Null(toolchains.FailureOf(compiler));
    }

    [Fact]
    public async Task A_root_that_is_here_is_waited_for_until_workers_must_have_it()
    {
        await new ImportedRoots(scratch.Cache()).RunAsync(
            await new SmallRoot().WriteAsync(scratch.PathOf("root.tar")),
            Cancellation
        );
        using var toolchains = Open();
        await toolchains.StartAsync(Cancellation);
        Assert.True(toolchains.IsComing("x86_64-linux-gnu-" + SmallRoot.Compiler));
        Assert.Single(toolchains.List());
        Assert.True(toolchains.IsComing(SmallRoot.Compiler));
        // Workers of another processor never ask for such builds.
        await UntilAsync(() =>
        {
            clock.Passed += TimeSpan.FromMinutes(3);
            return !toolchains.IsComing(SmallRoot.Compiler);
        });
        await toolchains.StopAsync(Cancellation);
    }

    [Fact]
    public async Task What_cannot_be_made_is_told_with_its_reason_and_tried_again_later()
    {
        using var toolchains = Open();
        await toolchains.StartAsync(Cancellation);
        Assert.True(toolchains.IsComing(Debians));
        await UntilAsync(() => toolchains.FailureOf(Debians) is not null);
        Assert.Equal(CompileProblems.CompilerMissing, toolchains.FailureOf(Debians)!.Code);
        Assert.False(toolchains.IsComing(Debians));
        clock.Passed += TimeSpan.FromMinutes(11);
        Assert.True(toolchains.IsComing(Debians));
        await toolchains.StopAsync(Cancellation);
    }

    [Fact]
    public async Task Those_that_were_looked_for_long_ago_leave_room_for_others()
    {
        using var toolchains = Open();
        await toolchains.StartAsync(Cancellation);
        for (var i = 0; i < 300; i++)
        {
            var compiler = $"gcc (Debian {i}.1.0-1) {i}.1.0";
            Assert.True(toolchains.IsComing(compiler));
            await UntilAsync(() => toolchains.FailureOf(compiler) is not null);
            clock.Passed += TimeSpan.FromMinutes(1);
        }

        await toolchains.StopAsync(Cancellation);
    }

    [Fact]
    public void Of_more_compilers_than_anybody_has_the_rest_does_not_come()
    {
        // Nothing is made: it was not started.
        using var toolchains = Open();
        var coming = Enumerable.Range(0, 1000).Count(i => toolchains.IsComing($"gcc (Debian {i}.1.0-1) {i}.1.0"));
        Assert.InRange(coming, 1, 100);
        Assert.False(toolchains.IsComing($"gcc (Debian 9.1.0-{new string('1', 1000)}) 9.1.0"));
    }

    private ToolchainsForWorkers Open() =>
        new(scratch.Cache(), clock, NullLogger<ToolchainsForWorkers>.Instance) { IsOffline = true };
}
