using Elivepatch.Engine.Architectures.X8664;
using Elivepatch.Engine.Diff;
using Elivepatch.Engine.Facts;
using Elivepatch.Engine.Fidelity;
using Elivepatch.Engine.Link;
using Elivepatch.Engine.Tests.Diff;
using Elivepatch.Engine.Tests.Fidelity;
using Elivepatch.Engine.Units;
using Elivepatch.Model;
using Xunit;

namespace Elivepatch.Engine.Tests.Link;

/// <summary>
/// Compiles every cell of the table in <c>docs/references.md</c>: each way to refer to something, with each
/// end.
/// </summary>
public sealed class ReferenceTableTests(ReferenceTableTests.Kernel kernel) : IClassFixture<ReferenceTableTests.Kernel>
{
    private static readonly string[] ways = ["call", "jump", "access", "address", "constant", "data", "distance"];

    private static readonly Dictionary<string, string> ends = new()
    {
        ["a function that the kernel calls through pointers"] = "reachable",
        ["a function whose entry has no ENDBR64 in the running kernel, with IBT"] = "other",
        ["a static function of the unit that no pointer leads to, with IBT"] = "quiet",
        ["a function that the patch changes, called through pointers as well"] = "changed",
        ["a new function"] = "fresh",
        ["init code of the unit"] = "start_here",
        ["init code of another unit"] = "start_elsewhere",
        ["a variable of the unit"] = "own_data",
        ["a variable of another unit"] = "other_data",
        ["a variable that is read-only after init"] = "frozen",
        ["init data of the unit"] = "start_data",
        ["init data of another unit"] = "start_data_elsewhere",
        ["a constant of another unit"] = "other_constant",
        ["a new variable"] = "fresh_data",
        ["a symbol that the kernel does not have"] = "absent",
    };

    public static TheoryData<string, string, string> Cells
    {
        get
        {
            var cells = new TheoryData<string, string, string>();
            foreach (var row in Rows())
            {
                for (var i = 0; i < ways.Length; i++)
                {
                    if (row[i + 1] != "-")
                    {
                        cells.Add(row[0], ways[i], row[i + 1]);
                    }
                }
            }

            return cells;
        }
    }

    [Fact]
    public void The_table_has_every_way_and_every_end()
    {
        Assert.Equal(["target", .. ways], Cut(Document().Single(l => l.StartsWith("| target |", StringComparison.Ordinal))));
        Assert.Equal(ends.Keys, Rows().Select(r => r[0]));
    }

    [Theory]
    [MemberData(nameof(Cells))]
    public void A_reference_comes_out_as_the_table_says(string end, string way, string verdict) =>
        Assert.Equal(verdict, kernel.Judge(ends[end], way));

    private static IEnumerable<string> Document() => File.ReadLines(Path.Combine(AppContext.BaseDirectory, "references.md"));

    private static IEnumerable<string[]> Rows() =>
        Document()
            .SkipWhile(l => !l.StartsWith("| target |", StringComparison.Ordinal))
            .Skip(2)
            .TakeWhile(l => l.StartsWith('|'))
            .Select(Cut);

    private static string[] Cut(string line) => [.. line.Trim('|').Split('|').Select(c => c.Trim())];

    /// <summary>A kernel, and one unit of it that is patched in every way.</summary>
    public sealed class Kernel
    {
        private const string Declarations = """
            #define __init __attribute__((section(".init.text")))
            #define __initdata __attribute__((section(".init.data")))
            #define noinline __attribute__((noinline))
            extern int reachable(int), other(int), start_elsewhere(int), absent(int);
            extern int other_data, start_data_elsewhere, frozen;
            extern const int other_constant;
            extern void take(const void *);

            """;

        private const string Others = """
            int __fentry__(void) { return 0; }
            int reachable(int a) { return a + 1; }
            int other(int a) { return a + 2; }
            void take(const void *p) { }
            int __init start_elsewhere(int a) { return a; }
            int __initdata start_data_elsewhere = 7;
            int other_data = 3, frozen __attribute__((section(".data..ro_after_init"))) = 4;
            const int other_constant = 9;
            __asm__(".pushsection .ibt_endbr_seal,\"a\"\n__ibt_endbr_seal: .long other - .\n.popsection");

            """;

