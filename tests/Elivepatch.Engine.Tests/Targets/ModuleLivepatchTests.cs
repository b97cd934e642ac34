using Elivepatch.Elf;
using Elivepatch.Engine.Architectures.X8664;
using Elivepatch.Engine.Diff;
using Elivepatch.Engine.Facts;
using Elivepatch.Engine.Fidelity;
using Elivepatch.Engine.Link;
using Elivepatch.Engine.Relocate;
using Elivepatch.Engine.Targets;
using Elivepatch.Engine.Tests.Diff;
using Elivepatch.Engine.Tests.Fidelity;
using Elivepatch.Model;
using Xunit;

namespace Elivepatch.Engine.Tests.Targets;

/// <summary>A livepatch of a module, from its units to its relocation sections.</summary>
public class ModuleLivepatchTests
{
    private const string Declarations = """
        extern int printed(const char *text), hidden(int), lent(int), shared(int);

        """;

    // The module under patch: two units, a static of one name in each, and one that another module lends it a function for.
    private const string First =
        Declarations
        + """
            static int counter;
            __attribute__((noinline)) static int same(int x) { return x + 1; }
            int shared(int x) { counter += x; return counter + same(x) + printed("shared"); }
            """;

    private const string Second =
        Declarations
        + """
            static int counter;
            __attribute__((noinline)) static int same(int x) { return x * 3; }
            int entry(int x) { counter += x; return counter + same(x) + shared(x) + lent(x) + printed("entry"); }
            const char depends[] __attribute__((section(".modinfo"))) = "depends=lender";
            """;

    private const string Lender = "int lent(int x) { return x - 1; }";

    private const string Vmlinux = """
        int printed(const char *text) { return *text; }
        int hidden(int x) { return x + 7; }
        __attribute__((section(".init.text"))) int begin(void) { return 1; }
        __attribute__((section(".data..percpu"))) int each = 1;
        """;

    [Fact]
    public void What_a_module_has_is_named_in_its_sections_and_what_vmlinux_has_in_those_of_vmlinux()
    {
        var module = Relocated(
            Second,
            Second.Replace("return counter + same(x)", "return counter + hidden(x) + same(x)", StringComparison.Ordinal)
        );
        Assert.Equal(
            [
                (".klp.rela.target..text.entry", ".klp.sym.lender.lent,0"),
                (".klp.rela.target..text.entry", ".klp.sym.target.counter,2"),
                (".klp.rela.target..text.entry", ".klp.sym.target.same,2"),
                (".klp.rela.target..text.entry", ".klp.sym.target.shared,0"),
                (".klp.rela.vmlinux..text.entry", ".klp.sym.vmlinux.hidden,0"),
            ],
            LivepatchReferences(module)
        );

        // What vmlinux exports is an ordinary reference, with a checksum.
        Assert.Contains(module.FindSection(".text.entry")!.Relocations!.Entries, r => r.Symbol!.Name == "printed");
    }

    [Fact]
    public void Two_units_that_use_one_function_of_a_third_module_name_it_once_and_each_in_the_section_of_its_own()
    {
        var module = new ElfObject();
        LivepatchUse[] uses = [new(new("lender", "lent", new(0)), "target"), new(new("lender", "lent", new(0)), "other")];
        Assert.Equal(2, uses.Select(u => u.LinkName).Distinct().Count());
        foreach (var use in uses)
        {
            var text = new ElfSection($".text.{use.User}", ElfSectionType.ProgBits)
            {
                Flags = ElfSectionFlags.Alloc | ElfSectionFlags.Execute,
                Content = new byte[8],
            };
            var symbol = new ElfSymbol(use.LinkName) { Binding = ElfSymbolBinding.Global };
            var relocations = new ElfRelocationSection($".rela{text.Name}", text);
            relocations.Entries.Add(new(1, 4, symbol, -4));
            module.Sections.AddRange([text, relocations]);
            module.Symbols.Add(symbol);
        }

        LivepatchRelocations.Apply(module);
        Assert.Equal(
            [
                (".klp.rela.other..text.other", ".klp.sym.lender.lent,0"),
                (".klp.rela.target..text.target", ".klp.sym.lender.lent,0"),
            ],
            LivepatchReferences(module)
        );
        Assert.Single(module.Symbols, s => s.Name == ".klp.sym.lender.lent,0");
    }

    // The livepatch keeps no module in memory.
    [Fact]
    public void A_module_that_need_not_be_there_cannot_be_referred_to()
    {
        var before = Second.Replace("depends=lender", "depends=", StringComparison.Ordinal);
        var problems = ProblemsOf(
            before,
            before.Replace("return counter + same(x)", "return counter + 2 * same(x)", StringComparison.Ordinal)
        );
        Assert.Equal(LinkProblems.ModuleNotNeeded, Assert.Single(problems).Code);
    }

