using System.Text.RegularExpressions;
using Elivepatch.Engine.Facts;
using Elivepatch.Kernel.Build;
using Elivepatch.Kernel.VirtualMachines;
using Elivepatch.Protocol.Captures;
using Xunit;
using static Elivepatch.Kernel.Tests.StockKernel;

namespace Elivepatch.Kernel.Tests.PublishedClient;

/// <summary>
/// The published file in a guest where something is in its way: ftrace is off, a kprobe sits at the patched function, it is
/// stopped or killed before it has seen that the machine stays up.
/// </summary>
public sealed class ObstructedMachineTests(StockKernel stock)
{
    private const string Script = """
        mv lib/* /lib/ 2>/dev/null || { mkdir -p /lib; mv lib/* /lib/; }
        mkdir -p /lib64 /boot
        ln -s /lib/ld-linux-x86-64.so.2 /lib64/ld-linux-x86-64.so.2
        mv config /boot/config-$(uname -r)
        mkdir -p /etc/systemd/system/multi-user.target.wants
        touch /etc/systemd/system/elivepatch.service
        ln -s ../elivepatch.service /etc/systemd/system/multi-user.target.wants/
        mount -t debugfs none /sys/kernel/debug 2>/dev/null
        mount -t tracefs none /sys/kernel/tracing 2>/dev/null
        chmod 700 state elivepatch
        cp -a state killed
        export ELIVEPATCH_STATE=/job/state

        # Waits until a line that begins so is in a file.
        until_said() {
            waits=0
            until grep -q "^$1" $2; do
                waits=$((waits + 1))
                [ $waits -lt 240 ] || { cat $2; exit 1; }
                sleep 1
            done
        }
        attempts() { echo "attempts $(sed -n 's/.*"attempts": *\([0-9]*\).*/\1/p' $1/boot.json)"; }

        echo "== ftrace is off"
        sysctl -w kernel.ftrace_enabled=0 >/dev/null
        ./elivepatch load-persisted 2>&1 | grep -v '^[a-z]'
        attempts state
        sysctl -w kernel.ftrace_enabled=1 >/dev/null

        echo "== a probe is in the way"
        insmod probe.ko
        ./elivepatch load-persisted >loaded 2>said &
        client=$!
        until_said 'not now' said
        grep '^not now' said | head -1
        attempts state
        echo 'p:here vfs_read' >/sys/kernel/tracing/kprobe_events
        # Where the second instruction after the entry begins is the compiler's choice.
        for offset in $(seq 5 30); do
            echo "p:inside vfs_read+$offset" >>/sys/kernel/tracing/kprobe_events && break
        done 2>/dev/null
        for event in here inside; do echo 1 >/sys/kernel/tracing/events/kprobes/$event/enable; done
        ./elivepatch capture -o /out/capture >/dev/null 2>captured || cat captured
        for event in here inside; do echo 0 >/sys/kernel/tracing/events/kprobes/$event/enable; done
        echo >/sys/kernel/tracing/kprobe_events
        rmmod probe
        until_said "$LIVEPATCH: live" loaded
        cat loaded
        attempts state

        echo "== it is stopped in good order"
        kill -TERM $client
        wait $client
        echo "status $?"
        attempts state
        ./elivepatch status --check
        echo "status $?"

        echo "== it is killed"
        ./elivepatch disable $LIVEPATCH 2>/dev/null
        ./elivepatch unload $LIVEPATCH
        ./elivepatch status --check
        echo "status $?"
        export ELIVEPATCH_STATE=/job/killed
        ./elivepatch load-persisted >loaded 2>said &
        client=$!
        until_said "$LIVEPATCH: live" loaded
        kill -KILL $client
        wait $client
        echo "status $?"
        attempts killed
        """;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact(Skip = FullRun.Reason, SkipType = typeof(FullRun), SkipUnless = nameof(FullRun.IsAsked))]
    public async Task It_names_what_is_in_the_way_waits_for_it_and_counts_only_what_was_no_orderly_end()
    {
        var record = await stock.RecordAsync();
        var patch = Path.Combine(Repository.Root, "examples", "meminfo-caps.patch");
        var built = Get(
            await new LivepatchBuild(stock.Cache).RunAsync(new(record, [patch], [], null, Replace: true, null), Cancellation)
        );
        var client = await PublishedClientTests.PublishAsync();
        var job = new GuestJob
        {
            Architecture = record.Facts.Architecture,
            Kernel = record.BootImagePath!,
            Script = $"LIVEPATCH={built.Name}\n{Script}",
            Files =
            [
                new("elivepatch", await File.ReadAllBytesAsync(client, Cancellation), Executable: true),
                .. Get(await GuestLibraries.OfAsync(client, Cancellation)),
                .. PublishedClientTests.State(record, built, await File.ReadAllBytesAsync(patch, Cancellation)),
                new("probe.ko", await ProbeModule.BuildAsync(stock, "meminfo_proc_show", Cancellation)),
                new("config", await File.ReadAllBytesAsync(record.ConfigPath, Cancellation)),
            ],
            Memory = 1024,
            Timeout = TimeSpan.FromMinutes(15),
            SilenceLimit = TimeSpan.FromMinutes(10),
        };

        var result = Get(await VirtualMachine.RunAsync(job, Cancellation));

        Assert.True(result.ExitStatus == 0, result.Output + result.Failure);
        var expected = $"""
            == ftrace is off
            ELP1220 the kernel's settings do not allow a livepatch
              kernel.ftrace_enabled is 0: no function can be diverted
              what to do: Turn it on \(sysctl kernel.ftrace_enabled=1\), and find out who turned it off.
            attempts 0
            == a probe is in the way
            not now, again in 5 s: ELP1221 {built.Name}: Device or resource busy \(errno 16\): already diverted by something else: meminfo_proc_show
            attempts 0
            {built.Name}: live
            attempts 1
            == it is stopped in good order
            status 143
            attempts 0
            OK: {built.Name} live
            status 0
            == it is killed
            {built.Name}: disabled; [^\n]*
            {built.Name}: unloaded
            OK: no livepatch is wanted for {Regex.Escape(record.Facts.Release)}
            status 0
            (Killed
            )?status 137
            attempts 1
            """.ReplaceLineEndings("\n");
        Assert.True(Regex.IsMatch(result.Output, expected), result.Output);

        // What probes and tracers add to the symbols is no obstacle to a capture.
        var captured = Get(CaptureFile.Read(new MemoryStream(result.Files["capture"].ToArray())));
        var symbols = Get(KernelSymbols.Parse(captured.Kallsyms.ToArray()));
        Assert.Contains("__builtin__kprobes", symbols.Modules);
        Assert.Contains("__builtin__ftrace", symbols.Modules);
        Assert.Contains("probe", symbols.Modules);
    }
}
