// In: the symbols of the running kernel. Out: what kind of memory an address of vmlinux is. The linker script brackets each kind
// by a pair of symbols (arch/x86/kernel/vmlinux.lds.S, include/asm-generic/vmlinux.lds.h, include/asm-generic/sections.h), and
// the kernel itself frees and protects by these pairs: free_initmem(), mark_rodata_ro(). So they decide, not the sections of an
// object.
namespace Elivepatch.Engine.Facts;

/// <summary>The map of the running kernel's memory.</summary>
public sealed class KernelMemory
{
    // The per-processor area lies between __init_begin and __init_end where its symbols are no zero-based offsets, and read-only
    // data contains what became read-only: the first range that holds an address decides.
    private static readonly (string First, string End, MemoryKind Kind)[] boundaries =
    [
        ("__per_cpu_start", "__per_cpu_end", MemoryKind.PerCpu),
        ("__init_begin", "__init_end", MemoryKind.Init),
        ("__start_ro_after_init", "__end_ro_after_init", MemoryKind.ReadOnlyAfterInit),
        ("__start_rodata", "__end_rodata", MemoryKind.Constant),
        ("_stext", "_etext", MemoryKind.Code),
        ("_sdata", "_edata", MemoryKind.Data),
        ("__bss_start", "__bss_stop", MemoryKind.Data),
    ];

    private readonly List<(ulong First, ulong End, MemoryKind Kind)> ranges = [];

    /// <summary>Reads the map from the symbols of the linker script.</summary>
    public KernelMemory(KernelSymbols symbols)
    {
        foreach ((var first, var end, var kind) in boundaries)
        {
            if (symbols.Vmlinux.Named(first) is [var from] && symbols.Vmlinux.Named(end) is [var to] && from.Address < to.Address)
            {
                ranges.Add((from.Address, to.Address, kind));
            }
        }

        // jump_label_init_ro() came with static_key_sealed() (6.10, and wherever that was backported to): both or none.
        SealsStaticKeys = symbols.Vmlinux.Contains("jump_label_init_ro");
    }

    /// <summary>
    /// True where the symbols say which memory was freed after the start. Without that no reference can be
    /// judged.
    /// </summary>
    public bool IsComplete => ranges.Exists(r => r.Kind == MemoryKind.Init) && ranges.Exists(r => r.Kind == MemoryKind.PerCpu);

    /// <summary>
    /// True where the kernel leaves a static key in read-only memory alone when a module with branches on it is loaded
    /// (<c>jump_label_add_module()</c>); others write to the key, and panic.
    /// </summary>
    public bool SealsStaticKeys { get; }

    /// <summary>What lies at an address of the running kernel, as kallsyms gives it.</summary>
    public MemoryKind KindOf(ulong address)
    {
        foreach ((var first, var end, var kind) in ranges)
        {
            if (address >= first && address < end)
            {
                return kind;
            }
        }

        return MemoryKind.Unknown;
    }
}
