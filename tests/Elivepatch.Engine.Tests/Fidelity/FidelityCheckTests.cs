using System.Text;
using Elivepatch.Elf;
using Elivepatch.Engine.Architectures.X8664;
using Elivepatch.Engine.Facts;
using Elivepatch.Engine.Fidelity;
using Elivepatch.Model;
using Xunit;

namespace Elivepatch.Engine.Tests.Fidelity;

public sealed class FidelityCheckTests
{
    private const string Helpers = """
        int shared_count = 7;
        int report(const char *text) { return text[0] + shared_count; }
        int report_twice(const char *text) { return report(text) * 2; }
        static int state = 3;
        __attribute__((noinline)) static int step(int by) { return state += by; }
        int walk(int by) { return step(by) + 1; }
        """;

    private const string Unit = """
        extern int report(const char *);
        extern int shared_count;
        static int state = 5;
        static int counter;
        int table[4] = { 1, 2, 3, 4 };
        int *pointer = &shared_count;
        __attribute__((noinline)) static int step(int by) { counter += by; return state += by; }
        int run(int by) { return step(by) + report("running") + table[by & 3]; }
        __attribute__((section(".init.text"))) int start(void) { return step(1) + report("starting"); }
        int stop(void) { return report("stopping") + *pointer; }
        """;

    private static readonly Lazy<ElfObject> CompiledUnit = new(() => FakeKernel.Compile(Unit));

    [Fact]
    public void A_unit_lies_at_the_one_address_that_all_its_names_allow()
    {
        var kernel = FakeKernel.Of(Helpers, Unit);

        var placement = kernel.Check(Unit, withImage: false).Value;

        Assert.Equal(PlacementProof.Layout, placement.Proof);
        Assert.Equal(kernel.AddressOf("run"), placement.Find("run")!.Address);
        Assert.Equal(kernel.AddressOf("start"), placement.Find("start")!.Address);
        Assert.Equal(kernel.AddressOf("table"), placement.Find("table")!.Address);
        Assert.Equal(Sympos.Unique, placement.Find("run")!.Position);
        Assert.Null(placement.Find("report"));
    }

