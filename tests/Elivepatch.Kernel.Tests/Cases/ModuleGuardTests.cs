using Elivepatch.Elf;
using Elivepatch.Engine.Targets;
using Elivepatch.Kernel.Import;
using Elivepatch.Kernel.VirtualMachines;
using Xunit;

namespace Elivepatch.Kernel.Tests.Cases;

/// <summary>The kernel knows a module by its name alone; the livepatch looks whether it is its own.</summary>
[Collection(nameof(CaseCollection))]
public sealed class ModuleGuardTests(StockKernel stock, CaseBuilds builds)
{
    private const string Module = "loop";
    private const string Function = "loop_attr_do_show_sizelimit";

    [Fact]
    public async Task A_module_of_the_same_name_with_one_other_byte_is_not_patched_and_not_loaded_beside_the_livepatch()
    {
        var record = await stock.RecordAsync();
        var livepatch = StockKernel.Get(await builds.GetAsync(LivepatchCase.Named("330-module-function")));
        var genuine = StockKernel.Get(await new ModuleFiles(stock.Cache, record).ReadAsync(Module, Cancellation));
        var reason = $"{livepatch.Name}: module {Module} is not the one that this livepatch was built for: {Function} differs";
        var patched = $"/sys/kernel/livepatch/{livepatch.Name}/{Module}/patched";
        var job = new GuestJob
        {
            Architecture = record.Facts.Architecture,
            Kernel = record.BootImagePath!,
            Script = $$"""
                fail() { echo "$*"; dmesg | tail -n 20; exit 1; }
                said() { dmesg | grep -c "{{reason}}"; }

                insmod stranger.ko || fail "the stranger is not a module"
                ! insmod livepatch.ko || fail "the stranger is patched"
                before=$(said)
                [ "$before" -gt 0 ] || fail "the log does not say why"
                rmmod {{Module}} || fail "the stranger stays"

                insmod livepatch.ko || fail "the livepatch is not loaded without the module"
                ! insmod stranger.ko || fail "the stranger is loaded beside the livepatch"
                [ "$(said)" -gt "$before" ] || fail "the log does not say why"
                [ ! -d /sys/module/{{Module}} ] || fail "the stranger is there"

                insmod genuine.ko || fail "the module itself is not loaded"
                [ "$(cat {{patched}})" = 1 ] || fail "the module itself is not patched"
                """,
            Files =
            [
                new("livepatch.ko", livepatch.Module),
                new("genuine.ko", genuine),
                new("stranger.ko", WithOneOtherByte(genuine, record.Facts.Architecture.Engine)),
            ],
        };
        var result = StockKernel.Get(await VirtualMachine.RunAsync(job, Cancellation));
        Assert.True(result.ExitStatus == 0, result.Output);
    }

    // In the middle of the function, where neither a relocation nor a table says that the loader writes.
    private static byte[] WithOneOtherByte(ReadOnlyMemory<byte> file, Engine.Architectures.Architecture architecture)
    {
        var elf = ElfReader.Read(file.ToArray());
        var target = StockKernel.Get(ModuleTarget.Open(architecture, Module, elf));
        var loaded = target.FindLoaded(Function, target.Symbols.Named(Function).Single().Address)!;
        var (start, length) = loaded.Kept.MaxBy(r => r.Length);
        elf.FindSection(loaded.Section)!.Content[(int)loaded.Offset + start + (length / 2)] ^= 1;
        return ElfWriter.Write(elf);
    }

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;
}
