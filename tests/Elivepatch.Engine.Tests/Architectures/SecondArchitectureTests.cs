using System.Text;
using Elivepatch.Elf;
using Elivepatch.Engine.Architectures;
using Elivepatch.Engine.Diff;
using Elivepatch.Engine.Facts;
using Elivepatch.Engine.Fidelity;
using Elivepatch.Engine.Link;
using Elivepatch.Engine.Relocate;
using Elivepatch.Engine.SelfCheck;
using Elivepatch.Engine.Targets;
using Elivepatch.Engine.Units;
using Elivepatch.Model;
using Elivepatch.Model.Explanations;
using Xunit;
using static Elivepatch.Engine.Tests.Architectures.TinyArchitecture;
using Code = Elivepatch.Engine.Tests.Architectures.TinyUnit.Code;

namespace Elivepatch.Engine.Tests.Architectures;

/// <summary>
/// All passes, for a processor of which no pass knows: what differs is behind <see cref="Architecture"/>, and nowhere else.
/// </summary>
public class SecondArchitectureTests
{
    private const string Vermagic = "6.12.0-tiny SMP mod_unload modversions ";
    private const int EntrySize = 152,
        ObjectSize = 168,
        PatchSize = 256,
        ModuleSize = 192;

    private static readonly Code[] body =
    [
        new(LoadImmediate, 5),
        new(TinyArchitecture.Call, To: "hidden"),
        new(TinyArchitecture.Call, To: "second"),
        new(Return),
    ];

    private static TinyKernel Kernel => new(Helpers(), Unit(isSectioned: false, body));

    private static EntryLayouts Layouts { get; } =
        new(
            new Dictionary<string, int>(),
            new Dictionary<string, int>(),
            new Dictionary<string, int> { ["module"] = ModuleSize }
        );

    [Fact]
    public void A_unit_is_proven_to_be_the_code_that_runs()
    {
        var (asBuilt, before) = (Unit(isSectioned: false, body), Unit(isSectioned: true, body));
        Assert.Same(before, Patched(BeforeMatchesAsBuilt.Run(Instance, VmlinuxTarget.LinkRules, "unit.c", asBuilt, before)));
        var placement = Patched(FidelityCheck.Run(Instance, "unit.c", asBuilt, Kernel.Target, "cc"));
        Assert.Equal(PlacementProof.Bytes, placement.Sections.Single(s => s.Section.Name == ".text").Proof);
        Assert.Equal(0, placement.Find("first")!.Position!.Value.Value);
    }

    // The instruction of a call shares its word with the relocated field.
    [Theory]
    [InlineData(8, 0x04)] // hidden() is jumped to
    [InlineData(11, 0x01)] // another function is called
    [InlineData(7, 0x02)] // another number
    [InlineData(0, 0x20)] // the entry is no call
    public void Every_bit_of_a_running_function_counts(int offset, byte bit)
    {
        var kernel = Kernel;
        kernel.BytesOf("first")[offset] ^= bit;
        var problem = Assert.Single(
            FidelityCheck.Run(Instance, "unit.c", Unit(isSectioned: false, body), kernel.Target, "cc").Problems
        );
        Assert.Equal(FidelityProblems.BytesDiffer, problem.Code);
        Assert.Contains("first", problem.Reason, StringComparison.Ordinal);
    }