    [Fact]
    public void With_the_image_code_and_data_are_proven_by_their_bytes()
    {
        var placement = FakeKernel.Of(Helpers, Unit).Check(Unit).Value;

        Assert.Equal(PlacementProof.Bytes, placement.Proof);
        Assert.Equal(PlacementProof.Bytes, placement.Find("start")!.Proof);
        Assert.Equal(PlacementProof.Bytes, placement.Find("table")!.Proof);
        Assert.Equal(PlacementProof.Layout, placement.Find("counter")!.Proof);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Of_equal_static_names_each_unit_gets_its_own(bool withImage)
    {
        var kernel = FakeKernel.Of(Helpers, Unit);

        var first = kernel.Check(Helpers, withImage).Value;
        var second = kernel.Check(Unit, withImage).Value;

        Assert.Equal(new Sympos(1), first.Find("step")!.Position);
        Assert.Equal(new Sympos(2), second.Find("step")!.Position);
        Assert.Equal(new Sympos(1), first.Find("state")!.Position);
        Assert.Equal(new Sympos(2), second.Find("state")!.Position);
    }

    [Fact]
    public void A_kernel_that_was_moved_as_a_whole_is_the_same_kernel()
    {
        var kernel = FakeKernel.Of(Helpers, Unit);
        var atLink = kernel.AddressOf("run");
        kernel.MoveBy(0x1e00000);

        var placement = kernel.Check(Unit).Value;

        Assert.Equal(PlacementProof.Bytes, placement.Proof);
        Assert.Equal(atLink + 0x1e00000, placement.Find("run")!.Address);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_function_that_the_kernel_does_not_have_is_named(bool withImage)
    {
        var problem = Failure(
            FakeKernel.Of(Helpers, Unit).Check(Unit.Replace("int stop(", "int halt(", StringComparison.Ordinal), withImage)
        );

        Assert.Equal(FidelityProblems.LayoutDiffers, problem.Code);
        Assert.Equal(ProblemKind.Mismatch, problem.Code.Kind);
        Assert.Contains("halt (not in the running kernel)", problem.Reason, StringComparison.Ordinal);
        Assert.Contains("gcc (Test) 1.0", problem.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void A_function_of_another_size_is_named_and_its_neighbours_are_not()
    {
        var changed = Unit.Replace(
            "table[by & 3]",
            "table[by & 3] * table[(by + 1) & 3] * table[(by + 2) & 3]",
            StringComparison.Ordinal
        );

        var problem = Failure(FakeKernel.Of(Helpers, Unit).Check(changed, withImage: false));

        Assert.Equal(FidelityProblems.LayoutDiffers, problem.Code);
        Assert.Contains("run (", problem.Reason, StringComparison.Ordinal);
        Assert.DoesNotContain("step", problem.Reason, StringComparison.Ordinal);
        Assert.DoesNotContain("stop (", problem.Reason, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("return text[0] * text[1] * text[2] * text[3] * text[4] * text[5];", "return 1;")] // the kernel's is shorter
    [InlineData("return 1;", "return text[0] * text[1] * text[2] * text[3] * text[4] * text[5] * text[6] * text[7] * text[8];")]
    public void A_last_function_of_another_length_is_named(string here, string there)
    {
        const string text = """
            static int early = 1;
            int first(const char *text) { return text[0] + early; }
            int last(const char *text) { BODY }
            static void *const entry LABEL __attribute__((used, section(".init.rodata"))) = first;
            """;
        static string With(string body, int line) =>
            text.Replace("BODY", body, StringComparison.Ordinal)
                .Replace("LABEL", $"asm(\"__initcall__unit__7_{line}_first\")", StringComparison.Ordinal);
        var kernel = FakeKernel.Of(With(there, 12), Helpers);

        var problem = Failure(kernel.Check(With(here, 11), withImage: false));

        Assert.Equal(FidelityProblems.LayoutDiffers, problem.Code);
        Assert.Contains("last (", problem.Reason, StringComparison.Ordinal);
        Assert.DoesNotContain(" first (", problem.Reason, StringComparison.Ordinal);
        Assert.Contains(
            "__initcall__unit__7_11_first (not in the running kernel, which has __initcall__unit__7_12_first: in its source the entry is on another line)",
            problem.Reason,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void A_last_function_that_is_longer_than_the_kernels_fits_nowhere()
    {
        const string text = "int first(int a) { return a * 3; }\nint last(int a) { return BODY; }\n";
        var kernel = FakeKernel.Of(text.Replace("BODY", "a", StringComparison.Ordinal), Helpers);

        Assert.True(kernel.Check(text.Replace("BODY", "a", StringComparison.Ordinal), withImage: false).Succeeded);
        var problem = Failure(
            kernel.Check(text.Replace("BODY", "a * (a + 5) * (a ^ 7) * (a | 9) % 77", StringComparison.Ordinal), withImage: false)
        );
        Assert.Equal(FidelityProblems.LayoutDiffers, problem.Code);
        Assert.Contains("last (", problem.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void Code_that_fits_twice_is_never_guessed()
    {
        const string twin = "static __attribute__((noinline, used)) int lonely(void) { return 1; }";
        var kernel = FakeKernel.Of(Helpers, twin, twin);

        var withoutImage = Failure(kernel.Check(twin, withImage: false));
        var withImage = Failure(kernel.Check(twin));

        Assert.Equal(FidelityProblems.AmbiguousPlacement, withoutImage.Code);
        Assert.Equal(FidelityProblems.AmbiguousPlacement, withImage.Code);
    }

    [Fact]
    public void Bytes_tell_apart_what_names_leave_open()
    {
        const string one = "static __attribute__((noinline, used)) int lonely(void) { return 1; }";
        const string two = "static __attribute__((noinline, used)) int lonely(void) { return 2; }";
        var kernel = FakeKernel.Of(Helpers, one, two);

        Assert.Equal(new Sympos(2), kernel.Check(two).Value.Find("lonely")!.Position);
        Assert.Equal(
            FidelityProblems.BytesDiffer,
            Failure(kernel.Check("static __attribute__((used)) int lonely(void) { return 3; }")).Code
        );
    }

    [Fact]
    public void A_reference_tells_where_data_of_a_common_name_lies()
    {
        // Both have one static in .data of the same name and value: only the code that uses it says which is whose.
        const string one = "static int common = 1; int one(int v) { return common += v; }";
        const string two = "static int common = 1; int two(int v) { return common -= v; }";
        var kernel = FakeKernel.Of(Helpers, one, two);

        Assert.Null(kernel.Check(two, withImage: false).Value.Find("common"));
        Assert.Equal(new Sympos(2), kernel.Check(two).Value.Find("common")!.Position);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_weak_function_may_have_been_overridden(bool withImage)
    {
        const string weak = """
            __attribute__((weak)) int choose(void) { return 1; }
            __attribute__((weak)) int keep(void) { return 2; }
            int ask(void) { return choose() + keep(); }
            """;
        var kernel = FakeKernel.Of(weak, Helpers, "int choose(void) { return 5; }");

        var placement = kernel.Check(weak, withImage).Value;

        Assert.Null(placement.Find("choose"));
        Assert.Equal(kernel.AddressOf("keep"), placement.Find("keep")!.Address);
        Assert.Equal(kernel.AddressOf("ask"), placement.Find("ask")!.Address);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Per_cpu_data_is_found_at_its_offset(bool withImage)
    {
        const string perCpu = """
            __attribute__((section(".data..percpu"))) long load = 9;
            static __attribute__((section(".data..percpu"))) long local_load = 4;
            long read_load(void) { long v; asm("mov %%gs:%1, %0" : "=r"(v) : "m"(load)); return v + (long)&local_load; }
            """;
        var kernel = FakeKernel.Of(
            Helpers.Replace(
                "state = 3;",
                "state = 3; __attribute__((section(\".data..percpu\"))) long first;",
                StringComparison.Ordinal
            ),
            perCpu
        );
        kernel.MoveBy(0x200000);

        var placement = kernel.Check(perCpu, withImage).Value;

        Assert.Equal(8UL, placement.Find("load")!.Address);
        Assert.Equal(16UL, placement.Find("local_load")!.Address);
        Assert.Equal(withImage ? PlacementProof.Bytes : PlacementProof.Layout, placement.Find("load")!.Proof);
    }

    [Fact]
    public void One_changed_byte_of_code_is_found()
    {
        var kernel = FakeKernel.Of(Helpers, Unit);
        kernel.BytesAt(kernel.AddressOf("run"))[0] ^= 1;

        var problem = Failure(kernel.Check(CompiledUnit.Value));

        Assert.Equal(FidelityProblems.BytesDiffer, problem.Code);
        Assert.Contains("run (has other bytes)", problem.Reason, StringComparison.Ordinal);
        Assert.DoesNotContain("step", problem.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void Every_changed_byte_of_code_and_data_is_found()
    {
        var kernel = FakeKernel.Of(Helpers, Unit);
        var unit = CompiledUnit.Value;
        foreach (var placed in kernel.Check(unit).Value.Sections.Where(s => s.Proof == PlacementProof.Bytes))
        {
            for (ulong offset = 0; offset < placed.Section.Size; offset++)
            {
                var bytes = kernel.BytesAt(placed.Address!.Value + offset);
                bytes[0] ^= 0x10;
                Assert.False(kernel.Check(unit).Succeeded, $"{placed.Section}+0x{offset:x}");
                bytes[0] ^= 0x10;
            }
        }
    }

    [Fact]
    public void A_changed_string_is_found()
    {
        var problem = Failure(FakeKernel.Of(Helpers, Unit).Check(Unit.Replace("stopping", "stepping", StringComparison.Ordinal)));

        Assert.Equal(FidelityProblems.BytesDiffer, problem.Code);
        Assert.Contains("stop (refers elsewhere than to its constant", problem.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void A_string_that_is_only_a_beginning_is_found() =>
        Assert.Equal(
            FidelityProblems.BytesDiffer,
            Failure(FakeKernel.Of(Helpers, Unit).Check(Unit.Replace("stopping", "stop", StringComparison.Ordinal))).Code
        );

    [Fact]
    public void A_changed_initial_value_is_found()
    {
        var problem = Failure(FakeKernel.Of(Helpers, Unit).Check(Unit.Replace("3, 4 }", "3, 5 }", StringComparison.Ordinal)));

        Assert.Equal(FidelityProblems.BytesDiffer, problem.Code);
        Assert.Contains("table (has other bytes)", problem.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void A_call_of_another_function_is_found()
    {
        var changed = Unit.Replace("report(\"stopping\")", "report_twice(\"stopping\")", StringComparison.Ordinal)
            .Replace(
                "extern int shared_count",
                "extern int report_twice(const char *); extern int shared_count",
                StringComparison.Ordinal
            );

        var problem = Failure(FakeKernel.Of(Helpers, Unit).Check(changed));

        Assert.Contains("stop (refers elsewhere than to report_twice)", problem.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void A_pointer_to_another_datum_is_found() =>
        Assert.Contains(
            "pointer (refers elsewhere than to",
            Failure(
                FakeKernel.Of(Helpers, Unit).Check(Unit.Replace("= &shared_count", "= &table[0]", StringComparison.Ordinal))
            ).Reason,
            StringComparison.Ordinal
        );

    // From Linux 6.17 on MODULE_DEVICE_TABLE() of what is built in gives the table a name that the link takes away.
    [Theory]
    [InlineData("__mod_device_table__kmod_x__pci__table", true)]
    [InlineData("other_name_of_table", false)]
    public void A_name_that_the_link_takes_away_need_not_be_there(string name, bool fits)
    {
        var named = Unit + $"extern __typeof__(table) {name} __attribute__((alias(\"table\")));\n";
        Assert.Equal(fits, FakeKernel.Of(Helpers, Unit).Check(named).Succeeded);
    }

    [Fact]
    public void A_unit_that_is_not_in_the_kernel_is_refused() =>
        Assert.Equal(FidelityProblems.LayoutDiffers, Failure(FakeKernel.Of(Helpers).Check(Unit)).Code);

    [Fact]
    public void A_relocation_beyond_its_section_is_refused()
    {
        var kernel = FakeKernel.Of(Helpers, Unit);
        var unit = FakeKernel.Compile(Unit);
        unit.FindSection(".text")!.Relocations!.Entries[^1].Offset = ulong.MaxValue - 1;

        Assert.Contains("is not all within its section", Failure(kernel.Check(unit)).Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void An_image_without_text_cannot_be_used()
    {
        var kernel = FakeKernel.Of(Helpers);
        var other = KernelSymbols.Parse(Encoding.ASCII.GetBytes("ffffffff81000000 T start\n")).Value;

        Assert.Equal(
            FactProblems.UnusableImage,
            Failure(KernelImage.Open(X8664Architecture.Instance, new ElfObject(), kernel.Symbols)).Code
        );
        Assert.Equal(
            FactProblems.UnusableImage,
            Failure(KernelImage.Open(X8664Architecture.Instance, kernel.Vmlinux, other)).Code
        );
    }

    private static Problem Failure<T>(Outcome<T> outcome) => Assert.Single(outcome.Problems);
}
