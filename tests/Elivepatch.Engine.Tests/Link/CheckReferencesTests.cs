using Elivepatch.Engine.Architectures.X8664;
using Elivepatch.Engine.Diff;
using Elivepatch.Engine.Facts;
using Elivepatch.Engine.Link;
using Elivepatch.Engine.Tests.Diff;
using Elivepatch.Engine.Tests.Fidelity;
using Xunit;

namespace Elivepatch.Engine.Tests.Link;

/// <summary>What new code may refer to in the running kernel, and what it may do with it.</summary>
public sealed class CheckReferencesTests
{
    private const string Declarations = """
        #define __init __attribute__((section(".init.text")))
        #define __initdata __attribute__((section(".init.data")))
        #define __initconst __attribute__((section(".init.rodata")))
        #define __ro_after_init __attribute__((section(".data..ro_after_init")))
        #define noinline __attribute__((noinline))
        extern int reachable(int), other(int), start_elsewhere(int), start_data_elsewhere;
        extern int (*stored)(int);

        """;

    private const string Others = """
        int __fentry__(void) { return 0; }
        int reachable(int a) { return a + 1; }
        int other(int a) { return a + 2; }
        int __init start_elsewhere(int a) { return a; }
        int __initdata start_data_elsewhere = 7;
        int (*stored)(int);

        """;

    // What an unpatched unit may have: start code and data of its own that something uses.
    private const string Unit =
        Declarations
        + """
            static noinline int __init start_here(int a) { return a * 5; }
            static int __initdata start_data = 3;
            static const char __initconst start_text[] = "start";
            static int plain = 1;
            int __init starter(int a) { return start_here(a) + start_data + start_text[a]; }
            int __attribute__((used)) both(int a) { return a ? a : start_elsewhere(a); }
            int f(int a) { return other(a) + plain; }

            """;

    private const string List =
        "__asm__(\".pushsection .ibt_endbr_seal,\\\"a\\\"\\n__ibt_endbr_seal: .long other - .\\n.popsection\");\n";

    [Theory]
    [InlineData("start_elsewhere(a)")] // by name from another unit
    [InlineData("start_data_elsewhere")]
    [InlineData("start_here(a)")] // by the unit itself
    [InlineData("start_data")]
    [InlineData("start_text[a]")] // through the section's symbol
    [InlineData("(long)&start_text[3]")]
    [InlineData("(long)(stored = start_elsewhere)")]
    [InlineData("({ static int (*const table[])(int) = { other, start_elsewhere }; table[a](a); })")] // through a pointer table
    [InlineData("({ static struct { int x; int *p; } s = { 1, &start_data }; *s.p += a; })")]
    [InlineData("fresh(a)")] // by a new function
    public void A_new_reference_to_what_the_kernel_frees_after_its_start_is_refused(string expression)
    {
        const string fresh = "static noinline int fresh(int a) { return 3 * start_elsewhere(a); }\n";
        var patched = Unit.Replace("other(a) + plain", $"other(a) + plain + {expression}", StringComparison.Ordinal);

        Assert.Equal(
            [511],
            Numbers(
                Unit,
                expression == "fresh(a)" ? patched.Replace("int f(int", fresh + "int f(int", StringComparison.Ordinal) : patched
            )
        );
    }

    [Fact]
    public void A_reference_that_the_same_function_has_already_stays()
    {
        Assert.Empty(Numbers(Unit, Unit.Replace("a ? a :", "a > 1 ? a :", StringComparison.Ordinal)));
    }

    [Fact]
    public void A_reference_that_another_function_has_gives_no_leave()
    {
        Assert.Equal(
            [511],
            Numbers(Unit, Unit.Replace("other(a) + plain", "start_elsewhere(a) + plain", StringComparison.Ordinal))
        );
    }

    [Fact]
    public void A_function_that_is_start_code_no_longer_comes_along()
    {
        var patched = Unit.Replace(
            "static noinline int __init start_here",
            "static noinline int start_here",
            StringComparison.Ordinal
        );
        Assert.NotEqual(Unit, patched);

        // Alone that changes nothing that runs; a caller gets a copy, because the kernel's is gone.
        Assert.True(Patched.Compare(Unit, patched).IsEmpty);
        var called = patched.Replace("other(a) + plain", "other(a) + start_here(a)", StringComparison.Ordinal);
        Assert.Empty(Numbers(Unit, called));
        Assert.Equal(["f", "start_here"], Patched.Compare(Unit, called).Included().Order());
    }

    [Fact]
    public void The_address_of_a_sealed_function_is_refused()
    {
        var patched = Unit.Replace("other(a) + plain", "other(a) + plain + (stored = other, 0)", StringComparison.Ordinal);

        Assert.Equal([512], Numbers(Unit, patched, List));
        Assert.Equal(
            [512],
            Numbers(
                Unit,
                patched.Replace(
                    "(stored = other, 0)",
                    "({ static int (*const table[])(int) = { reachable, other }; table[a](a); })",
                    StringComparison.Ordinal
                ),
                List
            )
        );
    }

    [Fact]
    public void The_address_of_a_function_that_others_call_through_pointers_may_be_taken()
    {
        Assert.Empty(
            Numbers(
                Unit,
                Unit.Replace("other(a) + plain", "other(a) + plain + (stored = reachable, 0)", StringComparison.Ordinal),
                List
            )
        );
    }

