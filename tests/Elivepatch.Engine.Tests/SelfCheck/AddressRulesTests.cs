using Elivepatch.Elf;
using Elivepatch.Engine.SelfCheck;
using Xunit;

namespace Elivepatch.Engine.Tests.SelfCheck;

public sealed class AddressRulesTests
{
    private const string Storing = """
        struct thing { const char *name; };
        __attribute__((noinline)) int new_show(struct thing *t) { t->name = "dangling"; return 0; }

        """;

    private const string Start = """
        extern void __module_get(void *), module_put(void *);
        static struct klp_func funcs[] = { { "show", new_show, 0 }, { 0 } };
        static struct klp_object objects[] = { { .funcs = funcs }, { 0 } };
        static struct klp_patch patch = { .mod = &__this_module, .objs = objects, .replace = 1 };

        """;

    private const string Going =
        "int __attribute__((section(\".init.text\"))) init_module(void) { return klp_enable_patch(&patch); }\n";

    private const string Keeping = """
        int __attribute__((section(".init.text"))) init_module(void)
        {
            int ret;
            __module_get(&__this_module);
            ret = klp_enable_patch(&patch);
            if (ret)
                module_put(&__this_module);
            return ret;
        }

        """;

    [Fact]
    public void A_module_that_stores_an_address_of_its_own_and_can_be_unloaded_is_refused()
    {
        var rule = Check(Storing + Start + Going);
        Assert.Equal((RuleState.Failed, 626), (rule.State, rule.Problem!.Code.Number));
        Assert.StartsWith("new_show stores the address of the literal \"dangling\"", rule.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public void One_that_takes_a_reference_to_itself_is_not()
    {
        var rule = Check(Storing + Start + Keeping);
        Assert.Equal(RuleState.Passed, rule.State);
        Assert.Contains("it keeps itself: new_show stores", rule.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public void One_that_keeps_nothing_of_its_own_needs_no_reference()
    {
        var rule = Check("int new_show(int a) { return a + 1; }\n" + Start + Going);
        Assert.Equal((RuleState.Passed, "the kernel keeps none"), (rule.State, rule.Detail));
    }

    [Fact]
    public void One_without_an_exit_function_is_permanent_by_itself()
    {
        var source = (FakeModule.Structures + Storing + Start + Going).Replace(
            ", .exit = cleanup_module",
            "",
            StringComparison.Ordinal
        );
        Assert.Equal(RuleState.Passed, CheckWhole(source).State);
    }

    [Fact]
    public void A_kernel_that_unloads_no_module_keeps_every_one()
    {
        var source = (FakeModule.Structures + Storing + Start + Going).Replace(" mod_unload", "", StringComparison.Ordinal);
        Assert.Equal(RuleState.Passed, CheckWhole(source).State);
    }

    [Fact]
    public void What_a_module_of_kpatch_stores_is_seen_through_its_sections()
    {
        const string lists = """
            struct kpatch_func { word new_addr, new_size, old_addr, old_size, sympos; const char *name, *objname; };
            static struct { void *new_addr; word new_size, old_addr, old_size, sympos; const char *name, *objname; } listed IN(".kpatch.funcs")
                = { new_show, 16, 0, 16, 0, "show", "vmlinux" };
            extern void *lists;
            int __attribute__((section(".init.text"))) init_module(void) { return klp_enable_patch(lists); }

            """;
        Assert.Equal(RuleState.Failed, Check(Storing + lists).State);
        Assert.Equal(RuleState.Passed, Check("int new_show(int a) { return a + 1; }\n" + lists).State);
    }

    private static RuleResult Check(string source) => CheckWhole(FakeModule.Structures + source);

    private static RuleResult CheckWhole(string source)
    {
        var elf = ElfReader.Read(FakeModule.Link(source));
        return Assert.Single(
            ModuleRules.Check(elf, LivepatchModule.Read(elf, FakeModule.Layouts).Value, TargetKernel.Unknown),
            r => r.Id == "addresses-kept"
        );
    }
}
