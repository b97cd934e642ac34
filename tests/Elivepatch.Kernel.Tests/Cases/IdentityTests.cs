using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using Elivepatch.Engine.Diff;
using Elivepatch.Kernel.Architectures;
using Elivepatch.Kernel.Build;
using Elivepatch.Kernel.Records;
using Elivepatch.Kernel.VirtualMachines;
using Xunit;
using static Elivepatch.Kernel.Tests.StockKernel;

namespace Elivepatch.Kernel.Tests.Cases;

/// <summary>Functions of the kernel's core and of its modules are replaced by themselves, and nobody can tell.</summary>
[Collection(nameof(CaseCollection))]
public sealed partial class IdentityTests(StockKernel stock)
{
    private const string Script = """
        export CASE="$PWD"
        sh ./identity.sh "$@"
        """;

    // A part of the units is enough to see that nothing is wrong with all of them.
    private static int Step => FullRun.IsAsked ? 1 : 3;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public Task Functions_replaced_by_themselves_do_what_they_did() => ReplaceAsync("identity");

    [Fact(Skip = FullRun.Reason, SkipType = typeof(FullRun), SkipUnless = nameof(FullRun.IsAsked))]
    public Task Functions_of_modules_replaced_by_themselves_do_what_they_did() => ReplaceAsync("identity-modules");

    private async Task ReplaceAsync(string planned)
    {
        var record = await stock.RecordAsync();
        using var plan = JsonDocument.Parse(await File.ReadAllBytesAsync(PathOf($"{planned}.json"), Cancellation));
        var units = plan.RootElement.GetProperty("units").EnumerateArray().Where((_, i) => i % Step == 0);
        var request = new BuildRequest(record, [], [], "livepatch_identity", Replace: true, KeepFolder: null)
        {
            AlsoFunctions = units.ToDictionary(u => u.GetProperty("file").GetString()!, SelectionOf),
        };

        var built = Get(await new LivepatchBuild(stock.Cache).RunAsync(request, Cancellation));
        var replaced = built.Explanation.Functions.Count(f => f.Replaces is not null);
        Assert.InRange(replaced, Least("minimumFunctions"), int.MaxValue);

        var report = await TryAsync(record, built, $"{planned}-workload.sh");

        Assert.True(report.Passed, TrialText.Of(report, report.Problems));
        var reached = report.Phases.Where(p => p.Name == "during").Select(p => Reached().Match(p.Output)).Single(m => m.Success);
        var count = int.Parse(reached.Groups[1].ValueSpan, CultureInfo.InvariantCulture);
        TestContext.Current.TestOutputHelper?.WriteLine($"{replaced} functions replaced, {count} of them run");
        Assert.InRange(count, Least("minimumReached"), replaced);

        // Units are not of one size.
        int Least(string name) => plan.RootElement.GetProperty(name).GetInt32() / (Step * Step);
    }

    private static FunctionSelection SelectionOf(JsonElement unit) =>
        unit.TryGetProperty("functions", out var functions)
            ? new(functions.EnumerateArray().Select(f => f.GetString()!).ToHashSet(), AllTraceable: false)
            : new(new HashSet<string>(), AllTraceable: true);

    private async Task<TrialReport> TryAsync(KernelRecord record, BuildResult built, string workload)
    {
        var folder = Directory.CreateTempSubdirectory("identity-");
        try
        {
            var module = Path.Combine(folder.FullName, built.Name + ".ko");
            await File.WriteAllBytesAsync(module, built.Module, Cancellation);
            var trial = new TrialCase
            {
                Name = "identity",
                Modules = [module],
                Script = Script,
                ScriptTimeout = TimeSpan.FromMinutes(5),
                TransitionTimeout = TimeSpan.FromMinutes(3),
                Files =
                [
                    GuestFile.Text("identity.sh", await File.ReadAllTextAsync(PathOf("identity.sh"), Cancellation)),
                    GuestFile.Text("identity-workload.sh", await File.ReadAllTextAsync(PathOf(workload), Cancellation)),
                    await GuestProgram.CompileAsync(PathOf("identity-workload.c")),
                    await GuestProgram.CompileAsync(PathOf("identity-reached.c")),
                ],
            };
            return Get(
                await LivepatchTrial.RunAsync(
                    new()
                    {
                        Architecture = KernelArchitectures.X8664,
                        Kernel = record.BootImagePath!,
                        Modules = new(stock.Cache, record),
                        Cases = [trial],
                    },
                    Cancellation
                )
            )[0];
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static string PathOf(string name) => Path.Combine(LivepatchCase.Root, name);

    [GeneratedRegex("^reached ([0-9]{1,6})$", RegexOptions.Multiline)]
    private static partial Regex Reached();
}
