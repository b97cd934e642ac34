using Elivepatch.Engine.Architectures.X8664;
using Elivepatch.Protocol.Captures;

namespace Elivepatch.Kernel.Architectures;

/// <summary>The processors whose kernels can be built.</summary>
public static class KernelArchitectures
{
    /// <summary>x86-64.</summary>
    public static KernelArchitecture X8664 { get; } =
        new(
            X8664Architecture.Instance,
            MachineNames.X8664,
            "x86",
            "x86_64-linux-gnu",
            "amd64",
            "X86_64",
            0xffffffff81000000, // arch/x86/include/asm/page_types.h, __START_KERNEL
            new(
                BootFolders: ["arch/x86/boot/", "arch/x86/realmode/", "arch/x86/purgatory/"],
                VdsoFolders: ["arch/x86/entry/vdso/", "arch/x86/um/vdso/"],
                // The tables of the kernel's own decoder are made from this text.
                BuildInputs: ["arch/x86/lib/x86-opcode-map.txt"],
                AnyAssembly: "arch/x86/entry/entry_64.S",
                // arch/x86/kernel/cpu/mkcapflags.sh
                FeatureLists: ["arch/x86/include/asm/cpufeatures.h", "arch/x86/include/asm/vmxfeatures.h"],
                Features: ["X86_FEATURE_", "X86_BUG_", "VMX_FEATURE_"]
            ),
            new BzImage(),
            // The old PC has fewer devices to probe than q35 and boots a second faster. Five-level page tables only cost time.
            new("qemu-system-x86_64", "qemu-system-x86", ["-machine", "pc", "-cpu", "max,la57=off"], "ttyS0", ["reboot=t"])
        );

    /// <summary>All of them.</summary>
    public static IReadOnlyList<KernelArchitecture> All { get; } = [X8664];

    /// <summary>Their names at machines, for people.</summary>
    public static string Names => string.Join(" and ", All.Select(a => a.Machine));

    /// <summary>
    /// That of this machine, whose compilers and libraries are the ones at hand; null where nothing is known of it.
    /// </summary>
    public static KernelArchitecture? Host => Of(MachineNames.Here);

    /// <summary>The one of a machine, by what <c>uname -m</c> prints there; null where it is not known.</summary>
    public static KernelArchitecture? Of(string? machine) => All.FirstOrDefault(a => a.Machine == machine);
}
