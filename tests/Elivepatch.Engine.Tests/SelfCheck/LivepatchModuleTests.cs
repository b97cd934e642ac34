using Elivepatch.Elf;
using Elivepatch.Engine.Facts;
using Elivepatch.Engine.SelfCheck;
using Xunit;

namespace Elivepatch.Engine.Tests.SelfCheck;

public sealed class LivepatchModuleTests
{
    [Fact]
    public void A_module_says_what_it_patches_and_needs()
    {
        var module = LivepatchModule.Read(FakeModule.Elf()).Value;

        Assert.Equal("fake", module.Name);
        Assert.Equal(PatchForm.Static, module.Form);
        Assert.True(module.Replace);
        Assert.Equal(["net-core"], module.Information.Depends);
        Assert.Equal(["FAKE_NS"], module.Information.ImportedNamespaces);
        Assert.Equal(new Version(6, 12), module.Information.KernelVersion);
        Assert.Equal([null, "net_core"], module.Objects.Select(o => o.Name));
        Assert.Equal(["show,0", "store,2"], module.Objects[0].Functions.Select(f => f.ToString()));
        Assert.Equal("new_show", module.Objects[0].Functions[0].New!.Symbol);
        Assert.True(module.Objects[0].Functions[0].New!.Size > 0);
        Assert.Equal(".text.new_net", Assert.Single(module.Objects[1].Functions).New!.Section);
        Assert.Equal(new ObjectCallbacks("before", null, null, null), module.Objects[0].Callbacks);
        Assert.Equal(new ObjectCallbacks(null, null, null, null), module.Objects[1].Callbacks);
        Assert.True(module.ObjectsAreTerminated);
        Assert.All(module.Objects, o => Assert.True(o.FunctionsAreTerminated));

        var secret = module.LivepatchReferences.Single(r => r.Symbol.Name == "secret_data");
        Assert.Equal(new LivepatchSymbol("vmlinux", "secret_data", new Sympos(1)), secret.Symbol);
        Assert.Equal([".text"], secret.Sections);
        Assert.Contains(new ExportReference("exported_function", 0x22222222, false), module.ExportReferences);
        Assert.Equal(["__bug_table", "__jump_table"], module.Tables.Select(t => t.Name).Order());
        Assert.True(module.Sizes is { Code: > 0, WritableData: > 0, Init: > 0 });
    }

    [Fact]
    public void Structure_sizes_of_the_target_are_believed_over_inference()
    {
        var layouts = FakeModule.Layouts with
        {
            StructureSizes = new Dictionary<string, int> { ["klp_func"] = 152, ["klp_object"] = 168 },
        };

        var known = LivepatchModule.Read(FakeModule.Elf(), layouts).Value;

        Assert.Equivalent(LivepatchModule.Read(FakeModule.Elf()).Value.Objects, known.Objects, strict: true);
    }

    [Theory]
    [InlineData(64)]
    [InlineData(72)]
    [InlineData(160)]
    public void Lists_are_read_whatever_the_size_of_a_kobject(int size)
    {
        var source = FakeModule.Source.Replace(
            "struct kobject { char room[64]; }",
            $"struct kobject {{ char room[{size}]; }}",
            StringComparison.Ordinal
        );

        var module = LivepatchModule.Read(ElfReader.Read(FakeModule.Link(source))).Value;

        Assert.Equal(["show,0", "store,2", "net_send,0"], module.Objects.SelectMany(o => o.Functions).Select(f => f.ToString()));
        Assert.All(module.Objects, o => Assert.True(o.FunctionsAreTerminated));
    }

    [Fact]
    public void Lists_are_read_without_symbols_for_them()
    {
        var elf = FakeModule.Elf();
        elf.Symbols.RemoveAll(s => s.Name is "patch" or "objects" or "vmlinux_funcs" or "net_funcs");

        var module = LivepatchModule.Read(elf).Value;

        Assert.Equal(["show,0", "store,2", "net_send,0"], module.Objects.SelectMany(o => o.Functions).Select(f => f.ToString()));
        Assert.Null(module.Objects[1].FunctionsAreTerminated);
    }

