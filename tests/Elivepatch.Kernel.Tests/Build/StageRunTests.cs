using Elivepatch.Kernel.Build;
using Elivepatch.Model;
using Elivepatch.Model.Progress;
using Xunit;

namespace Elivepatch.Kernel.Tests.Build;

public class StageRunTests
{
    private static readonly Problem problem = new(PatchProblems.NothingChanged, "it is so");

    [Fact]
    public async Task The_values_of_stages_are_given_on_and_their_times_kept()
    {
        var seen = new List<string>();
        var run = new StageRun(new Told(seen));
        var one = await run.RunAsync("first", () => (Outcome<int>)1);
        var two = await run.RunAsync("second", () => Task.FromResult((Outcome<int>)(one + 1)));
        var made = run.Make(() => two * 10);
        var result = run.End(() => run.Take(() => (Outcome<int>)(made + two)));
        Assert.Equal(22, result.Value);
        Assert.Equal(["first", "second"], run.Times.Select(t => t.Stage));
        Assert.Equal(["first Running", "first Done", "second Running", "second Done"], seen);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Nothing_is_begun_behind_a_failure(bool isStage)
    {
        var seen = new List<string>();
        var run = new StageRun(new Told(seen));
        var failed = isStage
            ? await run.RunAsync("first", () => (Outcome<string>)problem)
            : run.Take(() => (Outcome<string>)problem);
        var length = await run.RunAsync("second", () => (Outcome<int>)failed.Length);
        await run.RunAsync<int>("third", Task<Outcome<int>> () => throw new InvalidOperationException("it was begun"));
        _ = run.Make(() => failed.Length);
        _ = run.Take(() => (Outcome<int>)failed.Length);
        Assert.Equal(problem, Assert.Single(run.End(() => failed.Length + length).Problems));
        Assert.Equal(isStage ? ["first Running", "first Failed"] : [], seen);
    }

    private sealed class Told(List<string> seen) : IProgress<StageEvent>
    {
        public void Report(StageEvent value) => seen.Add($"{value.Stage} {value.State}");
    }
}
