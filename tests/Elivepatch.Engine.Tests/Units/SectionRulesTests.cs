using Elivepatch.Elf;
using Elivepatch.Engine.Architectures;
using Elivepatch.Engine.Architectures.X8664;
using Elivepatch.Engine.Units;
using Xunit;

namespace Elivepatch.Engine.Tests.Units;

public class SectionRulesTests
{
    private const ElfSectionFlags None = 0,
        Data = ElfSectionFlags.Alloc | ElfSectionFlags.Write,
        Constant = ElfSectionFlags.Alloc,
        Code = ElfSectionFlags.Alloc | ElfSectionFlags.Execute;

    [Theory]
    [InlineData(".text", Code, SectionRole.Code)]
    [InlineData(".text.vfs_read", Code, SectionRole.Code)]
    [InlineData(".noinstr.text", Code, SectionRole.Code)]
    [InlineData(".entry.text", Code, SectionRole.Code)]
    [InlineData(".altinstr_replacement", Code, SectionRole.Replacement)]
    [InlineData(".fixup", Code, SectionRole.Replacement)]
    [InlineData(".init.text", Code, SectionRole.Init)]
    [InlineData(".text_of_nobody", Code, SectionRole.Unknown)]
    [InlineData(".data", Data, SectionRole.Data)]
    [InlineData(".data..percpu", Data, SectionRole.Data)]
    [InlineData(".rodata.str1.1", Constant | ElfSectionFlags.Merge | ElfSectionFlags.Strings, SectionRole.Literal)]
    [InlineData("__bug_table", Data, SectionRole.Table)]
    [InlineData(".altinstructions", Constant, SectionRole.Table)]
    [InlineData(".smp_locks", Constant, SectionRole.Table)]
    [InlineData("runtime_shift_d_hash_shift", Constant, SectionRole.Table)]
    [InlineData(".discard.annotate_insn", None, SectionRole.Table)]
    [InlineData(".discard.that_nobody_knows", None, SectionRole.Unknown)]
    [InlineData(".discard.that_is_loaded", Data, SectionRole.Unknown)]
    [InlineData(".discard.text", Code, SectionRole.Unknown)]
    [InlineData(".discard.addressable", Data, SectionRole.Registry)]
    [InlineData(".discard", None, SectionRole.Ignored)]
    [InlineData("__ksymtab_gpl", Constant, SectionRole.Registry)]
    [InlineData(".initcall6.init", Data, SectionRole.Registry)]
    [InlineData(".BTF_ids", Constant, SectionRole.IdList)]
    [InlineData(".modinfo", Constant, SectionRole.Ignored)]
    [InlineData(".orc_unwind", Constant, SectionRole.Ignored)]
    [InlineData(".comment", None, SectionRole.Ignored)]
    [InlineData("__of_nobody", Data, SectionRole.Unknown)]
    public void A_section_has_the_role_that_its_name_and_flags_give_it(string name, ElfSectionFlags flags, SectionRole role) =>
        Assert.Equal(role, SectionRules.RoleOf(new(name, ElfSectionType.ProgBits) { Flags = flags }, X8664Sections.Table));

    // What one processor's files bring is nothing to another one's.
    [Theory]
    [InlineData(".altinstr_replacement", Code)]
    [InlineData(".entry.text", Code)]
    [InlineData(".smp_locks", Constant)]
    [InlineData(".orc_unwind", Constant)]
    public void A_section_of_another_processor_is_unknown(string name, ElfSectionFlags flags) =>
        Assert.Equal(
            SectionRole.Unknown,
            SectionRules.RoleOf(new(name, ElfSectionType.ProgBits) { Flags = flags }, new SectionTable())
        );
}
