using Elivepatch.Elf;
using Elivepatch.Engine.Architectures.X8664;
using Elivepatch.Engine.Fidelity;
using Elivepatch.Engine.Targets;
using Elivepatch.Engine.Tests.Diff;
using Elivepatch.Engine.Tests.Fidelity;
using Elivepatch.Model;
using Xunit;

namespace Elivepatch.Engine.Tests.Targets;

/// <summary>A module's file stands for what a machine has loaded, or will load.</summary>
public class ModuleTargetTests
{
    private const string Helpers = """
        extern int printed(const char *text);
        static int counter;
        __attribute__((noinline)) static int same(int x) { return x + 1; }
        int shared(int x) { counter += x; return same(x) + printed("shared"); }
        """;

    private const string Unit = """
        extern int printed(const char *text);
        extern int shared(int x);
        struct ops { int (*run)(int); const char *name; };
        static int counter;
        __attribute__((noinline)) static int same(int x) { return x * 3; }
        __attribute__((noinline)) static int answer(int x) { counter = x; return same(x) + shared(x) + printed("answer"); }
        struct ops table = { answer, "table" };
        """;

    [Fact]
    public void A_unit_is_proven_to_be_in_the_module_by_its_bytes()
    {
        var target = Open(FakeKernel.LinkModule(Helpers, Unit));
        foreach (var source in new[] { Helpers, Unit })
        {
            var placement = Patched.Value(Check(source, target));
            Assert.Equal(PlacementProof.Bytes, placement.Proof);
            Assert.Equal(target, placement.Target);
        }
    }

    // An instruction, a call, a string, a pointer in data, a datum: nothing of them is believed.
    [Theory]
    [InlineData("return x * 3", "return x * 5")]
    [InlineData("same(x) + shared(x)", "same(x) + shared(x + 1)")]
    [InlineData("printed(\"answer\")", "printed(\"bnswer\")")]
    [InlineData("{ answer, \"table\" }", "{ shared, \"table\" }")]
    [InlineData("{ answer, \"table\" }", "{ answer, \"fable\" }")]
    [InlineData("printed(\"answer\")", "shared(4)")]
    public void A_unit_that_was_compiled_from_other_source_is_found(string was, string would)
    {
        Assert.Contains(was, Unit, StringComparison.Ordinal);
        var target = Open(FakeKernel.LinkModule(Helpers, Unit.Replace(was, would, StringComparison.Ordinal)));
        var problem = Assert.Single(Check(Unit, target).Problems);
        Assert.True(
            problem.Code == FidelityProblems.BytesDiffer || problem.Code == FidelityProblems.LayoutDiffers,
            problem.ToString()
        );
    }

    [Fact]
    public void Equal_names_are_counted_in_the_order_of_the_symbol_table()
    {
        var file = FakeKernel.LinkModule(Helpers, Unit);
        var target = Open(file);
        var (helpers, unit) = (Patched.Value(Check(Helpers, target)), Patched.Value(Check(Unit, target)));
        Assert.Equal((1, 2), (helpers.Find("same")!.Position!.Value.Value, unit.Find("same")!.Position!.Value.Value));
        Assert.Equal(0, unit.Find("answer")!.Position!.Value.Value);

        // The order is not that of addresses.
        var symbols = file.Symbols.Where(s => s.Name == "same").ToList();
        var (first, second) = (file.Symbols.IndexOf(symbols[0]), file.Symbols.IndexOf(symbols[1]));
        (file.Symbols[first], file.Symbols[second]) = (file.Symbols[second], file.Symbols[first]);
        target = Open(file);
        Assert.Equal(2, Patched.Value(Check(Helpers, target)).Find("same")!.Position!.Value.Value);
        Assert.Equal(1, Patched.Value(Check(Unit, target)).Find("same")!.Position!.Value.Value);
    }

    // While a module comes the kernel counts what its start brings as well, and later it does not.
    [Fact]
    public void A_position_that_depends_on_when_it_is_counted_is_none()
    {
        const string start = "__attribute__((section(\".init.text\"), noinline, used)) static int same(int x) { return x - 7; }";
        var before = Open(FakeKernel.LinkModule(start, Helpers));
        Assert.Null(Patched.Value(Check(Helpers, before)).Find("same")!.Position);
        Assert.Equal(0, Patched.Value(Check(Helpers, before)).Find("shared")!.Position!.Value.Value);

        // With another one that stays before it, it is the first of two or of three, and so the first either way.
        const string more =
            "__attribute__((section(\".init.text\"), noinline, used)) static int same(int x) { return x - 7; } int other(void) { return 1; }";
        var behind = Open(FakeKernel.LinkModule(Helpers, Unit, more));
        Assert.Equal(1, Patched.Value(Check(Helpers, behind)).Find("same")!.Position!.Value.Value);
        Assert.Equal(2, Patched.Value(Check(Unit, behind)).Find("same")!.Position!.Value.Value);
    }

    // One unit defines for itself what another one takes from elsewhere.
    [Fact]
    public void What_a_module_takes_from_elsewhere_is_not_what_one_of_its_units_has_for_itself()
    {
        const string user = "extern int same(int x); int uses(int x) { return same(x) + 1; }";
        var target = Open(FakeKernel.LinkModule(Helpers, user));
        Patched.Value(Check(user, target));
        Assert.Equal(0, Patched.Value(Check(Helpers, target)).Find("same")!.Position!.Value.Value);
        var other = Assert.Single(Check(user.Replace("same", "printed", StringComparison.Ordinal), target).Problems);
        Assert.Equal(FidelityProblems.BytesDiffer, other.Code);
    }

    [Fact]
    public void A_file_that_is_no_module_is_refused()
    {
        Assert.Equal(
            FactProblems.UnusableImage,
            Refused(FakeKernel.Of(Helpers.Replace("printed(\"shared\")", "1", StringComparison.Ordinal)).Vmlinux)
        );
        var file = FakeKernel.LinkModule(Helpers, Unit);
        file.FindSection(".text")!.Relocations!.Entries[0].Type = 9;
        Assert.Equal(FactProblems.UnusableImage, Refused(file));
        file.FindSection(".text")!.Relocations!.Entries[0].Offset = 1 << 30;
        Assert.Equal(DiffProblems.MalformedObject, Refused(file));
        file.Order = ElfByteOrder.BigEndian;
        Assert.Equal(DiffProblems.MalformedObject, Refused(file));
    }

    private static ProblemCode Refused(ElfObject file) =>
        Assert.Single(ModuleTarget.Open(X8664Architecture.Instance, "fake", file).Problems).Code;

    private static ModuleTarget Open(ElfObject file) =>
        Patched.Value(ModuleTarget.Open(X8664Architecture.Instance, "fake", file));

    private static Outcome<UnitPlacement> Check(string source, PatchTarget target) =>
        FidelityCheck.Run(X8664Architecture.Instance, "unit.c", FakeKernel.Compile(source), target, "gcc (Test) 1.0");
}
