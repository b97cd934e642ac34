using System.Text.Json;

namespace Elivepatch.Author.Tests;

/// <summary><c>elivepatch diff</c> on small objects.</summary>
public sealed class DiffCommandTests : IDisposable
{
    private const string Source = """
        int print(const char *format);
        int limit = 7;
        static __attribute__((noinline)) int helper(int x) { return x * 3 + limit; }
        int show(int x) { print("VmallocChunk:"); return helper(x); }
        """;

    private readonly Scratch scratch = new();
    private readonly TestSession run = new();

    private string Before => field ??= scratch.Compile("before", Source);

    [Fact]
    public async Task A_changed_string_names_the_function_that_shows_it()
    {
        var after = scratch.Compile("after", Source.Replace("VmallocChunk", "VMALLOCCHUNK", StringComparison.Ordinal));
        Assert.Equal(0, await run.RunAsync("diff", Before, after));
        Assert.Contains("changed functions:", run.Output, StringComparison.Ordinal);
        Assert.Matches(@"(?m)^  show +\+0x", run.Output);
        Assert.DoesNotContain("helper", run.Output, StringComparison.Ordinal);
        Assert.Empty(run.Error);
    }

    [Fact]
    public async Task Equal_objects_give_status_3()
    {
        var after = scratch.Compile("after", "/* a comment */\n" + Source);
        Assert.Equal(3, await run.RunAsync("diff", Before, after));
        Assert.Contains("nothing changed", run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_changed_initialiser_is_refused_with_status_4()
    {
        var after = scratch.Compile("after", Source.Replace("limit = 7", "limit = 8", StringComparison.Ordinal));
        Assert.Equal(4, await run.RunAsync("diff", Before, after));
        Assert.Contains("ELP0403 an initialiser of existing data changed", run.Output, StringComparison.Ordinal);
        Assert.Contains("what to do: ", run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task New_and_removed_things_are_listed()
    {
        var after = scratch.Compile(
            "after",
            """
            int print(const char *format);
            int limit = 7;
            static int calls;
            static __attribute__((noinline)) int fresh(int x) { return x * 5 + limit + calls++; }
            int show(int x) { print("VmallocChunk:"); return fresh(x); }
            """
        );
        Assert.Equal(0, await run.RunAsync("diff", "--json", Before, after));
        var report = JsonDocument.Parse(run.Output).RootElement;
        Assert.Equal("unit.c", report.GetProperty("unit").GetString());
        Assert.Equal("show", report.GetProperty("changed")[0].GetProperty("name").GetString());
        var added = report.GetProperty("newFunctions")[0];
        Assert.Equal("fresh", added.GetProperty("name").GetString());
        Assert.False(added.GetProperty("isGlobal").GetBoolean());
        Assert.True(added.GetProperty("isUsed").GetBoolean());
        Assert.Equal("helper", report.GetProperty("removedFunctions")[0].GetString());
        Assert.Equal("calls", report.GetProperty("newData")[0].GetProperty("name").GetString());
        Assert.Empty(report.GetProperty("refused").EnumerateArray());
    }

    [Fact]
    public async Task A_file_that_is_no_object_is_a_problem_and_no_crash()
    {
        var garbage = scratch.Write("garbage.o", "this is text");
        Assert.Equal(1, await run.RunAsync("diff", Before, garbage));
        Assert.StartsWith("ELP0401 ", run.Error, StringComparison.Ordinal);
        Assert.Empty(run.Output);
    }

    [Fact]
    public async Task A_missing_file_is_a_usage_problem_as_json_array()
    {
        Assert.Equal(2, await run.RunAsync("diff", "--json", scratch.PathOf("none.o"), scratch.Folder));
        var problems = JsonDocument.Parse(run.Output).RootElement;
        Assert.Equal(2, problems.GetArrayLength());
        Assert.Equal("ELP0951", problems[0].GetProperty("code").GetString());
        Assert.Equal(["code", "title", "reason", "remedy", "kind"], problems[0].EnumerateObject().Select(p => p.Name));
    }

    public void Dispose() => scratch.Dispose();
}