    [Fact]
    public void A_static_function_whose_running_copy_has_no_endbr_is_refused()
    {
        // Its own copy in the livepatch may have one: the stored address leads to the original.
        var unit = Unit.Replace(
            "int f(int a) {",
            "static noinline int quiet(int a) { return a * 9; }\nint f(int a) { a += quiet(a);",
            StringComparison.Ordinal
        );

        Assert.Equal(
            [512],
            Numbers(
                unit,
                unit.Replace("other(a) + plain", "other(a) + plain + (stored = quiet, 0)", StringComparison.Ordinal),
                List
            )
        );
    }

    [Fact]
    public void An_address_that_the_same_function_took_already_stays()
    {
        var unit = Unit.Replace("other(a) + plain", "other(a) + (stored = other, 0)", StringComparison.Ordinal);

        Assert.Empty(Numbers(unit, unit.Replace("other(a) +", "other(a) * 2 +", StringComparison.Ordinal), List));
    }

    [Fact]
    public void Without_an_image_only_addresses_that_the_unit_took_before_may_be_taken()
    {
        var taken = Unit.Replace(
            "int f(int a)",
            "void __attribute__((used)) take(void) { stored = other; }\nint f(int a)",
            StringComparison.Ordinal
        );
        static string Take(string unit) =>
            unit.Replace("other(a) + plain", "other(a) + (stored = other, 0)", StringComparison.Ordinal);

        Assert.Equal([512], Numbers(Unit, Take(Unit), List, withImage: false));
        Assert.Empty(Numbers(taken, Take(taken), List, withImage: false));
    }

    [Fact]
    public void A_kernel_that_does_not_track_indirect_branches_lets_every_address_be_taken() =>
        Assert.Empty(Numbers(Unit, Unit.Replace("other(a) + plain", "(stored = other, plain)", StringComparison.Ordinal)));

    [Theory]
    [InlineData("", 513)]
    [InlineData("void jump_label_init_ro(void) { }\n", null)]
    public void A_static_branch_on_a_key_in_read_only_memory_needs_a_kernel_that_leaves_it_alone(string more, int? number)
    {
        const string source =
            Declarations
            + """
                __ro_after_init int key = 1;
                int f(int a)
                {
                    asm goto("1: .byte 0x0f,0x1f,0x44,0,0\n.pushsection __jump_table,\"aw\"\n.balign 8\n.long 1b - ., %l1 - .\n.quad %c0 - .\n.popsection" : : "i" (&key) : : yes);
                    return a;
                yes:
                    return a + other(a);
                }
                """;

        Assert.Equal(
            number is { } expected ? [expected] : [],
            Numbers(source, source.Replace("return a;", "return a * 3;", StringComparison.Ordinal), more)
        );
    }

    [Fact]
    public void A_variable_that_is_to_be_better_aligned_is_refused_unless_it_happens_to_be()
    {
        const string source =
            Declarations + "static int first = 1, second = 2;\nint f(int a) { return a + first++ + second++; }\n";
        static string Aligned(string name) =>
            source
                .Replace("first = 1, second = 2", $"first = 1, second = 2", StringComparison.Ordinal)
                .Replace($"{name} =", $"{name} __attribute__((aligned(16))) =", StringComparison.Ordinal);

        var numbers = new[] { "first", "second" }
            .Select(n => Numbers(source, Aligned(n).Replace("a +", "a * 2 +", StringComparison.Ordinal)))
            .ToList();

        // Two variables of four bytes: one of them at most lies at a multiple of sixteen.
        Assert.Contains(numbers, n => n is [417]);
    }

    [Fact]
    public void A_kernel_whose_symbols_bound_nothing_is_refused()
    {
        var kernel = FakeKernel.Of(Declarations + Others, Unit);
        var symbols = KernelSymbols
            .Parse(
                System.Text.Encoding.ASCII.GetBytes(
                    System
                        .Text.Encoding.ASCII.GetString(kernel.Kallsyms)
                        .Replace("__init_begin", "__init_start", StringComparison.Ordinal)
                )
            )
            .Value;

        Assert.Equal(
            514,
            Assert
                .Single(CheckReferences.Run([], new(None, new(new(symbols, null))), new(X8664Architecture.Instance, symbols)))
                .Code.Number
        );
    }

    private static ExportedSymbols None => ExportedSymbols.Parse([]).Value;

    private static int[] Numbers(string before, string after, string more = "", bool withImage = true)
    {
        var kernel = FakeKernel.Of(Declarations + Others + more, before);
        foreach (var name in new[] { "reachable", "other" })
        {
            ((ReadOnlySpan<byte>)[0xf3, 0x0f, 0x1e, 0xfa]).CopyTo(kernel.BytesAt(kernel.AddressOf(name)));
        }

        var diff = Patched.Compare(before, after);
        Assert.Empty(diff.Problems);
        var inclusion = Include.Run(diff);
        if (!inclusion.Succeeded)
        {
            return [.. inclusion.Problems.Select(p => p.Code.Number).Distinct()];
        }

        var unit = new LinkUnit(inclusion.Value, Patched.Value(kernel.Check(before)));
        var problems = CheckReferences.Run(
            [unit],
            new(None, new(new(kernel.Symbols, withImage ? kernel.Image : null))),
            new(X8664Architecture.Instance, kernel.Symbols)
        );
        return [.. problems.Select(p => p.Code.Number).Distinct()];
    }
}