    [Fact]
    public void A_name_that_the_start_of_the_module_has_as_well_cannot_be_referred_to()
    {
        var after = Second.Replace("same(x) +", "same(x) * 2 +", StringComparison.Ordinal);
        var problems = ProblemsOf(
            Second,
            after,
            """__attribute__((section(".init.text"), used)) static void counter(void) { }"""
        );
        Assert.Equal(LinkProblems.AmbiguousSymbol, Assert.Single(problems).Code);
    }

    [Theory]
    [InlineData("__tracepoint_seen", true)]
    [InlineData("enabled", false)]
    public void A_branch_on_a_tracepoint_of_the_module_stays_off_and_any_other_is_refused(string key, bool isTracepoint)
    {
        var branching = Second.Replace("counter += x;", "if (on()) printed(\"on\"); counter += x;", StringComparison.Ordinal);
        var before =
            $$"""
                struct key { long count, more; } {{key}};
                static inline __attribute__((always_inline)) int on(void) {
                    asm goto("1: jmp %l[yes]\n.pushsection __jump_table,\"aw\"\n.balign 8\n.long 1b - ., %l[yes] - .\n.quad %c0 + %c1 - .\n.popsection"
                        : : "i" (&{{key}}), "i" (2) : : yes);
                    return 0;
                yes:
                    return 1;
                }

                """ + branching;
        var after = before.Replace("return counter + same(x)", "return counter + 2 * same(x)", StringComparison.Ordinal);
        if (!isTracepoint)
        {
            Assert.Equal(LinkProblems.ModuleStaticKey, Assert.Single(ProblemsOf(before, after)).Code);
            return;
        }

        var combine = CombineOf(before, after, out _);
        Assert.Contains(
            "no longer reaches the tracepoint seen of target",
            Assert.Single(combine.LeftOut),
            StringComparison.Ordinal
        );
        var module = Relocated(before, after);
        Assert.DoesNotContain(module.Sections, s => s.Name == "__jump_table" && s.Size > 0);
        Assert.DoesNotContain(LivepatchReferences(module), r => r.Symbol.Contains("tracepoint", StringComparison.Ordinal));
        Assert.DoesNotContain(X8664Architecture.Instance.Decode(module.FindSection(".text.entry")!, 0, 3), i => i.IsBranch);
    }

    // A call whose entry is in the table of alternatives: the kernel rewrites it when it loads the livepatch.
    [Fact]
    public void What_is_rewritten_when_the_livepatch_is_loaded_cannot_refer_to_a_module()
    {
        var before = Second.Replace(
            "counter += x;",
            """
            counter += x;
            asm volatile("661: call shared\n662:\n.pushsection .altinstructions,\"a\"\n.long 661b - ., 663f - .\n.long 1\n.byte 662b-661b, 664f-663f\n.popsection\n"
                ".pushsection .altinstr_replacement,\"ax\"\n663: call shared\n664:\n.popsection");
            """,
            StringComparison.Ordinal
        );
        var problems = ProblemsOf(
            before,
            before.Replace("return counter + same(x)", "return counter + 2 * same(x)", StringComparison.Ordinal)
        );
        Assert.Equal([LinkProblems.ModuleReferenceTooEarly, LinkProblems.ModuleReferenceTooEarly], problems.Select(p => p.Code));
    }

    [Fact]
    public void A_call_of_a_module_is_not_counted_while_it_leads_nowhere()
    {
        var module = Relocated(
            Second,
            Second.Replace("return counter + same(x)", "return counter + 2 * same(x)", StringComparison.Ordinal),
            LivepatchRelocations.Apply,
            named =>
            {
                var text = named.FindSection(".text.entry")!;
                var symbol = named.Symbols.First(s => s is { IsFunction: true, IsDefined: true, Name: "entry" });
                var sites = new ElfSection(".call_sites", ElfSectionType.ProgBits) { Flags = ElfSectionFlags.Alloc };
                var relocations = new ElfRelocationSection(".rela.call_sites", sites);
                foreach (var call in text.Relocations!.Entries.Where(r => text.Content[(int)r.Offset - 1] == 0xe8))
                {
                    relocations.Entries.Add(
                        new((ulong)relocations.Entries.Count * 4, 2, symbol, (long)(call.Offset - 1 - symbol.Value))
                    );
                }

                sites.Relocations = relocations;
                sites.Content = new byte[relocations.Entries.Count * 4];
                named.Sections.AddRange([sites, relocations]);
                Assert.True(relocations.Entries.Count >= 4);
                ModuleCallSites.Drop(named, X8664Architecture.Instance);
            }
        );
        var left = module.FindSection(".call_sites")!;
        var entries = left.Relocations!.Entries;
        Assert.Equal((ulong)entries.Count * 4, left.Size);
        Assert.Equal(Enumerable.Range(0, entries.Count).Select(i => (ulong)i * 4), entries.Select(r => r.Offset));

        // What vmlinux exports is called from the start.
        var called = entries.Select(r =>
            module
                .FindSection(".text.entry")!
                .Relocations!.Entries.Single(c => c.Offset == r.Symbol!.Value + (ulong)r.Addend + 1)
                .Symbol!.Name
        );
        Assert.Equal(["__fentry__", "printed"], called.Distinct().Order());
    }