        private const string Unit =
            Declarations
            + """
                static noinline int __init start_here(int a) { return a * 5; }
                static int __initdata start_data = 3;
                static int own_data = 1;
                static noinline int quiet(int a) { return a * 9; }
                static noinline int changed(int a) { return a * 11; }
                int __init starter(int a) { return start_here(a) + start_data++; }
                int user(int a) { return quiet(a) + changed(a) + own_data++; }
                int f(int a) { return a; }

                """;

        private readonly FakeKernel kernel;
        private readonly UnitObject before = Patched.Unit(Unit);
        private readonly UnitPlacement placement;

        public Kernel()
        {
            kernel = FakeKernel.Of(Declarations + Others, Unit);
            placement = Patched.Value(kernel.Check(Unit));
            foreach (var name in new[] { "reachable", "other", "take", "changed" })
            {
                ((ReadOnlySpan<byte>)[0xf3, 0x0f, 0x1e, 0xfa]).CopyTo(kernel.BytesAt(kernel.AddressOf(name)));
            }
        }

        /// <summary>
        /// What becomes of one reference: the number of a refusal, K for the kernel's, L for the livepatch's
        /// own.
        /// </summary>
        public string Judge(string name, string way)
        {
            var diff = DetectChanges.Run(Correlate.Run(before, Patched.Unit(Source(name, way))));
            Assert.Empty(diff.Problems);
            var inclusion = Include.Run(diff);
            if (!inclusion.TryGet(out var included))
            {
                return NumberOf(inclusion.Problems);
            }

            var unit = new LinkUnit(included, placement);
            var exports = ExportedSymbols.Parse([]).Value;
            var resolver = new ReferenceResolver(exports, kernel.Objects);
            var problems = CheckReferences.Run([unit], resolver, new(X8664Architecture.Instance, kernel.Symbols));
            if (problems.Count > 0)
            {
                return NumberOf(problems);
            }

            var combined = Combine.Start([unit], resolver);
            return !combined.TryGet(out var module) ? NumberOf(combined.Problems)
                : module.References.Any(r => r.Name == name) ? "K"
                : "L";
        }

        private static string NumberOf(IEnumerable<Problem> problems) =>
            Assert
                .Single(problems.Select(p => p.Code.Number).Distinct())
                .ToString(System.Globalization.CultureInfo.InvariantCulture);

        private static string Source(string name, string way)
        {
            var unit = Unit.Replace("a * 11", "a * 13", StringComparison.Ordinal);
            if (name.StartsWith("fresh", StringComparison.Ordinal))
            {
                unit = unit.Replace(
                    "int f(int a)",
                    (name == "fresh" ? "static noinline int fresh(int a) { return a * 17; }" : "static int fresh_data = 8;")
                        + "\nint f(int a)",
                    StringComparison.Ordinal
                );
            }

            var body = way switch
            {
                "call" => $"return {name}(a) + 1;",
                "jump" => $"if (a > 5) return {name}(a + 1); return a + 1;",
                "access" => $"return a + *(volatile int *)&{name};",
                "address" => $"take(&{name}); return a;",
                "constant" => $"static const void *const table[] = {{ &take, &{name} }}; take(table[a]); return a;",
                "data" => $"static const void *pointer = &{name}; take(pointer); pointer = 0; return a;",
                "distance" =>
                    $"extern const int distance[]; asm(\".pushsection .rodata.distance,\\\"a\\\"\\n.type distance,@object\\ndistance: .long %c0 - .\\n"
                        + $".size distance,4\\n.popsection\" : : \"i\" (&{name})); take(distance); return a;",
                _ => throw new ArgumentOutOfRangeException(nameof(way)),
            };
            return unit.Replace("int f(int a) { return a; }", $"int f(int a) {{ {body} }}", StringComparison.Ordinal);
        }
    }
}
