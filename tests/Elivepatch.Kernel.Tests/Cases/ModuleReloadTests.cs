using Elivepatch.Kernel.Import;
using Elivepatch.Kernel.VirtualMachines;
using Xunit;

namespace Elivepatch.Kernel.Tests.Cases;

/// <summary>A module goes and comes back while it is in use, and is patched whenever it is there.</summary>
[Collection(nameof(CaseCollection))]
public sealed class ModuleReloadTests(StockKernel stock, CaseBuilds builds)
{
    private const string Module = "loop";

    [Fact(Skip = FullRun.Reason, SkipType = typeof(FullRun), SkipUnless = nameof(FullRun.IsAsked))]
    public async Task A_module_that_is_reloaded_ten_times_under_load_is_patched_each_time()
    {
        var record = await stock.RecordAsync();
        var livepatch = StockKernel.Get(await builds.GetAsync(LivepatchCase.Named("330-module-function")));
        var genuine = StockKernel.Get(await new ModuleFiles(stock.Cache, record).ReadAsync(Module, Cancellation));
        var job = new GuestJob
        {
            Architecture = record.Facts.Architecture,
            Kernel = record.BootImagePath!,
            Script = $$"""
                livepatch=/sys/kernel/livepatch/{{livepatch.Name}}
                fail() { echo "$*"; dmesg | tail -n 20; touch stop; exit 1; }
                is_settled() { [ "$(cat $livepatch/transition 2>/dev/null)" = "$1" ]; }
                settle() { tries=0; until is_settled "$1"; do tries=$((tries + 1)); [ $tries -lt 600 ] || fail "no end"; usleep 50000; done; }

                # While a device is attached the module cannot go; in between it can.
                use() {
                    while [ ! -e stop ]; do
                        if losetup /dev/loop$1 disk$1 2>/dev/null; then
                            shown=$(cat /sys/block/loop$1/loop/sizelimit)
                            [ "$shown" = "live 0" ] || echo "loop$1 shows '$shown'" >>wrong
                            cmp disk$1 /dev/loop$1 >>wrong 2>&1
                            losetup -d /dev/loop$1 && echo >>used
                        fi
                        usleep 20000
                    done
                }

                insmod loop.ko && insmod livepatch.ko && settle 0 || fail "not loaded"
                for number in 0 1; do
                    dd if=/dev/urandom of=disk$number bs=64k count=4 2>/dev/null
                    use $number &
                done

                for round in 1 2 3 4 5 6 7 8 9 10; do
                    tries=0
                    until rmmod {{Module}} 2>/dev/null; do
                        tries=$((tries + 1))
                        [ $tries -lt 2000 ] || fail "the module cannot be unloaded in round $round"
                        usleep 5000
                    done
                    [ "$(cat $livepatch/{{Module}}/patched)" = 0 ] || fail "what is not there is patched in round $round"
                    insmod loop.ko || fail "the module is not loaded in round $round"
                    [ "$(cat $livepatch/{{Module}}/patched)" = 1 ] || fail "the module is not patched in round $round"
                    before=$(wc -l <used)
                    tries=0
                    until [ "$(wc -l <used)" -gt $((before + 2)) ]; do
                        tries=$((tries + 1))
                        [ $tries -lt 600 ] || fail "nobody uses the module in round $round"
                        usleep 10000
                    done
                done

                touch stop
                wait
                [ ! -s wrong ] || fail "$(sort wrong | uniq -c)"
                echo 0 >$livepatch/enabled
                settle ""
                rmmod {{livepatch.Name}} || fail "the livepatch stays"
                losetup /dev/loop0 disk0 && [ "$(cat /sys/block/loop0/loop/sizelimit)" = 0 ] || fail "the module is still patched"
                ! dmesg | grep -e WARNING: -e BUG: -e Oops
                """,
            Files = [new("livepatch.ko", livepatch.Module), new("loop.ko", genuine)],
        };
        var result = StockKernel.Get(await VirtualMachine.RunAsync(job, Cancellation));
        Assert.True(result.ExitStatus == 0, result.Output);
    }

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;
}
