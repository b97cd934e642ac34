using Elivepatch.Elf;
using Elivepatch.Engine.Link;
using Elivepatch.Engine.Relocate;
using Elivepatch.Engine.Tests.Diff;
using Xunit;

namespace Elivepatch.Engine.Tests.Relocate;

public class LivepatchNamesTests
{
    private const uint Pointer = 1;

    [Fact]
    public void An_undefined_symbol_gets_the_name_that_the_livepatch_core_resolves()
    {
        var (elf, _) = Module();
        var named = Patched.Value(LivepatchNames.Apply(elf, Combined(elf)));
        Assert.Contains(named.Symbols, s => s.Name == ".klp.sym.vmlinux.hidden,2");
        Assert.DoesNotContain(named.Symbols, s => s.Name == "hidden");
        Assert.Contains(named.Symbols, s => s.Name == "printk");
    }

    [Fact]
    public void The_glue_leads_to_the_new_function_and_its_own_symbol_for_it_is_gone()
    {
        var (elf, function) = Module();
        var named = Patched.Value(LivepatchNames.Apply(elf, Combined(elf)));
        Assert.Same(function, named.FindSection(".data.funcs")!.Relocations!.Entries[0].Symbol);
        Assert.DoesNotContain(named.Symbols, s => s.Name == "elivepatch_new_0");
    }

    // Objtool may have made two of one, or none.
    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    public void A_function_that_is_not_there_just_once_is_refused(int count)
    {
        var (elf, function) = Module();
        elf.Symbols.Remove(function);
        for (var i = 0; i < count; i++)
        {
            elf.Symbols.Add(Function(elf.FindSection(".text.f")!));
        }

        var problem = Assert.Single(LivepatchNames.Apply(elf, Combined(elf)).Problems);
        Assert.Equal(LinkProblems.LinkedModuleChanged, problem.Code);
        Assert.Contains($"{count} functions f in .text.f", problem.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void Only_livepatch_symbols_change_their_place()
    {
        var (elf, function) = Module();
        var named = Patched.Value(LivepatchNames.Apply(elf, Combined(elf)));
        LivepatchNames.SetPlace(named, ElfSymbolPlace.Livepatch);
        Assert.Equal(ElfSymbolPlace.Livepatch, named.FindSymbol(".klp.sym.vmlinux.hidden,2")!.Place);
        Assert.Equal((ElfSymbolPlace.Undefined, ElfSymbolPlace.Section), (named.FindSymbol("printk")!.Place, function.Place));
        LivepatchNames.SetPlace(named, ElfSymbolPlace.Undefined);
        Assert.Equal(ElfSymbolPlace.Undefined, named.FindSymbol(".klp.sym.vmlinux.hidden,2")!.Place);
    }

    [Fact]
    public void Relocations_against_livepatch_symbols_move_to_a_section_for_each_object_and_target()
    {
        var (elf, _) = Module();
        var named = Patched.Value(LivepatchNames.Apply(elf, Combined(elf)));
        ElfSymbol ofModule = new(".klp.sym.nf_tables.other,0") { Binding = ElfSymbolBinding.Global };
        named.Symbols.Add(ofModule);
        named.FindSection(".text.f")!.Relocations!.Entries.Add(new(24, Pointer, ofModule, 3));
        LivepatchRelocations.Apply(named);

        var vmlinux = Assert.Single(named.RelocationSections, s => s.Name == ".klp.rela.vmlinux..text.f");
        Assert.Equal([(0UL, ".klp.sym.vmlinux.hidden,2", 0L)], vmlinux.Entries.Select(e => (e.Offset, e.Symbol!.Name, e.Addend)));
        var module = Assert.Single(named.RelocationSections, s => s.Name == ".klp.rela.nf_tables..text.f");
        Assert.Equal(
            [(24UL, ".klp.sym.nf_tables.other,0", 3L)],
            module.Entries.Select(e => (e.Offset, e.Symbol!.Name, e.Addend))
        );
        Assert.All([vmlinux, module], s => Assert.True(s.Has(ElfSectionFlags.RelaLivepatch) && s.Target.Name == ".text.f"));

        // What the module loader applies stays where it was; a section that is left empty goes.
        Assert.Equal(["printk"], named.FindSection(".text.f")!.Relocations!.Entries.Select(e => e.Symbol!.Name));
        Assert.Null(named.FindSection(".data.only")!.Relocations);
        Assert.DoesNotContain(named.Sections, s => s.Name == ".rela.data.only");
    }

    private static (ElfObject Elf, ElfSymbol Function) Module()
    {
        ElfObject elf = new() { Machine = 62 };
        ElfSection text = new(".text.f", ElfSectionType.ProgBits)
        {
            Flags = ElfSectionFlags.Alloc | ElfSectionFlags.Execute,
            Content = new byte[32],
        };
        ElfSection lists = new(".data.funcs", ElfSectionType.ProgBits)
        {
            Flags = ElfSectionFlags.Alloc | ElfSectionFlags.Write,
            Content = new byte[8],
        };
        ElfSection only = new(".data.only", ElfSectionType.ProgBits)
        {
            Flags = ElfSectionFlags.Alloc | ElfSectionFlags.Write,
            Content = new byte[8],
        };
        var function = Function(text);
        ElfSymbol hidden = new("hidden") { Binding = ElfSymbolBinding.Global },
            export = new("printk") { Binding = ElfSymbolBinding.Global };
        ElfSymbol placeholder = new("elivepatch_new_0") { Binding = ElfSymbolBinding.Global };
        Relocate(text, new(0, Pointer, hidden, 0), new(8, Pointer, export, 0));
        Relocate(lists, new ElfRelocation(0, Pointer, placeholder, 0));
        Relocate(only, new ElfRelocation(0, Pointer, hidden, 0));
        elf.Sections.AddRange([text, lists, only, text.Relocations!, lists.Relocations!, only.Relocations!]);
        elf.Symbols.AddRange([function, hidden, export, placeholder]);
        return (elf, function);

        static void Relocate(ElfSection section, params ElfRelocation[] entries)
        {
            section.Relocations = new(".rela" + section.Name, section);
            section.Relocations.Entries.AddRange(entries);
        }
    }

    private static ElfSymbol Function(ElfSection text) =>
        new("f")
        {
            Binding = ElfSymbolBinding.Global,
            Type = ElfSymbolType.Function,
            Place = ElfSymbolPlace.Section,
            Section = text,
            Size = 32,
        };

    private static CombinedModule Combined(ElfObject elf) =>
        new(
            elf,
            new Dictionary<string, LivepatchUse> { ["hidden"] = new(new("vmlinux", "hidden", new(2)), "vmlinux") },
            new Dictionary<string, (string, string)> { ["elivepatch_new_0"] = (".text.f", "f") }
        );
}
