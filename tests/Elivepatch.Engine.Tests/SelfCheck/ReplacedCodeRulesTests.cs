using System.Buffers.Binary;
using Elivepatch.Elf;
using Elivepatch.Engine.Architectures.X8664;
using Elivepatch.Engine.Facts;
using Elivepatch.Engine.SelfCheck;
using Xunit;

namespace Elivepatch.Engine.Tests.SelfCheck;

/// <summary>What a finished module shows of new code that would go on in old code, and of lists of zeroes.</summary>
public sealed class ReplacedCodeRulesTests
{
    private const string Inside = "old-code-entry",
        Labels = "old-code-labels",
        Ids = "btf-ids-resolved";

    [Theory]
    [InlineData(".klp.sym.vmlinux.secret_function,0", true)]
    [InlineData("exported_function", true)]
    [InlineData(".klp.sym.vmlinux.secret_data,1", false)]
    public void Code_may_lead_to_the_entry_of_a_function_and_to_any_place_of_a_datum(string symbol, bool isFault)
    {
        var elf = FakeModule.Elf();
        Assert.Equal(RuleState.Passed, Result(elf, Inside).State);
        foreach (var relocation in elf.RelocationSections.SelectMany(s => s.Entries).Where(r => r.Symbol?.Name == symbol))
        {
            relocation.Addend += 8;
        }

        Assert.Equal(isFault ? RuleState.Failed : RuleState.Passed, Result(elf, Inside).State);
    }

    [Theory]
    [InlineData(0, false)]
    [InlineData(8, true)]
    [InlineData(0x100, false)] // exactly the next function
    public void A_datum_of_the_module_may_hold_no_address_inside_a_function_of_the_kernel(long addend, bool isFault)
    {
        var elf = Read("extern int secret_function(int); void *const place = secret_function;");
        var constants = elf.RelocationSections.Where(s => s.Target.Name.StartsWith(".rodata", StringComparison.Ordinal));
        Assert.Single(constants.SelectMany(s => s.Entries), r => r.Symbol?.Name == ".klp.sym.vmlinux.secret_function,0").Addend =
            addend;
        Assert.Equal(isFault ? RuleState.Failed : RuleState.Passed, Result(elf, Inside).State);
    }

    [Fact]
    public void An_immediate_behind_the_field_is_no_displacement()
    {
        // The field is followed by four bytes of the instruction: the addend is -8 and the entry is meant.
        var elf = Read("void compare(void) { asm(\"cmpl $0x12345678, secret_function(%rip)\"); }");
        Assert.Contains(
            elf.RelocationSections.SelectMany(s => s.Entries),
            r => r is { Symbol.Name: ".klp.sym.vmlinux.secret_function,0", Addend: -8 }
        );
        Assert.Equal(RuleState.Passed, Result(elf, Inside).State);
    }

    [Theory]
    [InlineData(0xffffffff81000120, RuleState.Failed)] // inside show(), which the module replaces
    [InlineData(0xffffffff81000320, RuleState.Failed)] // inside the second store()
    [InlineData(0xffffffff81000100, RuleState.Passed)] // its entry: a pointer to the function
    [InlineData(0xffffffff81000220, RuleState.Passed)] // inside the first store(), which stays
    [InlineData(0UL, RuleState.Passed)]
    public void A_table_of_the_kernel_may_not_lead_inside_a_replaced_function(ulong address, RuleState expected)
    {
        var kernel = FakeModule.Kernel with { Image = ImageWith(0x10, address) };
        Assert.Equal(expected, Result(FakeModule.Elf(), Labels, kernel).State);

        // In a datum that the module does not use it is nobody's concern.
        kernel = FakeModule.Kernel with
        {
            Image = ImageWith(0x210, address),
        };
        Assert.Equal(RuleState.Passed, Result(FakeModule.Elf(), Labels, kernel).State);
    }

    [Fact]
    public void Without_an_image_nobody_knows_what_data_leads_to() =>
        Assert.Equal(RuleState.NotCheckable, Result(FakeModule.Elf(), Labels, FakeModule.Kernel with { Image = null }).State);

    private const string List = """
        extern unsigned allowed[];
        asm(".pushsection .BTF_ids,\"a\"\nallowed:\n__BTF_ID__set__allowed:\n.long COUNT\n"
            "__BTF_ID__func__vfs_truncate__12:\n.long ID\n.popsection");

        """;

