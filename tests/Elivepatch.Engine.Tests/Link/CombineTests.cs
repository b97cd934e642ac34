using System.Text;
using Elivepatch.Elf;
using Elivepatch.Elf.Tests;
using Elivepatch.Engine.Architectures.X8664;
using Elivepatch.Engine.Diff;
using Elivepatch.Engine.Facts;
using Elivepatch.Engine.Link;
using Elivepatch.Engine.Relocate;
using Elivepatch.Engine.Tests.Diff;
using Elivepatch.Engine.Tests.Fidelity;
using Xunit;

namespace Elivepatch.Engine.Tests.Link;

public sealed class CombineTests
{
    private const string Other = """
        int __fentry__(void) { return 0; }
        int printk(const char *format, ...) { return *format; }
        int hidden(int a) { return a + 1; }
        __attribute__((noinline)) static int helper(int a) { return a * 17; }
        int use(int a) { return helper(a) + helper(a + 3); }
        int (*stored)(int);
        unsigned long boundary = 7;
        """;

    private const string Unit = """
        extern int printk(const char *, ...);
        extern int hidden(int);
        extern int (*stored)(int);
        __attribute__((noinline)) static int helper(int a) { return a * 3 + hidden(a); }
        static int count;
        __attribute__((noinline)) int f(int a) { return printk("old %d", a) + helper(a) + count++; }
        int g(int a) { stored = f; return f(a) + 1; }
        """;

    private static readonly string patchedUnit = Unit.Replace("old %d", "new %d", StringComparison.Ordinal)
        .Replace("f(a) + 1", "f(a) + 2", StringComparison.Ordinal);

    [Fact]
    public void What_is_exported_is_an_ordinary_symbol_and_what_is_not_a_livepatch_symbol()
    {
        var linked = Link(Unit, patchedUnit);
        Assert.NotNull(linked.References.Single(r => r.Name == "printk").Export);
        Assert.Equal(
            ".klp.sym.vmlinux.hidden,0",
            Link(Unit, Unit.Replace("a * 3", "a * 5", StringComparison.Ordinal))
                .References.Single(r => r.Name == "hidden")
                .ToString()
        );
    }

    // Objtool is told of it whatever the kernel calls it, and the link of the module drops it.
    [Fact]
    public void What_the_build_is_told_of_an_instruction_goes_with_the_instruction()
    {
        var marked = WithMarks("1b - ., 7", "1b - ., 7");
        var module = Link(marked, marked.Replace("old %d", "new %d", StringComparison.Ordinal)).Module;
        var marks = Assert.Single(module.FindSection(Mark)!.Relocations!.Entries);
        Assert.Equal(".text.f", marks.Symbol!.Section!.Name);
        Assert.Equal(8, module.FindSection(Mark)!.Content.Length);
    }

    // Nothing tells where an entry ends, or whose it is: then it is a section that nobody knows, and it speaks of code that is
    // included.
    [Theory]
    [InlineData("1b - .", "1b - .")]
    [InlineData("1b - ., f - .", "1b - ., helper - .")]
    [InlineData("count - ., 7, 1b - ., 8", "count - ., 7, 1b - ., 8")]
    public void What_the_build_is_told_in_a_form_that_nobody_knows_is_refused(string ofF, string ofG)
    {
        var marked = WithMarks(ofF, ofG);
        var diff = Patched.Compare(marked, marked.Replace("old %d", "new %d", StringComparison.Ordinal));
        Assert.Contains(
            diff.Problems.Concat(Include.Run(diff).Problems),
            p => p.Code == DiffProblems.UnknownSection && p.Reason.Contains(Mark, StringComparison.Ordinal)
        );
    }

    private const string Mark = ".discard.of_a_later_kernel";

    private static string WithMarks(string ofF, string ofG)
    {
        static string Asm(string fields) => $"asm volatile(\"1:\\n.pushsection {Mark}\\n.long {fields}\\n.popsection\");";
        return Unit.Replace("{ return printk", "{ " + Asm(ofF) + " return printk", StringComparison.Ordinal)
            .Replace("{ stored = f;", "{ " + Asm(ofG) + " stored = f;", StringComparison.Ordinal);
    }

