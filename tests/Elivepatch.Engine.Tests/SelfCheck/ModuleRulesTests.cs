using System.Text;
using Elivepatch.Elf;
using Elivepatch.Engine.Architectures.X8664;
using Elivepatch.Engine.Facts;
using Elivepatch.Engine.SelfCheck;
using Elivepatch.Engine.Targets;
using Elivepatch.Engine.Tests.Diff;
using Elivepatch.Engine.Tests.Fidelity;
using Xunit;

namespace Elivepatch.Engine.Tests.SelfCheck;

public sealed class ModuleRulesTests
{
    /// <summary>One way to break each rule, by the rule's name.</summary>
    private static readonly Dictionary<string, Action<ElfObject>> breaches = new()
    {
        ["information-livepatch"] = elf => ReplaceText(elf, ".modinfo", "livepatch=Y", "livepatch=N"),
        ["information-licence"] = elf => ReplaceText(elf, ".modinfo", "license=GPL", "license=BSD"),
        ["information-vermagic"] = elf => ReplaceText(elf, ".modinfo", "6.12.117-fake", "6.12.118-fake"),
        ["module-name"] = elf => ReplaceText(elf, ".modinfo", "name=fake", "name=mock"),
        ["module-structure"] = elf =>
            Section(elf, ".gnu.linkonce.this_module").Content = [.. Section(elf, ".gnu.linkonce.this_module").Content, 0],
        ["module-start"] = elf => elf.FindSymbol("init_module")!.Name = "init_other",
        ["sections-unique"] = elf =>
            elf.Sections.Add(
                new("__bug_table", ElfSectionType.ProgBits) { Flags = ElfSectionFlags.Alloc, Content = new byte[8] }
            ),
        ["sections-finished"] = elf => elf.Sections.Add(new(".klp.arch.vmlinux..altinstructions", ElfSectionType.ProgBits)),
        ["tables-whole"] = elf => Section(elf, "__bug_table").Content = [.. Section(elf, "__bug_table").Content, 0, 0, 0, 0],
        ["symbols-exported"] = elf => { }, // by the kernel instead, which exports less
        ["symbols-versions"] = elf => ReplaceText(elf, "__versions", "net_function", "net_cunction"),
        ["symbols-versions-match"] = elf => Section(elf, "__versions").Content[0] ^= 1,
        ["symbols-namespaces"] = elf => ReplaceText(elf, ".modinfo", "FAKE_NS", "BACK_NS"),
        ["symbols-depends"] = elf => ReplaceText(elf, ".modinfo", "net-core", "net_care"),
        ["symbols-no-common"] = elf =>
            elf.Symbols.Add(
                new("common")
                {
                    Binding = ElfSymbolBinding.Global,
                    Place = ElfSymbolPlace.Common,
                    Size = 8,
                    Value = 8,
                }
            ),
        ["relocation-type"] = elf => Ordinary(elf, ".text").Entries[0].Type = 9,
        ["relocation-field-zero"] = elf => Section(elf, ".text").Content[Ordinary(elf, ".text").Entries[0].Offset] = 1,
        ["relocation-once"] = elf => Ordinary(elf, ".text").Entries.Add(Ordinary(elf, ".text").Entries[0]),
        ["relocation-reach"] = elf => Ordinary(elf, ".text").Entries[0].Addend = int.MinValue,
        ["livepatch-section-name"] = elf => Livepatch(elf, ".text").Name = ".klp.rela.vmlinux..data",
        ["livepatch-section-flags"] = elf => Livepatch(elf, ".text").Flags &= ~ElfSectionFlags.Alloc,
        ["livepatch-section-target"] = AddUnloadedTarget,
        ["livepatch-symbol-place"] = elf =>
            elf.FindSymbol(".klp.sym.vmlinux.secret_function,0")!.Place = ElfSymbolPlace.Undefined,
        ["livepatch-symbol-name"] = elf => Livepatch(elf, ".text").Entries[0].Symbol!.Name = "secret_function",
        ["livepatch-symbol-length"] = elf => AddLivepatchSymbol(elf, $".klp.sym.{new string('m', 56)}.x,0"),
        ["livepatch-vmlinux-section"] = elf =>
            Livepatch(elf, ".text").Entries[0].Symbol = elf.FindSymbol(".klp.sym.net_core.module_secret,0"),
        ["livepatch-module-section"] = elf =>
            Livepatch(elf, ".text.new_net").Entries[0].Symbol = elf.FindSymbol(".klp.sym.vmlinux.secret_function,0"),
        ["livepatch-module-needed"] = elf =>
        {
            AddLivepatchSymbol(elf, ".klp.sym.stranger.thing,0");
            Livepatch(elf, ".text.new_net").Entries[0].Symbol = elf.FindSymbol(".klp.sym.stranger.thing,0");
        },
        ["livepatch-module-late"] = elf =>
        {
            var jumps = elf.RelocationSections.Single(s => s.Target.Name == "__jump_table");
            jumps.Name = ".klp.rela.net_core.__jump_table";
            jumps.Entries[0].Symbol = elf.FindSymbol(".klp.sym.net_core.module_secret,0");
        },
        ["livepatch-not-ordinary"] = elf =>
            Ordinary(elf, ".text").Entries[0].Symbol = elf.FindSymbol(".klp.sym.vmlinux.secret_function,0"),
        ["livepatch-symbol-exists"] = elf => AddLivepatchSymbol(elf, ".klp.sym.vmlinux.secret_data,3"),
        ["old-code-entry"] = elf =>
            Livepatch(elf, ".text")
                .Entries.First(r => r.Symbol!.Name.Contains("secret_function", StringComparison.Ordinal))
                .Addend += 8,
        ["old-code-labels"] = elf => Means(elf, "secret_data,1", "only_data,0"),
        ["btf-ids-resolved"] = AddUnresolvedIds,
        ["patch-objects"] = elf =>
            elf.FindSection(".data")!.Relocations!.Entries.RemoveAll(r => r.Offset == At(elf, "objects") + 8),
        ["patch-functions"] = elf => Ordinary(elf, ".data").Entries.RemoveAll(r => r.Offset == At(elf, "net_funcs") + 8),
        ["patch-terminated"] = elf => elf.FindSymbol("net_funcs")!.Size = 152,
        ["patch-new-code"] = elf => elf.FindSymbol("new_net")!.Name = "",
        ["memory-init"] = elf => Means(elf, "secret_data,1", "start_function,0"),
        ["memory-read-only"] = elf => Means(elf, "secret_data,1", "read_only_data,0"),
        ["memory-per-cpu"] = elf => Means(elf, "secret_data,1", "of_each_processor,0"),
        ["memory-indirect-entry"] = elf => Means(elf, "reachable_function,0", "sealed_function,0"),
        ["memory-static-key"] = elf => Means(elf, "secret_key,0", "read_only_data,0"),
        ["definitions-replace"] = elf => elf.FindSymbol("before")!.Name = "exported_function",
        ["addresses-kept"] = StoreAddress,
        ["warning-entries"] = elf => HandedEntry(elf).Addend -= 8,
        ["patch-old-functions"] = elf => Section(elf, ".data").Content[At(elf, "vmlinux_funcs") + 152 + 16] = 3,
    };

