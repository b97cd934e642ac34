using Elivepatch.Elf;
using Elivepatch.Engine.Fidelity;
using Xunit;

namespace Elivepatch.Engine.Tests.Fidelity;

public sealed class BeforeMatchesAsBuiltTests
{
    private const string Unit =
        """
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
        ElfObject before = FakeKernel.Compile(Unit, Sectioned);

        Assert.Same(before, BeforeMatchesAsBuilt.Run("unit.c", FakeKernel.Compile(Unit), before).Value);
    }

    [Fact]
    public void A_tail_call_that_the_assembler_could_shorten_is_the_same_code()
    {
        ElfObject asBuilt = FakeKernel.Compile(Unit);
        ElfObject before = FakeKernel.Compile(Unit, Sectioned);

        Assert.NotEqual(asBuilt.FindSymbol("tail")!.Size, before.FindSymbol("tail")!.Size);
        Assert.NotEqual(asBuilt.FindSymbol("choose")!.Size, before.FindSymbol("choose")!.Size);
        Assert.True(BeforeMatchesAsBuilt.Run("unit.c", asBuilt, before).Succeeded);
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
        ElfObject before = FakeKernel.Compile(Unit.Replace(from, to, StringComparison.Ordinal), Sectioned);

        Problem problem = Assert.Single(BeforeMatchesAsBuilt.Run("unit.c", FakeKernel.Compile(Unit), before).Problems);

        Assert.Equal(ProblemCodes.BeforeDiffersFromAsBuilt, problem.Code);
        Assert.Contains(name, problem.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void Every_changed_byte_outside_of_relocated_fields_is_found()
    {
        ElfObject asBuilt = FakeKernel.Compile(Unit);
        ElfObject before = FakeKernel.Compile(Unit, Sectioned);
        foreach (ElfSection section in before.Sections.Where(s => s.Name.StartsWith(".text.", StringComparison.Ordinal)))
        {
            for (int i = 0; i < section.Content.Length; i++)
            {
                bool isField = section.Relocations?.Entries.Exists(r => (ulong)i - r.Offset < 4) == true;
                section.Content[i] ^= 4;
                Assert.True(isField || !BeforeMatchesAsBuilt.Run("unit.c", asBuilt, before).Succeeded, $"{section}+0x{i:x}");
                section.Content[i] ^= 4;
            }
        }
    }

    [Theory]
    [InlineData(".text.tail")]
    [InlineData(".text.run")]
    public void A_call_that_the_assembler_solved_to_another_function_is_found(string caller)
    {
        ElfObject before = FakeKernel.Compile(Unit, Sectioned);
        ElfRelocation call = before.FindSection(caller)!.Relocations!.Entries.First(r => r.Symbol!.Section?.Name == ".text.step");
        call.Symbol = before.FindSymbol("choose");

        Problem problem = Assert.Single(BeforeMatchesAsBuilt.Run("unit.c", FakeKernel.Compile(Unit), before).Problems);

        Assert.Contains("refers to something else", problem.Reason, StringComparison.Ordinal);
    }

    private const string LocalTable =
        """
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
    public void Constants_without_a_name_that_refer_to_others_are_compared_with_what_they_refer_to(string old, string now, bool isSame)
    {
        ElfObject before = FakeKernel.Compile(LocalTable.Replace(old, now, StringComparison.Ordinal), Sectioned);
        Assert.Contains(before.Sections, s => s.Name == ".rodata" && s.Relocations is not null);
        Assert.Equal(isSame, BeforeMatchesAsBuilt.Run("unit.c", FakeKernel.Compile(LocalTable), before).Succeeded);
    }
}
