using Elivepatch.Kernel.Import;
using Elivepatch.Kernel.Tests.Cases;
using Elivepatch.Kernel.VirtualMachines;
using Xunit;
using static Elivepatch.Kernel.Tests.StockKernel;

namespace Elivepatch.Kernel.Tests.PublishedClient;

/// <summary>
/// A guest that Debian's systemd starts, with udev and a list of modules to load: what <c>persist</c> installs comes before them.
/// </summary>
[Collection(nameof(CaseCollection))]
public sealed class BootOrderTests(StockKernel stock, CaseBuilds builds)
{
    // systemd is the first process of a namespace of its own: to the kernel, whose modules and uevents there are only once, it is
    // as good as the machine's.
    private const string Script = """
        fail() { echo "$*"; exit 1; }
        mkdir /system
        mount -t tmpfs -o size=80%,mode=755 system /system
        tar -xzf system.tar.gz -C /system || fail "the system is not unpacked"
        rm system.tar.gz
        cd /system
        mkdir -p proc sys dev run tmp var/lib usr/local/sbin etc/systemd/system etc/modules-load.d lib/modules/$RELEASE/kernel
        echo root:x:0:0:root:/root:/bin/sh >etc/passwd
        echo root:x:0: >etc/group
        : >etc/machine-id
        cp /job/elivepatch usr/local/sbin/
        cp -a /job/state var/lib/elivepatch
        chmod 700 var/lib/elivepatch usr/local/sbin/elivepatch
        cp /job/loop.ko lib/modules/$RELEASE/kernel/
        echo loop >etc/modules-load.d/loop.conf
        mount -t proc proc proc
        mount -t sysfs sys sys
        mount -t devtmpfs dev dev
        chroot . /sbin/depmod $RELEASE || fail "depmod fails"
        chroot . /usr/local/sbin/elivepatch persist || fail "nothing is persisted"
        umount proc

        cat >etc/systemd/system/report.service <<-END
        [Unit]
        After=systemd-modules-load.service systemd-repart.service elivepatch.service
        [Service]
        Type=oneshot
        ExecStart=/bin/sh -c 'systemctl --no-pager status elivepatch.service >/run/report 2>&1; touch /run/reported'
        END
        printf '[Unit]\nWants=report.service\n' >etc/systemd/system/default.target

        unshare --pid --mount --fork sh -c '
            mount -t proc proc proc
            exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin chroot . /lib/systemd/systemd' >/system/console 2>&1 &
        waits=0
        until [ -e run/reported ] || [ -e proc/1/root/run/reported ]; do
            waits=$((waits + 1))
            [ $waits -lt 300 ] || break
            [ $((waits % 20)) != 0 ] || echo "waited $waits s"
            for process in $(pidof systemd); do [ ! -e /proc/$process/root/run/reported ] || break 2; done
            sleep 1
        done
        for process in $(pidof systemd); do cat /proc/$process/root/run/report 2>/dev/null; done
        tail -n 50 /system/console
        echo "== log"
        dmesg | grep -E 'livepatch: |loop: module loaded|systemd\[1\]' | sed 's/^\[[^]]*\] //'
        echo "== state"
        cat /sys/kernel/livepatch/*/loop/patched
        """;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact(Skip = FullRun.Reason, SkipType = typeof(FullRun), SkipUnless = nameof(FullRun.IsAsked))]
    public async Task A_livepatch_is_enabled_at_boot_before_the_module_that_it_is_for_is_loaded()
    {
        var record = await stock.RecordAsync();
        var tried = LivepatchCase.Named("330-module-function");
        var built = Get(await builds.GetAsync(tried));
        var client = await PublishedClientTests.PublishAsync();
        var patch = tried.PatchFiles.Single();
        var job = new GuestJob
        {
            Architecture = record.Facts.Architecture,
            Kernel = record.BootImagePath!,
            Script = $"LIVEPATCH={built.Name} RELEASE={record.Facts.Release}\n{Script}",
            Files =
            [
                new("elivepatch", await File.ReadAllBytesAsync(client, Cancellation), Executable: true),
                new("system.tar.gz", await MakeSystemAsync()),
                new("loop.ko", Get(await new ModuleFiles(stock.Cache, record).ReadAsync("loop", Cancellation))),
                .. PublishedClientTests.State(record, built, await File.ReadAllBytesAsync(patch, Cancellation)),
            ],
            Memory = 1536,
            Timeout = TimeSpan.FromMinutes(20),
            SilenceLimit = TimeSpan.FromMinutes(10),
        };

        var result = Get(await VirtualMachine.RunAsync(job, Cancellation));

        Assert.True(result.ExitStatus == 0, result.Output + result.Failure);
        Assert.EndsWith("== state\n1\n", result.Output, StringComparison.Ordinal);
        var enabled = result.Output.IndexOf($"livepatch: enabling patch '{built.Name}'", StringComparison.Ordinal);
        var loaded = result.Output.IndexOf("loop: module loaded", StringComparison.Ordinal);
        Assert.True(0 < enabled && enabled < loaded, result.Output);
        Assert.Contains("Active: active (running)", result.Output, StringComparison.Ordinal);
    }

    // As small as Debian's packages make it; nothing in it is configured.
    private static async Task<byte[]> MakeSystemAsync()
    {
        var folder = Directory.CreateTempSubdirectory("boot-order-");
        try
        {
            var file = Path.Combine(folder.FullName, "system.tar.gz");
            await PublishedClientTests.OutputAsync(
                "mmdebstrap",
                "--quiet",
                "--variant=extract",
                "--include=systemd,udev,kmod,dash,mount,coreutils,libssl3",
                "--customize-hook=rm -rf \"$1\"/usr/share/doc \"$1\"/usr/share/man \"$1\"/usr/share/locale \"$1\"/var/lib/apt/lists/*",
                "bookworm",
                file
            );
            return await File.ReadAllBytesAsync(file, Cancellation);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }
}