    // In the middle of one, one that describes other code, and one that describes none.
    [Theory]
    [InlineData(4)]
    [InlineData(-8)]
    [InlineData(8)]
    public void Code_that_hands_another_entry_to_a_warning_is_found(int distance)
    {
        var elf = FakeModule.Elf();
        HandedEntry(elf).Addend += distance;
        Assert.Equal(RuleState.Failed, Check(elf).Single(r => r.Id == "warning-entries").State);
    }

    [Fact]
    public void An_entry_that_describes_another_function_is_found()
    {
        var elf = FakeModule.Elf();
        var place = Assert.Single(elf.FindSection("__bug_table")!.Relocations!.Entries);
        Assert.Equal(RuleState.Passed, Check(elf).Single(r => r.Id == "warning-entries").State);
        var other = elf.FindSymbol("new_show")!;
        (place.Symbol, place.Addend) = (other, 2);
        Assert.Equal(RuleState.Failed, Check(elf).Single(r => r.Id == "warning-entries").State);
    }

    private static ElfRelocation HandedEntry(ElfObject elf) =>
        Ordinary(elf, ".text").Entries.Single(r => r.Symbol?.Section?.Name == "__bug_table");

    public static TheoryData<string> BrokenRules => [.. breaches.Keys];

    [Fact]
    public void A_good_module_keeps_every_rule()
    {
        var results = Check(FakeModule.Elf());

        Assert.Empty(results.Where(r => r.State == RuleState.Failed).Select(r => r.Problem!.Reason));
        Assert.Equal("patch-ftrace", Assert.Single(results, r => r.State == RuleState.NotCheckable).Id);
        Assert.True(
            ModuleCheck
                .Run(
                    FakeModule.Bytes,
                    FakeModule.Symbols,
                    FakeModule.Exports,
                    FakeModule.Vermagic,
                    FakeModule.Layouts,
                    FakeModule.Kernel.Image
                )
                .Succeeded
        );
    }