    [Fact]
    public void A_reference_that_is_not_all_within_its_datum_is_refused()
    {
        var after = Unit.Replace("a * 3 +", "a * 3 + foo[0] +", StringComparison.Ordinal)
            .Replace(
                "extern int hidden(int);",
                """
                extern int hidden(int), foo[];
                asm(".pushsection .data.foo,\"aw\"\n.globl foo\n.type foo,@object\n.balign 8\nfoo: .quad hidden\n.size foo,4\n.popsection");
                """,
                StringComparison.Ordinal
            );
        var kernel = FakeKernel.Of(Other, Unit);
        var problem = Assert.Single(Combine.Start([UnitOf(kernel, Unit, after)], new(Exports, kernel.Objects)).Problems);
        Assert.Equal(DiffProblems.UnreadableCode, problem.Code);
        Assert.Contains("foo", problem.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void One_of_several_equal_names_is_meant_by_its_place()
    {
        // The other unit is linked first, so its helper is the first of that name.
        var reference = Link(Unit, patchedUnit).References.Single(r => r.Name == "helper");
        Assert.Equal(2, reference.Livepatch!.Position.Value);
    }

    [Fact]
    public void A_patched_function_is_called_directly_and_its_stored_address_is_the_original()
    {
        var linked = Link(Unit, patchedUnit);
        var relocations = linked.Module.FindSection(".text.g")!.Relocations!.Entries;
        var call = Assert.Single(relocations, r => r.Symbol!.Name == "f");
        Assert.Equal(ElfSymbolPlace.Section, call.Symbol!.Place);
        var stored = Assert.Single(relocations, r => r.Symbol!.Name == ".klp.sym.vmlinux.f,0");
        Assert.Equal(ElfSymbolPlace.Undefined, stored.Symbol!.Place);
    }

    [Fact]
    public void A_table_entry_about_the_very_entry_of_a_function_is_about_the_copy()
    {
        // Without endbr the call of __fentry__ is the first instruction.
        var entries = Link(Unit, patchedUnit).Module.FindSection("__mcount_loc")!.Relocations!.Entries;
        Assert.Equal(2, entries.Count);
        Assert.All(entries, e => Assert.True(e.Symbol!.IsDefined));
    }

    [Fact]
    public void A_warning_is_handed_the_entry_of_the_copy()
    {
        const string source =
            WarningEntryTests.Declarations
            + """
                extern int hidden(int);
                int first(int a) { WARN("warn1", "first", 11); return hidden(a); }
                int second(int a) { WARN("warn2", "second", 12); WARN("warn3", "third", 13); return hidden(a + 1); }
                """;
        var kernel = FakeKernel.Of("int limit; void warn(void *a, ...) { }\n" + Other, source);
        var after = source.Replace("a + 1", "a + 2", StringComparison.Ordinal);
        var module = Link(kernel, [UnitOf(kernel, source, after)]).Module;
        var table = module.FindSection("__bug_table")!;
        Assert.Equal(2 * 16, table.Content.Length);
        var code = module.FindSection(".text.second")!;
        var handed = code.Relocations!.Entries.Where(r => r.Symbol!.Section == table).Select(r => r.Addend + 4);
        Assert.Equal([0, 16], handed);
        // Each of them is about the instruction behind the one that loads its address.
        foreach (var load in code.Relocations.Entries.Where(r => r.Symbol!.Section == table))
        {
            var place = table.Relocations!.Entries.Single(r => (long)r.Offset == load.Addend + 4);
            Assert.Equal(code, place.Symbol!.Section);
            Assert.Equal((long)load.Offset + 4, (long)place.Symbol.Value + place.Addend);
        }
    }

    [Fact]
    public void The_running_kernels_data_is_referred_to_and_never_copied()
    {
        var linked = Link(Unit, patchedUnit);
        Assert.DoesNotContain(linked.Module.Sections, s => s.Name.StartsWith(".bss", StringComparison.Ordinal) && s.Size > 0);
        Assert.Contains(linked.References, r => r.ToString() == ".klp.sym.vmlinux.count,0");
    }

    [Fact]
    public void Relocated_fields_are_zero()
    {
        var module = Link(Unit, patchedUnit).Module;
        foreach (var section in module.Sections.Where(s => s.Relocations is not null && s.Type != ElfSectionType.NoBits))
        {
            foreach (var relocation in section.Relocations!.Entries)
            {
                Assert.True(
                    section
                        .Content.AsSpan((int)relocation.Offset, X8664Architecture.Instance.TypeOf(relocation).Size)
                        .IndexOfAnyExcept((byte)0) < 0,
                    $"{section}: {relocation}"
                );
            }
        }
    }

    [Fact]
    public void A_string_comes_along()
    {
        var strings = Link(Unit, patchedUnit).Module.Sections.Where(s => s.Name.Contains(".str1", StringComparison.Ordinal));
        Assert.Contains(
            "new %d",
            string.Concat(strings.Select(s => Encoding.ASCII.GetString(s.Content))),
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void A_new_global_is_shared_by_the_units_that_use_it()
    {
        var (first, second) = ("int a(int x) { return x; }\n", "int b(int x) { return x; }\n");
        var kernel = FakeKernel.Of(Other, first, second);
        LinkUnit[] units =
        [
            UnitOf(kernel, first, "int fresh;\nint a(int x) { return x + fresh++; }\n"),
            UnitOf(kernel, second, "extern int fresh;\nint b(int x) { return x - fresh; }\n"),
        ];
        var module = Link(kernel, units).Module;
        var uses = new[] { ".text.a", ".text.b" }
            .SelectMany(s => module.FindSection(s)!.Relocations!.Entries)
            .Where(r => r.Symbol!.Name == "fresh")
            .ToList();
        Assert.True(uses.Count >= 2);
        Assert.Single(uses.Select(r => r.Symbol).Distinct());
        Assert.True(uses[0].Symbol!.IsDefined);
    }

    [Fact]
    public void A_new_static_that_has_the_name_of_a_global_of_the_kernel_gets_another()
    {
        var after = patchedUnit
            .Replace("helper(a) + count++", "use(a, &boundary) + count++", StringComparison.Ordinal)
            .Replace(
                "static int count;",
                "static int count, boundary;\n__attribute__((noipa)) static int use(int a, int *b) { return a + ++*b; }",
                StringComparison.Ordinal
            );
        var names = Link(Unit, after).Module.Symbols.Where(s => s.IsDefined).Select(s => s.Name).ToList();
        Assert.DoesNotContain("use", names);
        Assert.DoesNotContain("boundary", names);
        Assert.Contains("use.static", names);
    }

    [Fact]
    public void A_constant_that_the_kernel_writes_into_its_code_becomes_a_load_of_the_variable()
    {
        const string source = """
            unsigned long f(unsigned long a)
            {
                unsigned long value;
                asm("mov %1,%0\n1:\n.pushsection runtime_ptr_boundary,\"a\"\n.long 1b - 8 - .\n.popsection" : "=r" (value) : "i" (0x0123456789abcdef));
                return a + value;
            }
            """;
        var linked = Link(source, source.Replace("a + value", "a - value", StringComparison.Ordinal));
        Assert.Null(linked.Module.FindSection("runtime_ptr_boundary"));
        var text = linked.Module.FindSection(".text.f")!;
        var load = Assert.Single(text.Relocations!.Entries, r => r.Symbol!.Name == ".klp.sym.vmlinux.boundary,0");
        var decoder = Iced.Intel.Decoder.Create(64, text.Content[((int)load.Offset - 3)..]);
        var instruction = decoder.Decode();
        Assert.Equal(
            (Iced.Intel.Mnemonic.Mov, true, 7),
            (instruction.Mnemonic, instruction.IsIPRelativeMemoryOperand, instruction.Length)
        );
        Assert.Equal(Iced.Intel.Mnemonic.Nop, decoder.Decode().Mnemonic);
        Assert.Equal(-4, load.Addend);
    }

    private const string Shifting = """
        static unsigned int order;
        static inline unsigned int shifted(unsigned int value)
        {
            asm("shrl $12,%k0\n1:\n.pushsection runtime_shift_order,\"a\"\n.long 1b - 1 - .\n.popsection" : "+r" (value));
            return value;
        }
        extern int hidden(int);
        unsigned int f(unsigned int a) { return shifted(a) + shifted(a + 1); }
        unsigned int g(unsigned int a) { if (__builtin_expect(a > 9, 0)) return hidden(shifted(a)); return a; }
        int set(int a) { order += a; return hidden(order); }

        """;

    [Fact]
    public void A_shift_count_that_the_kernel_writes_into_its_code_is_written_by_the_glue()
    {
        var kernel = FakeKernel.Of(
            Other + "void *text_poke_copy(void *to, const void *from, unsigned long size) { return to; }\n",
            Shifting
        );
        var after = Shifting
            .Replace("shifted(a + 1)", "shifted(a + 2)", StringComparison.Ordinal)
            .Replace("return a; }", "return a + 3; }", StringComparison.Ordinal);
        LinkUnit[] units = [UnitOf(kernel, Shifting, after)];
        var patched = Patched.Value(ResolvePatched.Run(units));
        var combine = Patched.Value(Combine.Start(units, new(Exports, kernel.Objects)));

        Assert.Equal(3, combine.Shifts.Count);
        Assert.All(combine.Shifts, s => Assert.Equal(4UL, s.ValueSize));
        Assert.Contains(combine.References, r => r is { Name: "order", Livepatch: not null });
        Assert.Contains(combine.References, r => r is { Name: "text_poke_copy", Livepatch: not null });
        var source = GlueSource.Write(
            patched,
            replace: true,
            "",
            [],
            new([], true, null) { Computed = new HashSet<(string, string)>() },
            combine.Shifts
        );
        Assert.Contains("elivepatch_write_shifts() ?: klp_enable_patch", source, StringComparison.Ordinal);

        var uses = string.Concat(
            combine.Shifts.Select(
                (s, i) =>
                    $"extern const char {s.CodeSymbol}[]; extern const unsigned {s.ValueSymbol}; const void *code{i} = {s.CodeSymbol} + {s.Offset}, *value{i} = &{s.ValueSymbol};\n"
            )
        );
        var combined = combine.Finish(patched, Gcc.CompileAndRead(uses, "-O2 -fno-PIE -mcmodel=kernel -fdata-sections"), []);
        var module = Patched.Value(LivepatchNames.Apply(ElfReader.Read(ElfWriter.Write(combined.Object)), combined));
        Assert.Null(module.FindSection("runtime_shift_order"));
        for (var i = 0; i < combine.Shifts.Count; i++)
        {
            var code = Assert.Single(module.FindSection($".data.code{i}")!.Relocations!.Entries);
            var count = (int)(code.Symbol!.Value + (ulong)code.Addend);
            Assert.Equal((0xc1, 12), (code.Symbol.Section!.Content[count - 2], code.Symbol.Section.Content[count]));
            Assert.InRange(code.Symbol.Section.Content[count - 1], 0xe8, 0xef);
            Assert.Equal(
                ".klp.sym.vmlinux.order,0",
                Assert.Single(module.FindSection($".data.value{i}")!.Relocations!.Entries).Symbol!.Name
            );
        }
    }

    [Theory]
    [InlineData("for (;;) hidden(a);", true)]
    [InlineData("hidden(a); __builtin_unreachable();", true)]
    [InlineData("if (a > 3) hidden(a); else hidden(3); for (;;) asm volatile(\"\");", true)]
    [InlineData("hidden(a);", false)]
    [InlineData("if (a > 3) for (;;) hidden(a);", false)]
    [InlineData("((void (*)(int))stored)(a);", false)]
    public void A_static_function_that_never_returns_has_a_name_that_objtool_knows_and_a_mark_behind_its_call(
        string body,
        bool never
    )
    {
        var source = $$"""
            extern int hidden(int);
            extern int (*stored)(int);
            __attribute__((noinline)) static void end(int a) { {{body}} }
            int f(int a) { if (a > 9) end(a + 1); return a * 3; }

            """;
        var module = Link(source, source.Replace("a * 3", "a * 5", StringComparison.Ordinal)).Module;
        var marks = module.FindSection(".discard.unreachable")?.Relocations?.Entries ?? [];
        Assert.Equal(never ? 1 : 0, marks.Count);
        if (!never)
        {
            return;
        }

        var call = Assert.Single(
            module
                .Sections.Where(s => s.Name.StartsWith(".text.f", StringComparison.Ordinal))
                .SelectMany(s => s.Relocations?.Entries ?? []),
            r => r.Symbol!.Name == ".klp.sym.vmlinux.end,0"
        );
        Assert.Equal((long)call.Offset + 4, marks[0].Addend);
        Assert.True(marks[0].Symbol!.IsSectionSymbol);
        var kernel = FakeKernel.Of(Other, source);
        var asObjtoolSeesIt = Finish(
            kernel,
            [UnitOf(kernel, source, source.Replace("a * 3", "a * 5", StringComparison.Ordinal))]
        );
        Assert.Contains("panic", asObjtoolSeesIt.Combined.Aliases.Keys);
        Assert.Contains(asObjtoolSeesIt.Combined.Object.Symbols, s => s is { Name: "panic", Place: ElfSymbolPlace.Undefined });
    }

    [Theory]
    [InlineData("shrl $12,%k0", "shrq $12,%q0")]
    [InlineData("shrl $12,%k0", "shll $12,%k0")]
    [InlineData("static unsigned int order", "static char order[3]")]
    public void What_is_no_shift_by_a_number_is_refused(string old, string now)
    {
        var source = Shifting
            .Replace(old, now, StringComparison.Ordinal)
            .Replace("order += a; return hidden(order)", "return hidden((long)&order)", StringComparison.Ordinal);
        var kernel = FakeKernel.Of(
            Other + "void *text_poke_copy(void *to, const void *from, unsigned long size) { return to; }\n",
            source
        );
        var unit = UnitOf(kernel, source, source.Replace("shifted(a + 1)", "shifted(a + 2)", StringComparison.Ordinal));
        Assert.Equal([411, 411], Combine.Start([unit], new(Exports, kernel.Objects)).Problems.Select(p => p.Code.Number));
    }

    [Fact]
    public void A_symbol_that_the_kernel_does_not_have_is_refused()
    {
        var kernel = FakeKernel.Of(Other, Unit);
        var unit = UnitOf(
            kernel,
            Unit,
            "extern int absent(int);\n" + Unit.Replace("f(a) + 1", "absent(a)", StringComparison.Ordinal)
        );
        var outcome = Combine.Start([unit], new(Exports, kernel.Objects));
        Assert.Equal(501, Assert.Single(outcome.Problems).Code.Number);
    }

    [Fact]
    public void Livepatch_relocations_move_to_sections_of_their_own_and_nothing_else_does()
    {
        var linked = Link(Unit, patchedUnit);
        var before = linked.Module.RelocationSections.Sum(s => s.Entries.Count);
        LivepatchRelocations.Apply(linked.Module);
        var sections = linked.Module.RelocationSections.ToList();
        Assert.Equal(before, sections.Sum(s => s.Entries.Count));
        Assert.Contains(sections, s => s.Name == ".klp.rela.vmlinux..text.f");
        foreach (var section in sections)
        {
            var isLivepatch = section.Has(ElfSectionFlags.RelaLivepatch);
            Assert.All(section.Entries, e => Assert.Equal(isLivepatch, e.Symbol!.Place == ElfSymbolPlace.Livepatch));
        }

        var again = ElfReader.Read(ElfWriter.Write(linked.Module));
        Assert.Equal(sections.Count, again.RelocationSections.Count());
    }

    private static ExportedSymbols Exports =>
        ExportedSymbols
            .Parse("0x12345678\tprintk\tvmlinux\tEXPORT_SYMBOL\t\n0x00000001\t__fentry__\tvmlinux\tEXPORT_SYMBOL\t\n"u8)
            .Value;

    private static LinkUnit UnitOf(FakeKernel kernel, string before, string after) =>
        new(Patched.Value(Include.Run(Patched.Compare(before, after))), Patched.Value(kernel.Check(before)));

    private static (ElfObject Module, IReadOnlyList<KernelReference> References) Link(string before, string after)
    {
        var kernel = FakeKernel.Of(Other, before);
        return Link(kernel, [UnitOf(kernel, before, after)]);
    }

    private static (ElfObject Module, IReadOnlyList<KernelReference> References) Link(FakeKernel kernel, LinkUnit[] units)
    {
        var (combined, references) = Finish(kernel, units);
        var module = Patched.Value(LivepatchNames.Apply(ElfReader.Read(ElfWriter.Write(combined.Object)), combined));
        Assert.DoesNotContain(module.Symbols, s => s.Name.StartsWith("elivepatch_new", StringComparison.Ordinal));
        return (module, references);
    }

    private static (CombinedModule Combined, IReadOnlyList<KernelReference> References) Finish(
        FakeKernel kernel,
        LinkUnit[] units
    )
    {
        var patched = Patched.Value(ResolvePatched.Run(units));
        var combine = Patched.Value(Combine.Start(units, new(Exports, kernel.Objects)));
        var externs = string.Concat(
            patched.Select(p => $"extern const char {p.NewSymbol}[];\nconst void *use_{p.NewSymbol} = {p.NewSymbol};\n")
        );
        var combined = combine.Finish(patched, Gcc.CompileAndRead(externs, "-O2 -fno-PIE -mcmodel=kernel"), ["panic", "do_exit"]);
        return (combined, combine.References);
    }
}
