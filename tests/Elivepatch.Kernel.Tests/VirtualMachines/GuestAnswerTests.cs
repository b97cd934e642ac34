using System.Globalization;
using Elivepatch.Kernel.Architectures;
using Elivepatch.Kernel.VirtualMachines;
using Xunit;

namespace Elivepatch.Kernel.Tests.VirtualMachines;

/// <summary>
/// Many guests at once on a machine that has too few processors for them: what each sends has to come whole, each time.
/// </summary>
public sealed class GuestAnswerTests(StockKernel stock)
{
    private const int AtOnce = 8;
    private const int Answer = 12 << 20; // about what a kernel's symbols have

    // $ELIVEPATCH_GUESTS asks for another number of them.
    private static int Guests =>
        Environment.GetEnvironmentVariable("ELIVEPATCH_GUESTS") is { } number
            ? int.Parse(number, CultureInfo.InvariantCulture)
            : AtOnce;

    [Fact(Skip = FullRun.Reason, SkipType = typeof(FullRun), SkipUnless = nameof(FullRun.IsAsked))]
    public async Task No_answer_is_lost_where_many_guests_run_at_once()
    {
        var job = new GuestJob
        {
            Architecture = KernelArchitectures.X8664,
            // In a root that has another emulator and no compiler, the kernel is one that was imported elsewhere.
            Kernel = Environment.GetEnvironmentVariable("ELIVEPATCH_GUEST_KERNEL") ?? (await stock.RecordAsync()).BootImagePath!,
            Script = $"head -c {Answer} /dev/zero | tr '\\0' x >/out/answer",
            Timeout = TimeSpan.FromMinutes(20),
            SilenceLimit = TimeSpan.FromMinutes(10),
        };
        var lost = new List<string>();

        var options = new ParallelOptions
        {
            MaxDegreeOfParallelism = AtOnce,
            CancellationToken = TestContext.Current.CancellationToken,
        };
        await Parallel.ForEachAsync(
            Enumerable.Range(0, Guests),
            options,
            async (number, cancellation) =>
            {
                var run = (await VirtualMachine.RunAsync(job, cancellation)).Then(r => r.RequireSuccess());
                var length = run.Succeeded ? run.Value.Files["answer"].Length : 0;
                if (length != Answer)
                {
                    lock (lost)
                    {
                        lost.Add($"guest {number}: {length} bytes {string.Join(' ', run.Problems)}");
                    }
                }
            }
        );

        Assert.Empty(lost);
    }
}
