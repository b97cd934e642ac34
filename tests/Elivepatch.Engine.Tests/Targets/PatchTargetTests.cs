using Elivepatch.Engine.Facts;
using Elivepatch.Engine.Link;
using Elivepatch.Engine.Targets;
using Elivepatch.Engine.Tests.Diff;
using Elivepatch.Engine.Tests.SelfCheck;
using Elivepatch.Tests;
using Xunit;

namespace Elivepatch.Engine.Tests.Targets;

public class PatchTargetTests
{
    private static readonly VmlinuxTarget vmlinux = new(FakeModule.Symbols, null);
    private static readonly PatchTarget other = new OtherTarget(FakeModule.Symbols.Module("net_core")!);

    [Fact]
    public void The_glue_lists_the_functions_of_each_object_under_its_name()
    {
        var change = Patched.Compare("int f(void) { return 1; }", "int f(void) { return 2; }").Changed.Single();
        PatchedFunction[] functions =
        [
            new(change, vmlinux, new("vmlinux", "f", new(0)), 0, "elivepatch_new_0"),
            new(change, other, new("net_core", "g", new(2)), 0, "elivepatch_new_1"),
        ];
        var glue = GlueSource.Write(
            functions,
            replace: true,
            "",
            [],
            new([], true, null) { Computed = new HashSet<(string, string)>() }
        );
        Assert.Contains(
            "elivepatch_funcs_0[] = {\n\t{ .old_name = \"f\", .new_func = (void *)elivepatch_new_0, .old_sympos = 0 },\n\t{ }\n};",
            glue,
            StringComparison.Ordinal
        );
        Assert.Contains(
            "elivepatch_funcs_1[] = {\n\t{ .old_name = \"g\", .new_func = (void *)elivepatch_new_1, .old_sympos = 2 },\n\t{ }\n};",
            glue,
            StringComparison.Ordinal
        );
        Assert.Contains(
            "{\n\t{ .funcs = elivepatch_funcs_0 },\n\t{ .name = \"net_core\", .funcs = elivepatch_funcs_1 },\n\t{ }\n}",
            glue,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void Nothing_but_a_target_has_the_name_of_the_kernel_proper()
    {
        var named = CompiledCode
            .Read(typeof(PatchTarget).Assembly.Location)
            .Where(t =>
                t.Texts.Exists(s =>
                    s == VmlinuxTarget.Name
                    || s.Contains('.' + VmlinuxTarget.Name, StringComparison.Ordinal)
                    || s.Contains('_' + VmlinuxTarget.Name, StringComparison.Ordinal)
                )
            )
            .Select(t => t.Namespace)
            .Distinct()
            .ToList();

        // A constant is copied to where it is used.
        Assert.All(named, n => Assert.True(n is "Elivepatch.Engine.Targets" or "Elivepatch.Engine.SelfCheck", n));
    }

    private sealed class OtherTarget(ObjectSymbols symbols) : PatchTarget
    {
        public override string ObjectName => "net_core";

        public override string ListedName => "net_core";

        public override ObjectSymbols Symbols => symbols;

        public override KernelImage? Image => null;

        public override LinkRules Rules => VmlinuxTarget.LinkRules;

        public override MemoryKind KindOf(ulong address) => MemoryKind.Unknown;
    }
}