    // Neither half of an address says alone where the symbol is.
    [Theory]
    [InlineData("counter", 7, 0x08)] // another datum of the page
    [InlineData("counter", 10, 0x01)] // the same place in another page
    [InlineData("hidden", 7, 0x08)]
    [InlineData("hidden", 10, 0x01)]
    public void Every_bit_of_an_address_in_two_fields_counts(string datum, int offset, byte bit)
    {
        Code[] halves = [new(AddLow, To: datum), new(PageOf, To: datum), new(Return)];
        var kernel = new TinyKernel(Helpers(), Unit(isSectioned: false, halves));
        Patched(FidelityCheck.Run(Instance, "unit.c", Unit(isSectioned: false, halves), kernel.Target, "cc"));
        kernel.BytesOf("first")[offset] ^= bit;
        var problem = Assert.Single(
            FidelityCheck.Run(Instance, "unit.c", Unit(isSectioned: false, halves), kernel.Target, "cc").Problems
        );
        Assert.Equal(FidelityProblems.BytesDiffer, problem.Code);
        Assert.Contains("first", problem.Reason, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(AddLow)]
    [InlineData(PageOf)]
    public void A_half_of_an_address_confirms_a_symbol_whose_place_is_known(uint half)
    {
        Code[] alone = [new(half, To: "counter"), new(half, To: "hidden"), new(Return)];
        foreach (var offset in new[] { 4, 8 })
        {
            var kernel = new TinyKernel(Helpers(), Unit(isSectioned: false, alone));
            Patched(FidelityCheck.Run(Instance, "unit.c", Unit(isSectioned: false, alone), kernel.Target, "cc"));
            kernel.BytesOf("first")[offset + 3] ^= 0x08;
            Assert.Equal(
                FidelityProblems.BytesDiffer,
                Assert
                    .Single(FidelityCheck.Run(Instance, "unit.c", Unit(isSectioned: false, alone), kernel.Target, "cc").Problems)
                    .Code
            );
        }
    }

    [Fact]
    public void Every_bit_of_a_section_for_each_function_counts()
    {
        var asBuilt = Unit(isSectioned: false, body);
        var code = Unit(isSectioned: true, body).FindSection(".text.first")!.Content.Length;
        for (var bit = 0; bit < code * 8; bit++)
        {
            var before = Unit(isSectioned: true, body);
            var section = before.FindSection(".text.first")!;
            var isField = section.Relocations!.Entries.Any(r => (int)r.Offset == bit / 32 * 4) && bit % 32 >= 6;
            section.Content[bit / 8] ^= (byte)(0x80 >> (bit % 8));

            // What a relocation writes over is nothing.
            Assert.Equal(
                isField,
                BeforeMatchesAsBuilt.Run(Instance, VmlinuxTarget.LinkRules, "unit.c", asBuilt, before).Succeeded
            );
        }
    }

    [Theory]
    [InlineData("number")]
    [InlineData("callee")]
    [InlineData("jump for call")]
    public void A_change_is_found_and_nothing_else(string what)
    {
        Code[] after = [.. body];
        after[what == "number" ? 0 : 1] = what switch
        {
            "number" => new(LoadImmediate, 6),
            "callee" => new(TinyArchitecture.Call, To: "other"),
            _ => new(Jump, To: "hidden"),
        };
        var diff = Compare(body, after);
        Assert.Equal(["first"], diff.Changed.Select(c => c.After.Name));
        Assert.Empty(diff.Problems);
        Assert.True(Compare(body, body).IsEmpty);
    }

    [Fact]
    public void A_livepatch_is_linked_relocated_checked_and_read_again()
    {
        Code[] patched = [new(LoadImmediate, 6), .. body[1..]];
        var module = Link(patched, out var references);
        Assert.Equal(["hidden", "second"], references.Where(r => r.Livepatch is not null).Select(r => r.Name));

        var file = ElfReader.Read(ElfWriter.Write(module));
        Assert.Equal((ElfByteOrder.BigEndian, Number), (file.Order, file.Machine));
        var code = file.FindSection(".text.first")!;
        Assert.Equal((LoadImmediate << 26) | 6, ElfByteOrder.BigEndian.ReadUInt32(code.Content.AsSpan(Word)));

        // A field is cleared, and the instruction around it is not.
        Assert.Equal(TinyArchitecture.Call << 26, ElfByteOrder.BigEndian.ReadUInt32(code.Content.AsSpan(2 * Word)));
        var livepatch = Assert.Single(file.RelocationSections, s => s.Name == ".klp.rela.vmlinux..text.first");
        Assert.Equal([(8UL, Relative26.Number), (12UL, Relative26.Number)], livepatch.Entries.Select(e => (e.Offset, e.Type)));

        var kernel = Kernel;
        var read = Patched(ModuleCheck.Run(file, kernel.Symbols, Exports, Vermagic, Layouts, kernel.Image, Instance));
        Assert.Equal(["first"], read.Objects.SelectMany(o => o.Functions).Select(f => f.OldName));
        Assert.Equal(
            [".klp.sym.vmlinux.hidden,0", ".klp.sym.vmlinux.second,0"],
            read.LivepatchReferences.Select(r => r.Symbol.SymbolName)
        );
    }

    [Fact]
    public void An_address_that_outlives_the_livepatch_is_seen()
    {
        Code[] patched = [new(AddressOf, To: "fresh"), .. body[1..]];
        var unit = LinkUnit(patched, u => u.Data("fresh", ".data.fresh", new byte[8]));
        var combine = Patched(Combine.Start([unit], new(Exports, new(new(Kernel.Symbols, Kernel.Image)))));
        var escapes = combine.FindEscapes(Patched(ResolvePatched.Run([unit])));
        var escape = Assert.Single(escapes.Escapes);
        Assert.Equal(("first", "fresh", EscapeWay.Passed, "hidden"), (escape.Function, escape.Address, escape.Way, escape.To));
    }

    [Fact]
    public void What_is_for_another_processor_is_refused()
    {
        var foreign = Unit(isSectioned: true, body);
        foreign.Order = ElfByteOrder.LittleEndian;
        Assert.Equal(
            DiffProblems.MalformedObject,
            Assert.Single(UnitObject.Read(Instance, "unit.c", foreign, null).Problems).Code
        );
        Assert.Equal(
            SelfCheckProblems.NotALivepatch,
            Assert.Single(LivepatchModule.Read(Link([new(LoadImmediate, 6), .. body[1..]], out _)).Problems).Code
        );
    }

    private static ExportedSymbols Exports =>
        ExportedSymbols
            .Parse(
                Encoding.ASCII.GetBytes(
                    $"0x11111111\tklp_enable_patch\tvmlinux\tEXPORT_SYMBOL_GPL\t\n0x22222222\t{TraceEntry}\tvmlinux\tEXPORT_SYMBOL\t\n"
                )
            )
            .Value;

    private static ElfObject Helpers() =>
        new TinyUnit(isSectioned: false)
            .Function(TraceEntry, new Code(Return))
            .Function("hidden", new(Nop32), new(Return))
            .Function("other", new Code(Return))
            .Function("klp_enable_patch", new Code(Return))
            .Finish();

    private static ElfObject Unit(bool isSectioned, Code[] first, Action<TinyUnit>? more = null)
    {
        var unit = new TinyUnit(isSectioned)
            .Function("first", first)
            .Function("second", new(Load, To: "counter"), new(Return))
            .Function("third", new(LoadImmediate, 1), new(Jump, To: "second"))
            .Pointers("table", "first", "third")
            .Data("counter", isSectioned ? ".data.counter" : ".data", new byte[8]);
        more?.Invoke(unit);
        return unit.Finish();
    }

    private static UnitDiff Compare(Code[] before, Code[] after, Action<TinyUnit>? more = null) =>
        DetectChanges.Run(
            Correlate.Run(
                Patched(UnitObject.Read(Instance, "unit.c", Unit(isSectioned: true, before), null)),
                Patched(UnitObject.Read(Instance, "unit.c", Unit(isSectioned: true, after, more), null))
            )
        );

    private static LinkUnit LinkUnit(Code[] patched, Action<TinyUnit>? more = null) =>
        new(
            Patched(Include.Run(Compare(body, patched, more))),
            Patched(FidelityCheck.Run(Instance, "unit.c", Unit(isSectioned: false, body), Kernel.Target, "cc"))
        );

    private static ElfObject Link(Code[] patched, out IReadOnlyList<KernelReference> references)
    {
        LinkUnit[] units = [LinkUnit(patched)];
        var kernel = Kernel;
        ReferenceResolver resolver = new(Exports, new(new(kernel.Symbols, kernel.Image)));
        Assert.Empty(CheckReferences.Run(units, resolver, new(Instance, kernel.Symbols)));
        var functions = Patched(ResolvePatched.Run(units));
        var combine = Patched(Combine.Start(units, resolver));
        var combined = combine.Finish(functions, Glue(Assert.Single(functions)), []);
        references = combine.References;
        var module = Patched(LivepatchNames.Apply(Patched(ColdParts.Join(combined.Object)), combined));
        LivepatchRelocations.Apply(module);
        return module;
    }

    // What a compiler would make of the lists of include/linux/livepatch.h and of struct module.
    private static ElfObject Glue(PatchedFunction function)
    {
        var start = new byte[ModuleSize];
        "tiny"u8.CopyTo(start.AsSpan(24));
        var versions = new byte[128];
        ElfByteOrder.BigEndian.WriteUInt64(versions, 0x11111111);
        Encoding.ASCII.GetBytes("klp_enable_patch", versions.AsSpan(8));
        ElfByteOrder.BigEndian.WriteUInt64(versions.AsSpan(64), 0x22222222);
        Encoding.ASCII.GetBytes(TraceEntry, versions.AsSpan(72));
        return new TinyUnit(isSectioned: true)
            .Data("name", ".rodata.name", Encoding.ASCII.GetBytes(function.Old.Name + "\0"), ElfSectionFlags.Alloc)
            .Data("functions", ".data.functions", new byte[2 * EntrySize])
            .Point("functions", 0, "name")
            .Point("functions", 8, function.NewSymbol)
            .Data("objects", ".data.objects", new byte[2 * ObjectSize])
            .Point("objects", 8, "functions")
            .Data("patch", ".data.patch", new byte[PatchSize])
            .Point("patch", 0, "__this_module")
            .Point("patch", 8, "objects")
            .Function("init_module", new(AddressOf, To: "patch"), new(TinyArchitecture.Call, To: "klp_enable_patch"), new(Return))
            .Function("cleanup_module", new Code(Return))
            .Data("__this_module", ".gnu.linkonce.this_module", start)
            .Point("__this_module", 120, "init_module")
            .Point("__this_module", 128, "cleanup_module")
            .Data("__versions", "__versions", versions, ElfSectionFlags.Alloc)
            .Data(
                "information",
                ".modinfo",
                Encoding.ASCII.GetBytes($"livepatch=Y\0license=GPL\0name=tiny\0depends=\0vermagic={Vermagic}\0"),
                ElfSectionFlags.Alloc
            )
            .Finish();
    }

    private static T Patched<T>(Outcome<T> outcome) =>
        outcome.TryGet(out var value) ? value : throw new Xunit.Sdk.XunitException(string.Join('\n', outcome.Problems));
}