    [Theory]
    [InlineData(1, 4711, RuleState.Passed)]
    [InlineData(0, 0, RuleState.Failed)]
    [InlineData(1, 0, RuleState.Failed)]
    public void Ids_that_code_uses_are_filled_in(int count, int id, RuleState expected)
    {
        var list = List.Replace("COUNT", $"{count}", StringComparison.Ordinal)
            .Replace(" ID\\n", $" {id}\\n", StringComparison.Ordinal);
        Assert.Equal(expected, Result(Read(list + "int ask(unsigned id) { return allowed[1] == id; }"), Ids).State);
        Assert.Equal(RuleState.Passed, Result(Read(list), Ids).State);
    }

    [Fact]
    public void Ids_that_data_leads_to_are_used_as_well_and_names_are_not_needed_to_see_that_all_are_zero()
    {
        var elf = Read(
            List.Replace("COUNT", "0", StringComparison.Ordinal).Replace(" ID\\n", " 0\\n", StringComparison.Ordinal)
                + "struct { int owner; unsigned *set; } registration = { 1, allowed };"
        );
        Assert.Contains("allowed has no id of func vfs_truncate", Result(elf, Ids).Detail, StringComparison.Ordinal);
        foreach (var symbol in elf.Symbols.Where(s => s.Name.StartsWith("__BTF_ID__", StringComparison.Ordinal)))
        {
            symbol.Name = "";
        }

        Assert.Equal(RuleState.Failed, Result(elf, Ids).State);
    }

    private const string OtherMember = "__BTF_ID__func__vfs_fallocate__13:\\n.long 4711";

    [Theory]
    [InlineData(
        "__BTF_ID__set__allowed:\\n.long 2\\n__BTF_ID__func__vfs_truncate__12:\\n.long 0\\n" + OtherMember,
        RuleState.Passed
    )]
    [InlineData("__BTF_ID__func__vfs_truncate__12:\\n.long 0\\n" + OtherMember, RuleState.Failed)]
    public void A_member_that_was_left_free_is_sorted_to_the_beginning_of_its_set(string words, RuleState expected)
    {
        var list = $"extern unsigned allowed[];\nasm(\".pushsection .BTF_ids,\\\"a\\\"\\nallowed:\\n{words}\\n.popsection\");\n";
        Assert.Equal(expected, Result(Read(list + "int ask(unsigned id) { return allowed[1] == id; }"), Ids).State);
    }

    [Fact]
    public void An_empty_set_is_no_fault()
    {
        var empty =
            "extern unsigned none[];\nasm(\".pushsection .BTF_ids,\\\"a\\\"\\nnone:\\n"
            + "__BTF_ID__set__none:\\n.long 0\\n.popsection\");\n";
        Assert.Equal(RuleState.Passed, Result(Read(empty + "int ask(void) { return none[0]; }"), Ids).State);
    }

    private static ElfObject Read(string addition) => ElfReader.Read(FakeModule.Link(FakeModule.Source + addition));

    private static RuleResult Result(ElfObject elf, string rule, TargetKernel? kernel = null) =>
        ModuleRules
            .Check(elf, LivepatchModule.Read(elf, FakeModule.Layouts).Value, kernel ?? FakeModule.Kernel)
            .Single(r => r.Id == rule);

    /// <summary>A kernel with the fake symbols' addresses and a pointer in its data.</summary>
    private static KernelImage ImageWith(int offset, ulong pointer)
    {
        var data = new byte[0x1000];
        BinaryPrimitives.WriteUInt64LittleEndian(data.AsSpan(offset), pointer);
        var vmlinux = new ElfObject { FileType = ElfFileType.Executable };
        vmlinux.Sections.Add(
            new(".text", ElfSectionType.ProgBits)
            {
                Address = 0xffffffff81000000,
                Flags = ElfSectionFlags.Alloc | ElfSectionFlags.Execute,
                Content = new byte[0x1000],
            }
        );
        vmlinux.Sections.Add(
            new(".rodata", ElfSectionType.ProgBits)
            {
                Address = 0xffffffff82000000,
                Flags = ElfSectionFlags.Alloc,
                Content = data,
            }
        );
        var image = KernelImage.Open(X8664Architecture.Instance, vmlinux, FakeModule.Symbols);
        return image.Succeeded ? image.Value : throw new InvalidOperationException(string.Join('\n', image.Problems));
    }
}
