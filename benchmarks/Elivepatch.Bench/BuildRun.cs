using System.Diagnostics;
using System.Text.Json;
using Elivepatch.Kernel.Processes;

namespace Elivepatch.Bench;

/// <summary>One run of the command: from the start of its process to the end.</summary>
/// <param name="Seconds">Wall-clock time of the process.</param>
/// <param name="Stages">Times of the stages, in seconds, in order, as the command tells them.</param>
internal sealed record BuildRun(double Seconds, IReadOnlyList<StageSeconds> Stages)
{
    /// <summary>Builds a patch.</summary>
    public static async Task<BuildRun> MeasureAsync(
        BenchOptions options,
        string kernel,
        string patch,
        string cache,
        CancellationToken cancellation
    )
    {
        var module = Path.Combine(cache, "bench.ko");
        var environment = new Dictionary<string, string>
        {
            ["ELIVEPATCH_CACHE"] = cache,
            ["PATH"] = Environment.GetEnvironmentVariable("PATH") ?? "/usr/bin:/bin",
            ["HOME"] = cache,
        };
        if (Environment.GetEnvironmentVariable("DOTNET_ROOT") is { } runtime)
        {
            environment["DOTNET_ROOT"] = runtime;
        }

        var watch = Stopwatch.StartNew();
        var result = await ProcessRunner.RunAsync(
            new ProcessRequest
            {
                File = options.Command,
                Arguments = ["build", "-k", kernel, "-o", module, "--timings", "--json", patch],
                Environment = environment,
            },
            cancellation
        );
        var seconds = watch.Elapsed.TotalSeconds;
        if (!result.Succeeded)
        {
            throw new InvalidOperationException($"{patch}: {result.Describe()} {result.Output}");
        }

        using var report = JsonDocument.Parse(result.OutputBytes);
        return new(
            seconds,
            [
                .. report
                    .RootElement.GetProperty("timings")
                    .EnumerateArray()
                    .Select(t => new StageSeconds(
                        t.GetProperty("stage").GetString() ?? "",
                        t.GetProperty("seconds").GetDouble()
                    )),
            ]
        );
    }
}
