using Elivepatch.Elf;
using Elivepatch.Engine.SelfCheck;
using Xunit;

namespace Elivepatch.Engine.Tests.SelfCheck;

public sealed class NeutralLivepatchTests
{
    [Fact]
    public void The_same_livepatch_under_another_name_keeps_every_rule()
    {
        var module = Read(NeutralLivepatch.Rename(FakeModule.Bytes, "other", FakeModule.Layouts));

        Assert.Equal(("other", "other"), (module.Name, module.Information.Name));
        Assert.Equal(["show", "store"], module.Objects[0].Functions.Select(f => f.OldName));
    }

    [Fact]
    public void A_neutral_one_replaces_all_others_and_patches_modules_that_are_nowhere()
    {
        var source = FakeModule.Source.Replace(".replace = 1", ".replace = 0", StringComparison.Ordinal);

        var module = Read(NeutralLivepatch.Create(FakeModule.Link(source), "neutral", FakeModule.Layouts)!);

        Assert.True(module.Replace);
        Assert.Equal("neutral", module.Name);
        Assert.Equal(["elivepatch_absent_0", "elivepatch_absent_1"], module.Objects.Select(o => o.Name));
        Assert.Equal(["show", "store"], module.Objects[0].Functions.Select(f => f.OldName));
    }

    [Fact]
    public void Where_code_makes_the_lists_there_is_no_neutral_one()
    {
        var source = FakeModule.Structures + "int init_module(void) { return klp_enable_patch((void *)0); }\n";

        Assert.Null(NeutralLivepatch.Create(FakeModule.Link(source), "neutral", FakeModule.Layouts));
    }

    private static LivepatchModule Read(byte[] file)
    {
        var elf = ElfReader.Read(file);
        var module = LivepatchModule.Read(elf, FakeModule.Layouts).Value;
        Assert.Empty(
            ModuleRules
                .Check(elf, module, TargetKernel.Unknown)
                .Where(r => r.State == RuleState.Failed)
                .Select(r => r.Problem!.Reason)
        );
        return module;
    }
}
