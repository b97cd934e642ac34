using Elivepatch.Kernel.Records;
using Elivepatch.Kernel.Storage;
using Elivepatch.Kernel.VirtualMachines;
using Xunit;

namespace Elivepatch.Kernel.Tests.Cases;

/// <summary>
/// Tries all cases that can be built, once: one boot for those that do not disturb each other, and one for each of the others.
/// A case that does not build is absent; the test of its build says why.
/// </summary>
public sealed class CaseTrials(StockKernel stock, CaseBuilds builds) : IAsyncLifetime
{
    private const string Script = """
        export CASE="$PWD"
        sh ./script.sh "$1"
        """;

    // The former livepatch is the first to be loaded: the phases of both cases meet when it is in effect.
    private const string ReplacingScript = """
        export CASE="$PWD"
        case $*$(cat trial.during 2>/dev/null) in
        before) sh former/script.sh before ;;
        after) sh former/script.sh after && sh ./script.sh after ;;
        during*seen) sh ./script.sh during ;;
        during*) echo seen >trial.during; sh former/script.sh during && sh ./script.sh before ;;
        esac
        """;

    private IReadOnlyDictionary<string, TrialReport> reports = new Dictionary<string, TrialReport>();

    /// <summary>The report of a case, or null where there is no module to try.</summary>
    public TrialReport? ReportOf(string name) => reports.GetValueOrDefault(name);

    public async ValueTask InitializeAsync()
    {
        builds.StartAll();
        reports = await TryAsync(
            stock.Cache,
            await stock.RecordAsync(),
            builds,
            LivepatchCase.All.Where(c => c.Expect.Status == 0)
        );
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    /// <summary>Tries those of some cases that were built; the reports by case.</summary>
    internal static async Task<IReadOnlyDictionary<string, TrialReport>> TryAsync(
        CacheRoot cache,
        KernelRecord record,
        CaseBuilds builds,
        IEnumerable<LivepatchCase> cases
    )
    {
        var folder = Directory.CreateTempSubdirectory("case-trials-");
        try
        {
            var shared = new List<TrialCase>();
            var alone = new List<TrialCase>();
            foreach (var tried in cases)
            {
                if (await PrepareAsync(builds, tried, folder.FullName) is { } trial)
                {
                    (tried.OwnBoot ? alone : shared).Add(trial);
                }
            }

            var reports = new Dictionary<string, TrialReport>();
            foreach (var boot in alone.Select(t => (IReadOnlyList<TrialCase>)[t]).Prepend(shared).Where(b => b.Count > 0))
            {
                var request = new TrialRequest
                {
                    Architecture = record.Facts.Architecture,
                    Kernel = record.BootImagePath!,
                    Modules = new(cache, record),
                    Cases = boot,
                };
                foreach (var report in StockKernel.Get(await LivepatchTrial.RunAsync(request, CancellationToken.None)))
                {
                    reports.Add(report.Case, report);
                }
            }

            return reports;
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static async Task<TrialCase?> PrepareAsync(CaseBuilds builds, LivepatchCase tried, string folder)
    {
        var former = tried.Replaces is { } name ? LivepatchCase.Named(name) : null;
        var modules = new List<string>();
        foreach (var loaded in new[] { former, tried }.OfType<LivepatchCase>())
        {
            var outcome = await builds.GetAsync(loaded);
            if (!outcome.TryGet(out var built))
            {
                return null;
            }

            modules.Add(Path.Combine(folder, built.Name + ".ko"));
            await File.WriteAllBytesAsync(modules[^1], built.Module);
        }

        var files = new List<GuestFile> { ScriptOf(tried, "script.sh") };
        if (former is not null)
        {
            files.Add(ScriptOf(former, "former/script.sh"));
        }

        foreach (var program in tried.Programs)
        {
            files.Add(await GuestProgram.CompileAsync(program));
        }

        return new()
        {
            Name = tried.Name,
            Modules = modules,
            Script = former is null ? Script : ReplacingScript,
            Files = files,
        };
    }

    private static GuestFile ScriptOf(LivepatchCase tried, string path) =>
        GuestFile.Text(path, File.ReadAllText(tried.ScriptFile!), executable: true);
}