    [Fact]
    public void The_glue_looks_at_the_module_before_it_is_patched()
    {
        _ = CombineOf(
            Second,
            Second.Replace("return counter + same(x)", "return counter + 2 * same(x)", StringComparison.Ordinal),
            out var patched
        );
        var glue = Glue(patched, pins: false);
        Assert.Contains(
            ".name = \"target\", .callbacks = { .pre_patch = elivepatch_pre_patch_0 }",
            glue,
            StringComparison.Ordinal
        );
        Assert.DoesNotContain("try_module_get", glue, StringComparison.Ordinal);

        var pinning = Glue(patched, pins: true);
        Assert.Contains("if (!try_module_get(obj->mod))", pinning, StringComparison.Ordinal);
        Assert.Contains(".post_unpatch = elivepatch_post_unpatch_0", pinning, StringComparison.Ordinal);
        Assert.Contains("elivepatch_exit(void)\n{\n\telivepatch_unpin();\n}", pinning, StringComparison.Ordinal);
    }

    [Fact]
    public void Of_old_code_the_bytes_count_that_the_loader_leaves_alone()
    {
        const string source = """
            extern int printed(const char *text);
            int code(int x) {
                asm volatile("1: call printed\n.pushsection .return_sites,\"a\"\n.long 1b - .\n.popsection");
                asm volatile("661: mov $5, %eax\n662:\n.pushsection .altinstructions,\"a\"\n.long 661b - ., 663f - .\n.long 1\n.byte 662b-661b, 664f-663f\n.popsection\n"
                    ".pushsection .altinstr_replacement,\"ax\"\n663: mov $6, %eax\n664:\n.popsection");
                return x * 77;
            }
            int next(void) { return 1; }
            """;
        var file = FakeKernel.LinkModule(source);
        var target = Patched.Value(ModuleTarget.Open(X8664Architecture.Instance, "target", file));
        var code = target.Symbols.Named("code").Single();
        var loaded = target.FindLoaded("code", code.Address)!;
        Assert.Equal(target.Symbols.Named("next").Single().Address - code.Address, loaded.Size);
        var bytes = loaded.Code.ToArray();
        var written = Enumerable
            .Range(0, bytes.Length)
            .Where(i => !loaded.Kept.Any(k => i >= k.Start && i < k.Start + k.Length))
            .ToList();
        var call = Array.IndexOf(bytes, (byte)0xe8);
        var constant = Array.IndexOf(bytes, (byte)0xb8);
        Assert.Equal(Enumerable.Range(call, 5).Concat(Enumerable.Range(constant, 5)), written);
        Assert.Null(target.FindLoaded("code", code.Address + 1));
        Assert.Null(target.FindLoaded("absent", code.Address));
    }

    [Fact]
    public void The_memory_of_a_module_is_what_its_sections_say()
    {
        var target = Patched.Value(
            ModuleTarget.Open(
                X8664Architecture.Instance,
                "target",
                FakeKernel.LinkModule(
                    """
                    __attribute__((section(".init.text"))) int start(void) { return 1; }
                    __attribute__((section(".exit.text"))) int end(void) { return 1; }
                    __attribute__((section(".data..percpu"))) int each = 1;
                    __attribute__((section(".data..ro_after_init"))) int once = 1;
                    const int fixed[4] = { 1 };
                    int variable = 1, zero;
                    int code(void) { return variable + zero; }
                    """
                )
            )
        );
        MemoryKind KindOf(string name) => target.KindOf(target.Symbols.Named(name).Single().Address);
        Assert.Equal(MemoryKind.Init, KindOf("start"));
        Assert.Equal(MemoryKind.Code, KindOf("end"));
        Assert.Equal(MemoryKind.PerCpu, KindOf("each"));
        Assert.Equal(MemoryKind.ReadOnlyAfterInit, KindOf("once"));
        Assert.Equal(MemoryKind.Constant, KindOf("fixed"));
        Assert.Equal(MemoryKind.Data, KindOf("variable"));
        Assert.Equal(MemoryKind.Data, KindOf("zero"));
        Assert.Equal(MemoryKind.Code, KindOf("code"));
        Assert.Equal(MemoryKind.Unknown, target.KindOf(0xffffffff81000000));
    }