    [Fact]
    public void Every_rule_that_can_fail_has_a_test_that_breaks_it() =>
        Assert.Equal(Check(FakeModule.Elf()).Select(r => r.Id).Where(id => id != "patch-ftrace").Order(), breaches.Keys.Order());

    [Theory]
    [MemberData(nameof(BrokenRules))]
    public void Breaking_one_rule_fails_that_rule_alone(string rule)
    {
        var elf = FakeModule.Elf();
        breaches[rule](elf);

        var kernel = rule switch
        {
            "symbols-exported" => FakeModule.Kernel with { Exports = WithoutExport("exported_function") },
            "livepatch-module-needed" => FakeModule.Kernel with { Modules = [NetCore()] },
            _ => FakeModule.Kernel,
        };
        var failed = Assert.Single(Check(elf, kernel), r => r.State == RuleState.Failed);

        Assert.Equal(rule, failed.Id);
        Assert.NotNull(failed.Problem);
    }

    [Fact]
    public void Rules_that_need_a_kernel_are_not_checkable_without_one()
    {
        var results = Check(FakeModule.Elf(), TargetKernel.Unknown);

        Assert.DoesNotContain(results, r => r.State == RuleState.Failed);
        Assert.Equal(
            [
                "definitions-replace",
                "information-vermagic",
                "livepatch-symbol-exists",
                "memory-indirect-entry",
                "memory-init",
                "memory-per-cpu",
                "memory-read-only",
                "memory-static-key",
                "module-structure",
                "old-code-entry",
                "old-code-labels",
                "patch-ftrace",
                "patch-old-functions",
                "symbols-depends",
                "symbols-exported",
                "symbols-namespaces",
                "symbols-versions-match",
                "tables-whole",
            ],
            results.Where(r => r.State == RuleState.NotCheckable).Select(r => r.Id).Order()
        );
    }

    [Theory]
    [InlineData("show", 1, true)]
    [InlineData("show", 2, false)]
    [InlineData("store", 0, false)]
    [InlineData("store", 1, true)]
    [InlineData("only_data", 0, false)]
    [InlineData("missing", 0, false)]
    public void An_old_function_is_checked_by_name_and_position(string name, int position, bool exists)
    {
        var source = FakeModule.Source.Replace(
            "{ \"show\", new_show, 0 }, { \"store\", new_store, 2 }",
            $"{{ \"{name}\", new_show, {position} }}",
            StringComparison.Ordinal
        );

        var rule = Check(ElfReader.Read(FakeModule.Link(source))).Single(r => r.Id == "patch-old-functions");

        Assert.Equal(exists ? RuleState.Passed : RuleState.Failed, rule.State);
    }

