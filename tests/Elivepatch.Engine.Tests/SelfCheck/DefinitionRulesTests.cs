using System.Text;
using Elivepatch.Elf;
using Elivepatch.Engine.Facts;
using Elivepatch.Engine.SelfCheck;
using Xunit;

namespace Elivepatch.Engine.Tests.SelfCheck;

public sealed class DefinitionRulesTests
{
    private static readonly KernelSymbols symbols = KernelSymbols
        .Parse(
            Encoding.ASCII.GetBytes(
                """
                ffffffff81000000 T _text
                ffffffff81000100 T show
                ffffffff81000110 T show_alias
                ffffffff81000200 t store
                ffffffff81000300 t store
                ffffffff81000400 t secret_function
                ffffffff81000500 T exported_function
                ffffffff81000600 T klp_enable_patch
                ffffffff81000700 W idle_exit
                ffffffff81000800 T __pfx_show
                ffffffff82000000 d secret_data
                ffffffff82000100 d secret_data
                ffffffff82000200 D setting
                ffffffff82000300 V weak_setting
                ffffffffc0000000 t net_send	[net_core]
                ffffffffc0000100 t module_secret	[net_core]
                ffffffffc0000200 T net_function	[net_core]

                """
            )
        )
        .Value;

    [Theory]
    [InlineData("void idle_exit(void) { }", "idle_exit")]
    [InlineData("__attribute__((used)) static void idle_exit(void) { }", "idle_exit")]
    [InlineData("__attribute__((weak)) void idle_exit(void) { }", "idle_exit")]
    [InlineData(
        "int exported_function_user(int a) { return a; }\nint show_alias(int a) __attribute__((alias(\"exported_function_user\")));",
        "show_alias"
    )]
    [InlineData("int setting = 4;", "setting")]
    [InlineData("__attribute__((used)) static int setting = 4;", "setting")]
    [InlineData("int weak_setting;", "weak_setting")]
    public void A_second_definition_is_found(string definition, string name)
    {
        var rule = Check(FakeModule.Source + definition + "\n");
        Assert.Equal(RuleState.Failed, rule.State);
        Assert.Equal(623, rule.Problem!.Code.Number);
        Assert.Contains(name, rule.Detail, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("int fresh = 4;\nint more(int a) { return a + fresh++; }")]
    [InlineData("__attribute__((used)) static int store;\n__attribute__((used)) static int net_send(int a) { return a; }")]
    [InlineData("asm(\".type __pfx_show, @function\\n__pfx_show: nop\");")]
    [InlineData("asm(\".data\\n.globl setting\\nsetting:\\n.text\");")]
    [InlineData(
        "__attribute__((section(\".init.text\"))) int exported_start(void) { return 1; }\nint __attribute__((section(\".init.text\"))) setting(void) { return 2; }"
    )]
    public void What_only_the_module_has_is_its_own(string definition) =>
        Assert.Equal(RuleState.Passed, Check(FakeModule.Source + definition + "\n").State);

    // kpatch-build keeps the binding that a function has in its unit; this program binds all that it brings locally.
    [Theory]
    [InlineData("__attribute__((noinline)) int show(")]
    [InlineData("__attribute__((noinline)) static int show(")]
    public void A_replacement_has_the_name_of_what_it_replaces(string definition)
    {
        var source = FakeModule
            .Source.Replace("__attribute__((noinline)) int new_show(", definition, StringComparison.Ordinal)
            .Replace("\"show\", new_show", "\"show\", show", StringComparison.Ordinal);
        Assert.Equal(RuleState.Passed, Check(source).State);
    }

    [Fact]
    public void A_replacement_may_have_another_name_of_what_it_replaces()
    {
        var source = FakeModule.Source.Replace("new_show", "show_alias", StringComparison.Ordinal);
        Assert.Equal(RuleState.Passed, Check(source).State);
    }

    private static RuleResult Check(string source)
    {
        var elf = ElfReader.Read(FakeModule.Link(source));
        var module = LivepatchModule.Read(elf, FakeModule.Layouts);
        Assert.True(module.Succeeded, string.Join('\n', module.Problems));
        return ModuleRules
            .Check(elf, module.Value, FakeModule.Kernel with { Symbols = symbols })
            .Single(r => r.Id == "definitions-replace");
    }
}
