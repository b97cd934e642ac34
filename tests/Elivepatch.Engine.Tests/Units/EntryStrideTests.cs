using Elivepatch.Elf;
using Elivepatch.Engine.Architectures.X8664;
using Elivepatch.Engine.Tests.Fidelity;
using Elivepatch.Engine.Units;
using Xunit;

namespace Elivepatch.Engine.Tests.Units;

public sealed class EntryStrideTests
{
    // Entries of 16 bytes: two places in code, four bytes without a reference, and a variable.
    private const string Entry = ".long 1b - ., 1b - . + 1\\n.long 7\\n.long state - .\\n";

    [Theory]
    [InlineData(Entry, 16, true)]
    [InlineData(Entry + Entry + Entry, 16, true)]
    [InlineData(Entry + Entry, 32, true)]
    [InlineData(Entry + Entry + Entry, 32, false)]
    [InlineData(Entry + Entry, 8, false)]
    [InlineData(Entry + Entry, 12, false)]
    [InlineData(Entry + Entry, 0, false)]
    [InlineData(Entry + ".long 1b - ., 1b - .\\n.long 7, 0\\n", 16, false)]
    [InlineData(Entry + ".long 1b - ., 1b - .\\n.long state - ., 7\\n", 16, false)]
    [InlineData(Entry + ".long 1b - ., 1b - ., state - ., state - .\\n", 16, false)]
    [InlineData(".long 7, 7, 7, 7\\n" + Entry, 16, false)]
    [InlineData(Entry + ".long 7, 7, 7, 7\\n", 16, false)]
    public void A_size_fits_where_every_entry_refers_to_something_at_the_same_places(string entries, ulong size, bool fits) =>
        Assert.Equal(fits, EntryStride.Fits(Table(entries), size));

    [Theory]
    [InlineData(Entry + Entry + Entry, 16)]
    [InlineData(Entry, 16)]
    [InlineData(".long 1b - .\\n.long 1b - .\\n.long 1b - .\\n", 4)]
    [InlineData(".quad 1b\\n.quad 7\\n.quad 1b\\n.quad 7\\n", 16)]
    [InlineData(Entry + ".long 1b - ., 1b - ., state - ., state - .\\n", 0)]
    public void The_size_of_an_entry_is_found(string entries, ulong size) =>
        Assert.Equal(size, EntryStride.Infer(Table(entries), X8664Sections.Table));

    private static ElfSection Table(string entries) =>
        FakeKernel
            .Compile(
                "int state; void f(void) { asm volatile(\"1: nop\\n.pushsection some_table,\\\"a\\\"\\n"
                    + entries
                    + ".popsection\"); }\n"
            )
            .FindSection("some_table")!;
}
