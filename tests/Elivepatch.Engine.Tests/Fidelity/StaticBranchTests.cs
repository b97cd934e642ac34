using Elivepatch.Engine.Fidelity;
using Xunit;

namespace Elivepatch.Engine.Tests.Fidelity;

public sealed class StaticBranchTests
{
    private const string Unit = """
        long key;
        long other_key;
        #define BRANCH(label) asm goto( \
            "1: jmp %l[" #label "]\n" \
            ".pushsection __jump_table, \"aw\"\n .balign 8\n .long 1b - ., %l[" #label "] - .\n .quad key - .\n .popsection\n" \
            : : : : label)
        extern int slow(int);
        int fast(int v)
        {
            BRANCH(other);
            return v;
        other:
            return slow(v + 1);
        }
        int far_away(int v)
        {
            BRANCH(other);
            asm volatile(".fill 200, 1, 0x90");
            return v;
        other:
            return slow(v + 2);
        }
        """;

    private const string Slow = "int slow(int v) { return v; }";

    [Theory]
    [InlineData("fast", new byte[] { 0xeb }, new byte[] { 0x66, 0x90 })]
    [InlineData("far_away", new byte[] { 0xe9 }, new byte[] { 0x0f, 0x1f, 0x44, 0x00, 0x00 })]
    public void A_branch_that_the_build_turned_off_is_no_difference(string function, byte[] jump, byte[] nop)
    {
        var kernel = FakeKernel.Of(Slow, Unit);
        var site = kernel.BytesAt(kernel.AddressOf(function));
        Assert.True(site.StartsWith(jump));
        nop.CopyTo(site);

        var placement = kernel.Check(Unit).Value;

        Assert.Equal(PlacementProof.Bytes, placement.Proof);
        Assert.Equal(1, placement.Sections.Sum(s => s.StaticBranches));
    }

    [Fact]
    public void A_branch_that_the_kernel_turned_on_is_no_difference()
    {
        var kernel = FakeKernel.Of(Slow, Unit);
        byte[] nop = [0x66, 0x90];
        var unit = FakeKernel.Compile(Unit);
        nop.CopyTo(unit.FindSection(".text")!.Content.AsSpan((int)unit.FindSymbol("fast")!.Value));

        Assert.True(kernel.Check(unit).Succeeded);
    }

    [Fact]
    public void A_branch_to_elsewhere_is_a_difference()
    {
        var kernel = FakeKernel.Of(Slow, Unit);
        kernel.BytesAt(kernel.AddressOf("fast"))[1]++;

        Assert.Contains("fast (has other bytes)", Assert.Single(kernel.Check(Unit).Problems).Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void Another_instruction_at_a_branch_is_a_difference()
    {
        var kernel = FakeKernel.Of(Slow, Unit);
        kernel.BytesAt(kernel.AddressOf("fast"))[0] = 0x90;
        kernel.BytesAt(kernel.AddressOf("fast"))[1] = 0x90;

        Assert.False(kernel.Check(Unit).Succeeded);
    }

    [Fact]
    public void A_jump_that_no_table_names_may_not_differ()
    {
        var unlisted = Unit.Replace(".pushsection __jump_table", ".pushsection .discard.other", StringComparison.Ordinal);
        var kernel = FakeKernel.Of(Slow, unlisted);
        byte[] nop = [0x66, 0x90];
        nop.CopyTo(kernel.BytesAt(kernel.AddressOf("fast")));

        Assert.Equal(FidelityProblems.BytesDiffer, Assert.Single(kernel.Check(unlisted).Problems).Code);
    }

    [Fact]
    public void A_table_is_found_by_the_code_that_it_names()
    {
        var user = Unit.Replace("far_away", "far_off", StringComparison.Ordinal)
            .Replace("fast", "quick", StringComparison.Ordinal)
            .Replace("long key;", "extern long key;", StringComparison.Ordinal)
            .Replace("long other_key;", "", StringComparison.Ordinal);

        var placement = FakeKernel.Of(Slow, Unit, user).Check(user).Value;

        Assert.Equal(PlacementProof.Bytes, placement.Sections.Single(s => s.Section.Name == "__jump_table").Proof);
    }

    [Fact]
    public void A_branch_that_asks_another_key_is_found_although_the_code_is_equal()
    {
        var other = Unit.Replace(".quad key", ".quad other_key", StringComparison.Ordinal);

        var problem = Assert.Single(FakeKernel.Of(Slow, Unit).Check(other).Problems);

        Assert.Equal(FidelityProblems.BytesDiffer, problem.Code);
        Assert.Contains("fast in __jump_table (refers elsewhere than to other_key)", problem.Reason, StringComparison.Ordinal);
    }
}
