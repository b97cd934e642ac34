using Elivepatch.Elf;
using Elivepatch.Engine.Architectures.X8664;
using Elivepatch.Engine.Fidelity;
using Elivepatch.Engine.Targets;
using Iced.Intel;
using Xunit;

namespace Elivepatch.Engine.Tests.Fidelity;

public sealed class BeforeMatchesAsBuiltTests
{
    private const string Unit = """
        extern int report(const char *);
        extern int run(int);
        static int state = 5;
        static struct {} empty;
        static int counter;
        const int limits[2] = { 3, 4 };
        __attribute__((noinline)) static int step(int by) { counter += by; return state += by; }
        int tail(int by) { return step(by + 1); }
        int choose(int by) { for (int i = 0; i < by; i++) if (report("loop")) return step(i); return by ? step(by) : tail(by); }
        int run(int by) { return step(by) + report("running") + limits[by & 1] + (__builtin_expect(by > 9, 0) ? report("cold") : 0); }
        void *place(void) { return &empty; }
        """;

    private static readonly string[] Sectioned = ["-ffunction-sections", "-fdata-sections", "-gdwarf-4"];

    [Fact]
    public void Sections_per_function_and_datum_hold_the_same_code_and_data()
    {
        var before = FakeKernel.Compile(Unit, Sectioned);

        Assert.Same(
            before,
            BeforeMatchesAsBuilt
                .Run(X8664Architecture.Instance, VmlinuxTarget.LinkRules, "unit.c", FakeKernel.Compile(Unit), before)
                .Value
        );
    }

    [Fact]
    public void A_tail_call_that_the_assembler_could_shorten_is_the_same_code()
    {
        var asBuilt = FakeKernel.Compile(Unit);
        var before = FakeKernel.Compile(Unit, Sectioned);

        Assert.NotEqual(asBuilt.FindSymbol("tail")!.Size, before.FindSymbol("tail")!.Size);
        Assert.NotEqual(asBuilt.FindSymbol("choose")!.Size, before.FindSymbol("choose")!.Size);
        Assert.True(
            BeforeMatchesAsBuilt.Run(X8664Architecture.Instance, VmlinuxTarget.LinkRules, "unit.c", asBuilt, before).Succeeded
        );
    }

    // CONFIG_UBSAN_BOUNDS and CONFIG_UBSAN_SHIFT: what the checks say has no names, and a section each only here. The compiler
    // leaves behind what it has optimised the check of away.
    private const string Checked = """
        static int few[4] __attribute__((section(".few")));
        int many[8] __attribute__((section(".few")));
        int pick(unsigned i) { return few[i] << many[i]; }
        int known(void) { unsigned i = 2; return few[i] + many[i]; }
        """;

    private static readonly string[] Sanitized = ["-fsanitize=bounds-strict", "-fsanitize=shift"];

    [Fact]
    public void What_a_sanitizer_says_of_its_checks_is_found_by_the_references_to_it()
    {
        var asBuilt = FakeKernel.Compile(Checked, Sanitized);
        var before = FakeKernel.Compile(Checked, [.. Sanitized, .. Sectioned]);
        Assert.True(asBuilt.FindSection(".data")!.Size > 0);
        Assert.Equal(0UL, before.FindSection(".data")!.Size);
        Assert.Empty(
            BeforeMatchesAsBuilt.Run(X8664Architecture.Instance, VmlinuxTarget.LinkRules, "unit.c", asBuilt, before).Problems
        );
    }

    [Theory]
    [InlineData("few[4]", "few[5]")]
    [InlineData("int pick", "\nint pick")]
    [InlineData("static int few", "static long few")]
    public void Another_check_is_another_code(string from, string to)
    {
        var asBuilt = FakeKernel.Compile(Checked, Sanitized);
        var before = FakeKernel.Compile(Checked.Replace(from, to, StringComparison.Ordinal), [.. Sanitized, .. Sectioned]);
        Assert.Equal(
            FidelityProblems.BeforeDiffersFromAsBuilt,
            BeforeMatchesAsBuilt
                .Run(X8664Architecture.Instance, VmlinuxTarget.LinkRules, "unit.c", asBuilt, before)
                .Problems[0]
                .Code
        );
    }