    // Built outside of the kernel's tree, or replaced by one that was.
    [Fact]
    public void What_the_module_gets_from_one_that_nobody_knows_is_not_what_vmlinux_has_under_that_name()
    {
        var before = Second.Replace("return counter", "return hidden(x) + counter", StringComparison.Ordinal);
        var problems = ProblemsOf(before, before.Replace("printed(\"entry\")", "printed(\"other\")", StringComparison.Ordinal));
        Assert.NotEmpty(problems);
        Assert.All(
            problems,
            p =>
            {
                Assert.Equal(LinkProblems.UnresolvedSymbol, p.Code);
                Assert.Contains("hidden, which target gets from", p.Reason, StringComparison.Ordinal);
            }
        );
    }

    [Fact]
    public void A_module_says_what_it_exports()
    {
        var file = FakeKernel.LinkModule(
            Lender + "__asm__(\".pushsection ___ksymtab_gpl+lent,\\\"a\\\"\\n__ksymtab_lent: .long lent - .\\n.popsection\");"
        );
        var target = Patched.Value(ModuleTarget.Open(X8664Architecture.Instance, "lender", file));
        Assert.Equal([("lent", "lender")], target.Exports.Select(e => (e.Name, e.ObjectName)));
    }

    private static string Glue(IReadOnlyList<PatchedFunction> patched, bool pins) =>
        GlueSource.Write(
            patched,
            replace: true,
            "",
            [],
            new([], true, null) { Computed = new HashSet<(string, string)>() },
            pinsModules: pins
        );

    private static ModuleTarget Target(string second, string third) =>
        Patched.Value(ModuleTarget.Open(X8664Architecture.Instance, "target", FakeKernel.LinkModule(third, First, second)));

    private static List<(string Section, string Symbol)> LivepatchReferences(ElfObject module) =>
        [
            .. module
                .RelocationSections.Where(s => s.Has(ElfSectionFlags.RelaLivepatch))
                .SelectMany(s => s.Entries.Select(r => (s.Name, r.Symbol!.Name)))
                .Distinct()
                .Order(),
        ];

    private static IReadOnlyList<Problem> ProblemsOf(string before, string after, string third = "")
    {
        var (unit, resolver, entries) = Prepare(before, after, third);
        var problems = CheckReferences.Run([unit], resolver, entries);
        return problems.Count > 0 ? problems : Combine.Start([unit], resolver).Problems;
    }

    private static Combine CombineOf(string before, string after, out IReadOnlyList<PatchedFunction> patched)
    {
        var (unit, resolver, entries) = Prepare(before, after);
        Assert.Empty(CheckReferences.Run([unit], resolver, entries));
        patched = Patched.Value(ResolvePatched.Run([unit]));
        return Patched.Value(Combine.Start([unit], resolver));
    }

    private static ElfObject Relocated(
        string before,
        string after,
        Action<ElfObject>? relocate = null,
        Action<ElfObject>? whenNamed = null
    )
    {
        var combine = CombineOf(before, after, out var patched);
        var combined = combine.Finish(patched, FakeKernel.Compile("int glue;"), []);
        var named = Patched.Value(LivepatchNames.Apply(Patched.Value(ColdParts.Join(combined.Object)), combined));
        whenNamed?.Invoke(named);
        Assert.True(ModuleBranches.SwitchOff(named, X8664Architecture.Instance).Succeeded);
        (relocate ?? LivepatchRelocations.Apply)(named);
        return named;
    }

    private static (LinkUnit Unit, ReferenceResolver Resolver, IndirectEntries Entries) Prepare(
        string before,
        string after,
        string third = ""
    )
    {
        var kernel = FakeKernel.Of(Vmlinux);
        var target = Target(before, third);
        var lender = Patched.Value(ModuleTarget.Open(X8664Architecture.Instance, "lender", FakeKernel.LinkModule(Lender)));
        var exports = ExportedSymbols
            .Parse(
                "0x00000003\t__fentry__\tvmlinux\tEXPORT_SYMBOL\t\n0x00000001\tprinted\tvmlinux\tEXPORT_SYMBOL\t\n0x00000002\tlent\tdrivers/lender\tEXPORT_SYMBOL\t\n"u8
            )
            .Value;
        var placement = Patched.Value(
            FidelityCheck.Run(X8664Architecture.Instance, "second.c", FakeKernel.Compile(before), target, "gcc (Test) 1.0")
        );
        var inclusion = Patched.Value(Include.Run(Patched.Compare(before, after)));
        return (
            new(inclusion, placement),
            new(exports, new(new(kernel.Symbols, kernel.Image), [target, lender])),
            new(X8664Architecture.Instance, kernel.Symbols)
        );
    }
}