    [Fact]
    public void Lists_of_klp_build_are_read()
    {
        var module = Read(
            """
            struct klp_func_ext { const char *old_name; void *new_func; word sympos; };
            struct klp_object_ext { const char *name; struct klp_func_ext *funcs; struct klp_callbacks callbacks; unsigned nr_funcs; };
            static struct klp_func_ext a[] IN(".init.klp_funcs") = { { "show", new_show, 0 }, { "store", new_store, 2 } };
            static struct klp_func_ext b[] IN(".init.klp_funcs") = { { "net_send", new_net, 0 } };
            static struct klp_object_ext list[] IN(".init.klp_objects") =
                { { .funcs = a, .callbacks = { before }, .nr_funcs = 2 }, { .name = "net_core", .funcs = b, .nr_funcs = 1 } };
            int init_module(void) { return klp_enable_patch(0); }
            """
        );

        Assert.Equal(PatchForm.KlpBuildSections, module.Form);
        Assert.Null(module.Replace);
        Assert.Equal([null, "net_core"], module.Objects.Select(o => o.Name));
        Assert.Equal(["show,0", "store,2", "net_send,0"], module.Objects.SelectMany(o => o.Functions).Select(f => f.ToString()));
        Assert.Equal("before", module.Objects[0].Callbacks.PrePatch);
    }

    [Fact]
    public void Lists_of_kpatch_build_are_read()
    {
        var module = Read(
            """
            struct kpatch_patch_func { void *new_addr; word new_size; word old_addr, old_size; unsigned long long sympos; char *name, *object; };
            static struct kpatch_patch_func list[] IN(".kpatch.funcs") = {
                { new_show, 16, 0, 16, 0, "show", "vmlinux" }, { new_net, 16, 0, 16, 0, "net_send", "net_core" },
                { new_store, 16, 0, 16, 2, "store", "vmlinux" } };
            static struct { void *callback; char *object; } pre[] IN(".kpatch.callbacks.pre_patch") = { { before, "net_core" } };
            int init_module(void) { return klp_enable_patch(0); }
            """
        );

        Assert.Equal(PatchForm.KpatchSections, module.Form);
        Assert.Equal([null, "net_core"], module.Objects.Select(o => o.Name));
        Assert.Equal(["show,0", "store,2", "net_send,0"], module.Objects.SelectMany(o => o.Functions).Select(f => f.ToString()));
        Assert.Equal([null, "before"], module.Objects.Select(o => o.Callbacks.PrePatch));
    }

    [Fact]
    public void A_module_that_is_no_livepatch_is_refused()
    {
        var source = FakeModule.Structures + "int init_module(void) { return 0; }";

        Assert.Equal(
            SelfCheckProblems.NotALivepatch,
            Assert.Single(LivepatchModule.Read(ElfReader.Read(FakeModule.Link(source))).Problems).Code
        );
    }

    [Fact]
    public void A_livepatch_whose_lists_are_made_by_unknown_code_is_refused()
    {
        var source =
            FakeModule.Structures + "extern void *make(void); int init_module(void) { return klp_enable_patch(make()); }";

        Assert.Equal(
            SelfCheckProblems.UnreadablePatchLists,
            Assert.Single(LivepatchModule.Read(ElfReader.Read(FakeModule.Link(source))).Problems).Code
        );
    }

    [Fact]
    public void Objects_that_share_one_long_list_do_not_multiply_it()
    {
        var functions = string.Concat(Enumerable.Repeat("{ \"show\", code, 0 },", 1000));
        var objects = string.Concat(Enumerable.Repeat("{ .funcs = shared },", 1000));
        var source =
            FakeModule.Structures
            + $$"""
                static int code(void) { return 1; }
                static struct klp_func shared[] = { {{functions}} { 0 } };
                static struct klp_object many[] = { {{objects}} { 0 } };
                static struct klp_patch big = { .mod = &__this_module, .objs = many };
                int init_module(void) { return klp_enable_patch(&big); }
                """;

        var problem = Assert.Single(LivepatchModule.Read(ElfReader.Read(FakeModule.Link(source))).Problems);

        Assert.Equal(SelfCheckProblems.UnreadablePatchLists, problem.Code);
    }

    private static LivepatchModule Read(string lists) =>
        LivepatchModule.Read(ElfReader.Read(FakeModule.Link(FakeModule.Structures + FakeModule.Functions + lists))).Value;
}