    [Theory]
    [InlineData("tail", "step(by + 1)", "step(by + 2)")]
    [InlineData("step", "state += by", "state -= by")]
    [InlineData("run", "\"running\"", "\"runners\"")]
    [InlineData("limits", "{ 3, 4 }", "{ 3, 5 }")]
    [InlineData("state", "state = 5", "state = 6")]
    [InlineData("tail", "tail(int by) { return step", "tail(int by) { return run")]
    [InlineData("place", "return &empty", "return &state")]
    [InlineData("place", "place", "spot")]
    [InlineData("choose", "return by ? step(by)", "return by ? run(by)")]
    public void Any_difference_is_found_and_named(string name, string from, string to)
    {
        var before = FakeKernel.Compile(Unit.Replace(from, to, StringComparison.Ordinal), Sectioned);

        var problem = Assert.Single(
            BeforeMatchesAsBuilt
                .Run(X8664Architecture.Instance, VmlinuxTarget.LinkRules, "unit.c", FakeKernel.Compile(Unit), before)
                .Problems
        );

        Assert.Equal(FidelityProblems.BeforeDiffersFromAsBuilt, problem.Code);
        Assert.Contains(name, problem.Reason, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData]
    [InlineData("-falign-loops=32", "-falign-jumps=32")]
    [InlineData("-falign-loops=32", "-falign-jumps=32", "-fpatchable-function-entry=16,16")]
    public void Every_changed_byte_of_code_outside_of_relocated_fields_is_found(params string[] flags)
    {
        var asBuilt = FakeKernel.Compile(Unit + Loops, flags);
        var before = FakeKernel.Compile(Unit + Loops, [.. Sectioned, .. flags]);
        Assert.True(
            BeforeMatchesAsBuilt.Run(X8664Architecture.Instance, VmlinuxTarget.LinkRules, "unit.c", asBuilt, before).Succeeded
        );
        foreach (
            var section in new[] { asBuilt, before }
                .SelectMany(o => o.Sections)
                .Where(s => s.Name.StartsWith(".text", StringComparison.Ordinal))
        )
        {
            var padding = PaddingOf(section);
            for (var i = 0; i < section.Content.Length; i++)
            {
                var isField = section.Relocations?.Entries.Exists(r => (ulong)i - r.Offset < 4) == true;
                foreach (var bit in isField || padding.Contains((ulong)i) ? [] : (byte[])[1, 4, 0x80])
                {
                    section.Content[i] ^= bit;
                    Assert.False(
                        BeforeMatchesAsBuilt
                            .Run(X8664Architecture.Instance, VmlinuxTarget.LinkRules, "unit.c", asBuilt, before)
                            .Succeeded,
                        $"{section}+0x{i:x} {bit}"
                    );
                    section.Content[i] ^= bit;
                }
            }
        }
    }

    // Offsets of NOPs, which code may have more or less of.
    private static HashSet<ulong> PaddingOf(ElfSection section)
    {
        var decoder = Decoder.Create(64, new ByteArrayCodeReader(section.Content), 0);
        var padding = new HashSet<ulong>();
        foreach (var instruction in decoder)
        {
            for (var i = instruction.IP; instruction.Mnemonic == Mnemonic.Nop && i < instruction.NextIP; i++)
            {
                padding.Add(i);
            }
        }

        return padding;
    }

    private const string Loops = """

        extern int table_of(const char *, int);
        static const char *const words[] = { "a", "b" };
        int odd(int a) { return a * 3; }
        int sum(const int *p, int n) { int s = 0; for (int i = 0; i < n; i++) { if (p[i] == 7) break; s += p[i] * 3; } return s; }
        int count(const char *p, int n)
        {
            int s = 0;
            while (n-- > 0) { if (!*p) return table_of(p, s); s += *p++ == 'x' ? 2 : 5; if (s > 900) s = odd(s); }
            for (int i = 0; i < s; i++) s ^= run(i);
            return s;
        }
        int branch(int a)
        {
            for (int i = 0; i < a; i++) {
                asm goto("1: .byte 0x0f,0x1f,0x44,0,0\n.pushsection __jump_table,\"aw\"\n.balign 8\n.long 1b - ., %l[yes] - .\n.quad state\n.popsection" : : : : yes);
                a += report("no");
                continue;
        yes:
                a -= report("yes");
            }
            return a;
        }
        int guarded(int *p, int n)
        {
            int s = 0;
            for (int i = 0; i < n; i++) {
                int v = 0;
                asm volatile("1: mov (%1), %0\n2:\n.pushsection __ex_table,\"a\"\n.balign 4\n.long 1b - ., 2b - ., 0\n.popsection" : "+r"(v) : "r"(p + i));
                s += v;
            }
            return s;
        }
        long here(int n) { for (int i = 0; i < n; i++) run(i); void *p; asm("lea 3f(%%rip), %0\n3:" : "=r"(p)); while (n--) run(n); return (long)p; }
        """;

    [Theory]
    [InlineData("-falign-loops=32", "-falign-jumps=32")]
    [InlineData("-falign-loops=64")]
    [InlineData("-falign-labels=32")]
    [InlineData("-falign-loops=32", "-falign-jumps=32", "-fpatchable-function-entry=16,16", "-mharden-sls=all", "-O3")]
    public void Code_that_is_only_aligned_in_another_way_is_the_same(params string[] flags)
    {
        var asBuilt = FakeKernel.Compile(Unit + Loops, flags);
        var before = FakeKernel.Compile(Unit + Loops, [.. Sectioned, .. flags]);

        Assert.Contains(asBuilt.Symbols, s => s.IsFunction && s.IsDefined && before.FindSymbol(s.Name)!.Size != s.Size);
        Assert.Empty(
            BeforeMatchesAsBuilt.Run(X8664Architecture.Instance, VmlinuxTarget.LinkRules, "unit.c", asBuilt, before).Problems
        );
    }

    [Theory]
    [InlineData("sum", "p[i] * 3", "p[i] * 5")]
    [InlineData("sum", "p[i] == 7", "p[i] == 8")]
    [InlineData("count", "{ if (!*p) return table_of(p, s);", "{ if (!*p) return table_of(p, s + 1);")]
    [InlineData("count", "return table_of(p, s); s +=", "return odd(s); s +=")]
    [InlineData("count", "s ^= run(i)", "s ^= odd(i)")]
    [InlineData("branch", "report(\"no\")", "report(\"on\")")]
    [InlineData("branch", "1b - ., %l[yes]", "1b - ., 1b")]
    [InlineData("guarded", "2b - ., 0", "1b - ., 0")]
    [InlineData("guarded", "s += v", "s -= v")]
    public void A_difference_beside_another_alignment_is_found(string function, string from, string to)
    {
        string[] flags = ["-falign-loops=32", "-falign-jumps=32"];
        var patched = Loops.Replace(
            from.Replace("\\\"", "\"", StringComparison.Ordinal),
            to.Replace("\\\"", "\"", StringComparison.Ordinal),
            StringComparison.Ordinal
        );
        Assert.NotEqual(Loops, patched);

        var outcome = BeforeMatchesAsBuilt.Run(
            X8664Architecture.Instance,
            VmlinuxTarget.LinkRules,
            "unit.c",
            FakeKernel.Compile(Unit + Loops, flags),
            FakeKernel.Compile(Unit + patched, [.. Sectioned, .. flags])
        );

        Assert.False(outcome.Succeeded, function);
    }

    private const string JumpTable =
        "\\n.pushsection __jump_table,\\\"aw\\\"\\n.balign 8\\n.long {0} - ., %l[yes] - .\\n.quad state\\n.long {1} - ., %l[no] - .\\n.quad state\\n.popsection";

    private const string Nop5 = ".byte 0x0f,0x1f,0x44,0,0";

    // As the kernel's build has it, and as the section of the function has it: the run of NOPs after "report(5)" makes the two
    // unequal.
    [Theory]
    [InlineData("jmp 1f; ud2; incl %%eax; 1:", "jmp 1f; ud2; nop; nop; nop; 1: nop; nop; incl %%eax", false)]
    [InlineData("jmp 1f; ud2; nop; nop; 1: incl %%eax", "jmp 1f; ud2; nop; 1: nop; nop; incl %%eax", true)]
    [InlineData("jmp 1f; ud2; 1: nop; nop; incl %%eax", "jmp 1f; ud2; nop; nop; nop; 1: incl %%eax", true)]
    [InlineData("1: incl (%%rax); 2: decl %%eax; 3:", "1: incl (%%rax); 2: nop; nop; nop; 3: nop; nop; decl %%eax", false)]
    [InlineData(
        "jmp 2f; 1: .byte 0x90,0x90,0x90,0x90; 2: movl 1b(%%rip), %%eax",
        "jmp 2f; 1: .byte 0x0f,0x1f,0x40,0x00; 2: movl 1b(%%rip), %%eax",
        false
    )]
    [InlineData(
        ".byte 0xc7,0x05; .long 6; .long state; nop; addl $0x11111111, %%eax",
        ".byte 0xc7,0x05; .long 6; .long state; nop; nop; nop; nop; addl $0x11111111, %%eax",
        false
    )]
    [InlineData("jrcxz 1f; nop; 1: incl %%eax; incl %%eax", "jrcxz 1f; 1: incl %%eax; incl %%eax", false)]
    public void What_lies_among_nops_is_found(string asBuilt, string before, bool isSame)
    {
        const string table = "\\n.pushsection __ex_table,\\\"a\\\"\\n.balign 4\\n.long 1b - ., 3b - ., 0\\n.popsection";
        string Function(string assembly, string pad) =>
            "extern int report(int); static int state; int f(int a) { report(5); asm volatile(\""
            + pad
            + "\"); state++; asm volatile(\""
            + assembly
            + (assembly.Contains("3:", StringComparison.Ordinal) ? table : "")
            + "\" : : : \"eax\", \"memory\"); return report(a) + 1; }\n";

        Assert.Equal(isSame, AreSame(Function(asBuilt, "nop; nop"), Function(before, "nop")));
        Assert.Equal(isSame, AreSame(Function(before, "nop; nop"), Function(asBuilt, "nop")));
    }

    // The places of two static branches, as-built and before, behind runs of NOPs that align them in different ways.
    [Theory]
    [InlineData("1:" + Nop5 + "; 2:" + Nop5, "1b", "2b", "1:" + Nop5 + "; 2:" + Nop5, "1b", "2b", true)]
    [InlineData("1:" + Nop5 + "; 2:" + Nop5, "1b", "1b", "1:" + Nop5 + "; 2:" + Nop5, "1b", "2b", false)]
    [InlineData("1:" + Nop5 + "; 2:" + Nop5, "2b", "1b", "1:" + Nop5 + "; 2:" + Nop5, "1b", "2b", false)]
    [InlineData("nop; nop; 1:" + Nop5 + "; 2:" + Nop5, "1b", "2b", "1:" + Nop5 + "; 2:" + Nop5, "1b", "2b", true)]
    [InlineData("1:" + Nop5 + "; 2:" + Nop5, "1b", "2b", "nop; nop; nop; 1:" + Nop5 + "; 2:" + Nop5, "1b", "2b", true)]
    [InlineData("1: nop; 2:" + Nop5, "1b", "2b", "1:" + Nop5 + "; nop; 2:" + Nop5, "1b", "2b", false)]
    [InlineData("1: .byte 0x66,0x90; 2:" + Nop5, "1b", "2b", "1:" + Nop5 + "; 2:" + Nop5, "1b", "2b", false)]
    public void Static_branches_among_nops_are_told_apart(
        string asBuilt,
        string first,
        string second,
        string before,
        string firstBefore,
        string secondBefore,
        bool isSame
    )
    {
        string Function(string assembly, string one, string two, string pad) =>
            "extern int report(int); static int state; int f(int a) { report(5); asm volatile(\""
            + pad
            + "\"); state++; asm goto(\""
            + assembly
            + string.Format(System.Globalization.CultureInfo.InvariantCulture, JumpTable, one, two)
            + "\" : : : : yes, no); return report(a) + 1; yes: return report(a) * 3; no: return report(a) - 5; }\n";

        Assert.Equal(
            isSame,
            AreSame(Function(asBuilt, first, second, "nop; nop"), Function(before, firstBefore, secondBefore, "nop"))
        );
        Assert.Equal(
            isSame,
            AreSame(Function(asBuilt, first, second, "nop"), Function(before, firstBefore, secondBefore, "nop; nop"))
        );
    }

    [Theory]
    [InlineData("5, 5", Nop5, Nop5, true)]
    [InlineData("3, 3", "nop; nop; nop", "nop; nop; nop", true)]
    [InlineData("5, 5", Nop5, "nop", false)]
    [InlineData("3, 3", "nop; nop; nop", "nop", false)]
    public void The_room_of_an_alternative_is_the_same(string lengths, string asBuilt, string before, bool isSame)
    {
        string Function(string assembly, string pad) =>
            "extern int report(int); static int state; int f(int a) { report(5); asm volatile(\""
            + pad
            + "\"); state++; asm volatile(\"1: "
            + assembly
            + "\\n.pushsection .altinstructions,\\\"a\\\"\\n.long 1b - ., 1b - .\\n.byte 0,0,0,0,"
            + lengths
            + "\\n.popsection\"); state--; return report(a) + 1; }\n";

        Assert.Equal(isSame, AreSame(Function(asBuilt, "nop; nop"), Function(before, "nop")));
        Assert.Equal(isSame, AreSame(Function(before, "nop; nop"), Function(asBuilt, "nop")));
    }

    [Fact]
    public void A_nop_of_the_code_itself_at_the_head_of_a_loop_is_the_same()
    {
        for (var skip = 0; skip < 16; skip++)
        {
            var unit =
                $"int first(void) {{ asm volatile(\".skip {skip}, 0xcc\"); return 1; }}\n"
                + "extern int report(int);\nint f(int n) { int s = 0; do { asm volatile(\"nop\"); s += report(n); } while (n--); return s; }\n";
            string[] flags = ["-falign-loops=16", "-falign-functions=1"];
            Assert.True(
                BeforeMatchesAsBuilt
                    .Run(
                        X8664Architecture.Instance,
                        VmlinuxTarget.LinkRules,
                        "unit.c",
                        FakeKernel.Compile(unit, flags),
                        FakeKernel.Compile(unit, [.. Sectioned, .. flags])
                    )
                    .Succeeded,
                unit
            );
        }
    }

    private static bool AreSame(string asBuilt, string before) =>
        BeforeMatchesAsBuilt
            .Run(
                X8664Architecture.Instance,
                VmlinuxTarget.LinkRules,
                "unit.c",
                FakeKernel.Compile(asBuilt),
                FakeKernel.Compile(before, Sectioned)
            )
            .Succeeded;

    [Fact]
    public void Instructions_in_another_order_are_found()
    {
        string[] flags = ["-falign-loops=32", "-falign-jumps=32"];
        ElfObject asBuilt = FakeKernel.Compile(Unit + Loops, flags),
            before = FakeKernel.Compile(Unit + Loops, [.. Sectioned, .. flags]);
        var section = before.FindSection(".text.count")!;
        var found = 0;
        List<Instruction> code = [.. Decoder.Create(64, new ByteArrayCodeReader(section.Content), 0)];
        foreach (
            (var one, var two) in code.Zip(code.Skip(1))
                .Where(p => p.First.Mnemonic != Mnemonic.Nop && p.Second.Mnemonic != Mnemonic.Nop)
        )
        {
            byte[] kept = [.. section.Content];
            var length = one.Length + two.Length;
            byte[] swapped = [.. kept.AsSpan((int)two.IP, two.Length), .. kept.AsSpan((int)one.IP, one.Length)];
            if (
                section.Relocations?.Entries.Exists(r => r.Offset >= one.IP && r.Offset < two.NextIP) == true
                || swapped.AsSpan().SequenceEqual(kept.AsSpan((int)one.IP, length))
            )
            {
                continue;
            }

            swapped.CopyTo(section.Content.AsSpan((int)one.IP));
            Assert.False(
                BeforeMatchesAsBuilt
                    .Run(X8664Architecture.Instance, VmlinuxTarget.LinkRules, "unit.c", asBuilt, before)
                    .Succeeded,
                $"0x{one.IP:x}"
            );
            kept.CopyTo(section.Content, 0);
            found++;
        }

        Assert.True(found > 10);
    }

    [Theory]
    [InlineData(".text.tail")]
    [InlineData(".text.run")]
    public void A_call_that_the_assembler_solved_to_another_function_is_found(string caller)
    {
        var before = FakeKernel.Compile(Unit, Sectioned);
        var call = before.FindSection(caller)!.Relocations!.Entries.First(r => r.Symbol!.Section?.Name == ".text.step");
        call.Symbol = before.FindSymbol("choose");

        var problem = Assert.Single(
            BeforeMatchesAsBuilt
                .Run(X8664Architecture.Instance, VmlinuxTarget.LinkRules, "unit.c", FakeKernel.Compile(Unit), before)
                .Problems
        );

        Assert.Contains("refers to something else", problem.Reason, StringComparison.Ordinal);
    }

    private const string LocalTable = """
        struct flag { unsigned long mask; const char *name; };
        extern int show(const struct flag *);
        const unsigned long before[3] = { 1, 2, 3 };
        int other(void)
        {
            struct flag table[] = {
                { 1, "a" }, { 2, "b" }, { 4, "c" }, { 8, "d" }, { 16, "e" }, { 32, "f" }, { 64, "g" }, { 128, "h" }, { 256, "i" },
                { 1, "A" }, { 2, "B" }, { 4, "C" }, { 8, "D" }, { 16, "E" }, { 32, "F" }, { 64, "G" }, { 129, "H" }, { 256, "I" }, { 0, 0 },
            };
            return show(table);
        }
        """;

    [Theory]
    [InlineData("\"g\"", "\"g\"", true)]
    [InlineData("\"g\"", "\"j\"", false)]
    [InlineData("128", "127", false)]
    [InlineData("\"g\" }", "0 }", false)]
    public void Constants_without_a_name_that_refer_to_others_are_compared_with_what_they_refer_to(
        string old,
        string now,
        bool isSame
    )
    {
        var before = FakeKernel.Compile(LocalTable.Replace(old, now, StringComparison.Ordinal), Sectioned);
        Assert.Contains(before.Sections, s => s.Name == ".rodata" && s.Relocations is not null);
        Assert.Equal(
            isSame,
            BeforeMatchesAsBuilt
                .Run(X8664Architecture.Instance, VmlinuxTarget.LinkRules, "unit.c", FakeKernel.Compile(LocalTable), before)
                .Succeeded
        );
    }
}