    [Fact]
    public void A_module_that_was_not_loaded_at_the_capture_leaves_its_symbols_open()
    {
        var symbols = KernelSymbols
            .Parse("ffffffff81000100 t show\nffffffff81000200 t store\nffffffff81000300 t store\n"u8.ToArray())
            .Value;

        var rule = Check(FakeModule.Elf(), FakeModule.Kernel with { Symbols = symbols })
            .Single(r => r.Id == "patch-old-functions");

        Assert.Equal(RuleState.NotCheckable, rule.State);
        Assert.Contains("net_core", rule.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public void A_module_may_refer_to_vmlinux_symbols_from_a_modules_section_before_5_8()
    {
        var elf = FakeModule.Elf();
        breaches["livepatch-module-section"](elf);
        ReplaceText(elf, ".modinfo", "vermagic=6.12.117", "vermagic=5.07.117");

        Assert.Equal(RuleState.Passed, Check(elf).Single(r => r.Id == "livepatch-module-section").State);
    }

    [Fact]
    public void Many_faults_of_one_kind_are_counted_instead_of_listed()
    {
        var elf = FakeModule.Elf();
        for (var i = 0; i < 100_000; i++)
        {
            AddLivepatchSymbol(elf, $".klp.sym.vmlinux.missing_{i},0");
        }

        var rule = Check(elf).Single(r => r.Id == "livepatch-symbol-exists");

        Assert.EndsWith("and 99995 more", rule.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public void A_module_that_breaks_rules_does_not_pass_the_pipelines_check()
    {
        var elf = FakeModule.Elf();
        breaches["information-vermagic"](elf);
        breaches["symbols-versions-match"](elf);

        var problems = ModuleCheck
            .Run(
                ElfWriter.Write(elf),
                FakeModule.Symbols,
                FakeModule.Exports,
                FakeModule.Vermagic,
                FakeModule.Layouts,
                FakeModule.Kernel.Image
            )
            .Problems;

        Assert.Equal(
            [SelfCheckProblems.BuiltForOtherKernel, SelfCheckProblems.WrongSymbolVersions],
            problems.Select(p => p.Code)
        );
    }

    [Fact]
    public void Damaged_modules_are_refused_or_judged_but_never_crash()
    {
        var random = new Random(20_240_601);
        for (var i = 0; i < 3000; i++)
        {
            var file = FakeModule.Bytes;
            for (var round = random.Next(1, 12); round > 0; round--)
            {
                file[random.Next(64, file.Length)] = (byte)random.Next(256);
            }

            _ = ModuleCheck.Run(
                file,
                FakeModule.Symbols,
                FakeModule.Exports,
                FakeModule.Vermagic,
                FakeModule.Layouts,
                FakeModule.Kernel.Image
            );
        }
    }

    [Fact]
    public void What_the_replaced_function_refers_to_may_be_referred_to_whatever_it_is()
    {
        // show() of the kernel calls start_function(), as a function does that is called during the start and afterwards; store()
        // does not.
        static RuleState StateOf(string function)
        {
            var elf = ElfReader.Read(
                FakeModule.Link(
                    FakeModule.Source.Replace(
                        $"int new_{function}(int a) {{",
                        $"int new_{function}(int a) {{ a += reachable_function(a);",
                        StringComparison.Ordinal
                    )
                )
            );
            elf.FindSection(".data.hook")!.Relocations = null;
            elf.Sections.RemoveAll(s => s is ElfRelocationSection r && r.Target.Name == ".data.hook");
            Means(elf, "reachable_function,0", "start_function,0");
            return Check(elf).Single(r => r.Id == "memory-init").State;
        }

        Assert.Equal(RuleState.Passed, StateOf("show"));
        Assert.Equal(RuleState.Failed, StateOf("store"));
    }

    [Fact]
    public void A_function_without_endbr_is_as_unreachable_as_a_sealed_one()
    {
        var elf = FakeModule.Elf();
        Means(elf, "reachable_function,0", "plain_function,0");

        Assert.Equal(RuleState.Failed, Check(elf).Single(r => r.Id == "memory-indirect-entry").State);
        Assert.Equal(
            RuleState.NotCheckable,
            Check(elf, FakeModule.Kernel with { Image = null }).Single(r => r.Id == "memory-indirect-entry").State
        );
    }

    // While a module loads, its start code is among the symbols that are counted, and later it is not: of two of one name, one
    // of them of the start, neither 0 nor a number means the same both times.
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public void A_position_that_is_another_one_when_the_module_has_started_is_none(int position)
    {
        const string twin = """__attribute__((section(".init.text"), used)) static void module_secret(void) { }""";
        var elf = FakeModule.Elf();
        elf.FindSymbol(".klp.sym.net_core.module_secret,0")!.Name = $".klp.sym.net_core.module_secret,{position}";

        RuleState Checked(ModuleTarget module) =>
            Check(elf, FakeModule.Kernel with { Modules = [module] }).Single(r => r.Id == "livepatch-symbol-exists").State;

        Assert.Equal(position == 2 ? RuleState.Failed : RuleState.Passed, Checked(NetCore()));
        Assert.Equal(RuleState.Failed, Checked(NetCore(twin)));
    }

    // movq $objects, (%rdi); ret
    private static void StoreAddress(ElfObject elf)
    {
        var code = Section(elf, ".text.new_net");
        code.Content = [0x48, 0xc7, 0x07, 0, 0, 0, 0, 0xc3];
        elf.FindSymbol("new_net")!.Size = (ulong)code.Content.Length;
        Livepatch(elf, code.Name).Entries.Clear();
        var relocations = new ElfRelocationSection(".rela" + code.Name, code);
        relocations.Entries.Add(new(3, X8664Relocations.Absolute32Signed.Number, elf.FindSymbol("objects"), 0));
        elf.Sections.Add(relocations);
    }

    private static IReadOnlyList<RuleResult> Check(ElfObject elf, TargetKernel? kernel = null)
    {
        kernel ??= FakeModule.Kernel;
        return ModuleRules.Check(elf, LivepatchModule.Read(elf, kernel.Layouts).Value, kernel);
    }

    private static ExportedSymbols WithoutExport(string name) =>
        ExportedSymbols
            .Parse(
                Encoding.ASCII.GetBytes(
                    string.Concat(
                        FakeModule
                            .Exports.All.Where(e => e.Name != name)
                            .Select(e => $"0x{e.Crc:x8}\t{e.Name}\t{e.Module}\tEXPORT_SYMBOL\t{e.Namespace}\n")
                    )
                )
            )
            .Value;

    private static ElfSection Section(ElfObject elf, string name) => elf.FindSection(name)!;

    private static ElfRelocationSection Ordinary(ElfObject elf, string target) => elf.FindSection(target)!.Relocations!;

    private static ElfRelocationSection Livepatch(ElfObject elf, string target) =>
        elf.RelocationSections.Single(s => s.Has(ElfSectionFlags.RelaLivepatch) && s.Target.Name == target);

    // What the fake livepatch patches, as a file; it needs no other module.
    private static ModuleTarget NetCore(string other = "") =>
        Patched.Value(
            ModuleTarget.Open(
                X8664Architecture.Instance,
                "net_core",
                FakeKernel.LinkModule(
                    """
                    __attribute__((used, noinline)) static int module_secret(int a) { return a * 3; }
                    __attribute__((used, noinline)) static int net_send(int a) { return module_secret(a); }
                    int net_function(int a) { return net_send(a); }
                    """,
                    other
                )
            )
        );

    private static ulong At(ElfObject elf, string symbol) => elf.FindSymbol(symbol)!.Value;

    private static void AddLivepatchSymbol(ElfObject elf, string name) =>
        elf.Symbols.Add(new(name) { Binding = ElfSymbolBinding.Global, Place = ElfSymbolPlace.Livepatch });

    // Lets a livepatch symbol mean another one of the kernel.
    private static void Means(ElfObject elf, string symbol, string other) =>
        elf.FindSymbol($".klp.sym.vmlinux.{symbol}")!.Name = $".klp.sym.vmlinux.{other}";

    private static void AddUnresolvedIds(ElfObject elf)
    {
        var ids = new ElfSection(".BTF_ids", ElfSectionType.ProgBits) { Flags = ElfSectionFlags.Alloc, Content = new byte[8] };
        elf.Sections.Add(ids);
        var list = new ElfSymbol("list") { Place = ElfSymbolPlace.Section, Section = ids };
        elf.Symbols.Add(list);
        var data = Ordinary(elf, ".data");
        data.Entries.Add(new(data.Target.Size, X8664Relocations.Absolute64.Number, list, 0));
        data.Target.Content = [.. data.Target.Content, .. new byte[8]];
    }

    private static void AddUnloadedTarget(ElfObject elf)
    {
        var notes = new ElfSection(".notes", ElfSectionType.ProgBits) { Content = new byte[8] };
        var section = new ElfRelocationSection(".klp.rela.vmlinux..notes", notes) { Flags = Livepatch(elf, ".text").Flags };
        section.Entries.Add(new(0, X8664Relocations.Absolute64.Number, elf.FindSymbol(".klp.sym.vmlinux.secret_function,0"), 0));
        elf.Sections.AddRange([notes, section]);
    }

    private static void ReplaceText(ElfObject elf, string section, string old, string text)
    {
        var content = elf.FindSection(section)!.Content;
        var at = content.AsSpan().IndexOf(Encoding.ASCII.GetBytes(old));
        Assert.True(at >= 0 && old.Length == text.Length);
        Encoding.ASCII.GetBytes(text).CopyTo(content, at);
    }
}
