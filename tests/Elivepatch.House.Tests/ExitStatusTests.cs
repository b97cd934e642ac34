using Elivepatch.Model;
using Elivepatch.Terminal;

namespace Elivepatch.House.Tests;

/// <summary>Which exit status several problems of one command have.</summary>
public sealed class ExitStatusTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(1, 401)]
    [InlineData(2, 950)]
    [InlineData(3, 400)]
    [InlineData(4, 403)]
    [InlineData(5, 301)]
    [InlineData(5, 403, 301)]
    [InlineData(4, 400, 404)]
    [InlineData(75, 1002)]
    [InlineData(75, 1211)]
    [InlineData(75, 1002, 1218)]
    [InlineData(1, 1002, 401)]
    [InlineData(4, 1211, 1218)]
    public void The_weightiest_problem_gives_the_exit_status(int status, params int[] numbers) =>
        Assert.Equal(status, ExitStatus.Of(numbers.Select(n => new Problem(ProblemCatalog.All.First(c => c.Number == n), ""))));
}
