using System.Globalization;

namespace Elivepatch.Kernel.VirtualMachines;

/// <summary>The command line of the emulator.</summary>
internal static class QemuCommand
{
    /// <summary>
    /// How many ports of the guest lead to its channel: one of virtio, and a serial one for kernels without that.
    /// </summary>
    public const int Ports = 2;

    /// <summary>The arguments for one guest.</summary>
    /// <param name="job">What to do in it.</param>
    /// <param name="kernel">Where the emulator sees the boot image.</param>
    /// <param name="image">Where the emulator sees the initramfs.</param>
    /// <param name="channel">Where it sees the socket of the guest's channel.</param>
    /// <param name="hasKvm">It may use <see cref="KvmDevice"/>.</param>
    public static IReadOnlyList<string> Arguments(GuestJob job, string kernel, string image, string channel, bool hasKvm) =>
        [
            "-no-user-config",
            "-nodefaults",
            "-display",
            "none",
            "-no-reboot",
            // Whoever breaks out of the guest finds a process that may start nothing and become nobody else.
            "-sandbox",
            "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny",
            // Where KVM turns out not to work, the emulator says so on the console and goes on to the next of its accelerators.
            // One thread for all processors that are emulated. With one for each, a processor was seen to take a breakpoint
            // ("Oops: int3") at a static branch whose bytes in memory were those after the change already: it still ran what it
            // had translated before.
            .. job.Architecture.Emulator.Machine,
            .. hasKvm ? (string[])["-accel", "kvm"] : [],
            "-accel",
            "tcg,thread=single",
            "-smp",
            job.Processors.ToString(CultureInfo.InvariantCulture),
            "-m",
            job.Memory.ToString(CultureInfo.InvariantCulture),
            // A file as back end only ever carries bytes out of the guest; /dev/fd/2 is a pipe of ours.
            "-chardev",
            "file,id=console,path=/dev/fd/2",
            "-serial",
            "chardev:console",
            "-chardev",
            $"socket,id=spare,path={channel}",
            "-serial",
            "chardev:spare",
            "-chardev",
            $"socket,id=channel,path={channel}",
            "-device",
            "virtio-serial-pci",
            "-device",
            "virtserialport,chardev=channel,name=org.elivepatch.channel",
            // Its boot ROM is for booting over the network.
            .. job.Network is null
                ? []
                : (string[])["-netdev", "user,id=network", "-device", "virtio-net-pci,netdev=network,romfile="],
            "-kernel",
            kernel,
            "-initrd",
            image,
            "-append",
            string.Join(
                ' ',
                [
                    $"console={job.Architecture.Emulator.Console}",
                    .. KernelArguments,
                    .. job.Architecture.Emulator.KernelArguments,
                    .. job.RandomizesAddresses ? [] : NoKaslr,
                    .. job.KernelArguments,
                ]
            ),
        ];

    private static readonly string[] NoKaslr = ["nokaslr"];

    // quiet and loglevel: only warnings and worse while it boots, because every character on the serial line costs; init turns
    // all messages on. nokaslr: symbols at the addresses that they were linked at. panic, reboot: the emulator ends when the
    // kernel does. printk.devkmsg: our marks in the log are not rate-limited.
    private static IReadOnlyList<string> KernelArguments => ["quiet", "loglevel=5", "panic=-1", "printk.devkmsg=on"];
}
