using Elivepatch.Engine.Diff;
using Xunit;
using static Elivepatch.Engine.Tests.Diff.Patched;

namespace Elivepatch.Engine.Tests.Diff;

public sealed class IdListTests
{
    // include/linux/btf_ids.h of 6.12, shortened.
    private const string Macros = """
        #define STR_(x) #x
        #define STR(x) STR_(x)
        #define PASTE_(a, b) a##b
        #define PASTE(a, b) PASTE_(a, b)
        #define IN_IDS(text) asm(".pushsection .BTF_ids,\"a\"\n" text ".popsection\n");
        #define ID_(symbol, word) IN_IDS(".local " STR(symbol) "\n.type " STR(symbol) ", STT_OBJECT\n.size " STR(symbol) ", 4\n" \
            STR(symbol) ":\n.zero 4\n" word)
        #define BTF_ID(kind, name) ID_(PASTE(PASTE(__BTF_ID__##kind##__##name##__, __COUNTER__), __LINE__), "")
        #define BTF_ID_FLAGS(kind, name, flags) \
            ID_(PASTE(PASTE(__BTF_ID__##kind##__##name##__, __COUNTER__), __LINE__), ".long " #flags "\n")
        #define BTF_ID_UNUSED IN_IDS(".zero 4\n")
        #define LIST_(name, scope) IN_IDS("." #scope " " #name "\n" #name ":\n")
        #define BTF_ID_LIST(name) LIST_(name, local) extern unsigned name[];
        #define BTF_ID_LIST_GLOBAL(name) LIST_(name, globl) extern unsigned name[];
        struct btf_id_set { unsigned cnt; unsigned ids[]; };
        struct btf_id_set8 { unsigned cnt, flags; struct { unsigned id, flags; } pairs[]; };
        #define BTF_SET_START(name) LIST_(name, local) \
            IN_IDS(".local __BTF_ID__set__" #name "\n__BTF_ID__set__" #name ":\n.zero 4\n")
        #define BTF_SET_END(name) IN_IDS(".size __BTF_ID__set__" #name ", .-" #name "\n") extern struct btf_id_set name;
        #define SET8_START(name, flags) LIST_(name, local) \
            IN_IDS(".local __BTF_ID__set8__" #name "\n__BTF_ID__set8__" #name ":\n.zero 4\n.long " STR(flags) "\n")
        #define BTF_KFUNCS_START(name) SET8_START(name, 1)
        #define BTF_KFUNCS_END(name) IN_IDS(".size __BTF_ID__set8__" #name ", .-" #name "\n") extern struct btf_id_set8 name;

        """;

    private const string Lists =
        Macros
        + """
            BTF_SET_START(allowed)
            BTF_ID(func, vfs_truncate)
            BTF_ID(func, vfs_fallocate)
            BTF_ID(func, dentry_open)
            BTF_SET_END(allowed)
            BTF_KFUNCS_START(kfuncs)
            BTF_ID_FLAGS(func, bpf_get_file, (1 << 0) | (1 << 2))
            BTF_ID_FLAGS(func, bpf_put_file, (1 << 1))
            BTF_KFUNCS_END(kfuncs)
            BTF_ID_LIST(types)
            BTF_ID(struct, sk_buff)
            BTF_ID_UNUSED
            BTF_ID(struct, task_struct)
            BTF_ID_LIST_GLOBAL(shared)
            BTF_ID(struct, file)
            extern int contains(const void *, unsigned);
            int f(unsigned id) { return contains(&kfuncs, id); }
            int g(unsigned id) { return contains(&allowed, id) + (types[2] == id); }

            """;

    [Theory]
    [InlineData("dentry_open", "vfs_getattr")] // a member of a set
    [InlineData("BTF_ID(func, vfs_fallocate)\n", "")] // removed
    [InlineData("dentry_open)", "dentry_open)\nBTF_ID(func, vfs_getattr)")] // added
    [InlineData("bpf_put_file, (1 << 1)", "bpf_put_file, (1 << 3)")] // flags of a member of a set8
    [InlineData("BTF_KFUNCS_START(kfuncs)", "SET8_START(kfuncs, 0)")] // flags of the set8
    [InlineData("(struct, task_struct)", "(union, task_struct)")] // another kind
    [InlineData("BTF_ID_UNUSED", "BTF_ID(struct, sock)")] // a place that was free
    [InlineData("(struct, file)", "(struct, inode)")] // a global list
    [InlineData("BTF_ID_LIST_GLOBAL(shared)", "BTF_ID_LIST(shared)")] // no longer global
    [InlineData("extern int contains", "BTF_ID_LIST(added)\nBTF_ID(struct, file)\nextern int contains")]
    [InlineData("BTF_ID_LIST_GLOBAL(shared)\nBTF_ID(struct, file)\n", "")]
    [InlineData(
        "(struct, sk_buff)\nBTF_ID_UNUSED\nBTF_ID(struct, task_struct)",
        "(struct, task_struct)\nBTF_ID_UNUSED\nBTF_ID(struct, sk_buff)"
    )]
    public void A_changed_list_is_refused(string old, string changed)
    {
        var after = Lists.Replace(old, changed, StringComparison.Ordinal);
        Assert.NotEqual(Lists, after);
        Assert.Equal([425], Compare(Lists, after).Numbers());
    }

    [Fact]
    public void The_reason_names_list_and_entries()
    {
        var after = Lists.Replace("dentry_open", "vfs_getattr", StringComparison.Ordinal);
        var problem = Assert.Single(Compare(Lists, after).Problems);
        Assert.Equal("unit.c: allowed has func vfs_getattr instead of func dentry_open", problem.Reason);
    }

    [Fact]
    public void Counter_and_line_in_the_symbols_names_mean_nothing()
    {
        var after = "\n\nstatic const int unique __attribute__((unused)) = __COUNTER__ + __COUNTER__;\n" + Lists;
        Assert.True(Compare(Lists, after).IsEmpty);
    }

    [Fact]
    public void Digits_of_the_name_itself_do_mean_something()
    {
        var before = Lists.Replace("dentry_open", "dentry__1", StringComparison.Ordinal);
        Assert.Equal([425], Compare(before, before.Replace("dentry__1", "dentry__2", StringComparison.Ordinal)).Numbers());
    }

    [Theory]
    [InlineData("contains(&kfuncs, id)", "id && contains(&kfuncs, id)", "f", "kfuncs", 0L)]
    [InlineData("types[2] == id", "types[2] == id + 1", "g", "types", 8L)]
    public void A_list_that_stays_is_the_kernels_own(string old, string changed, string function, string list, long displacement)
    {
        var diff = Compare(Lists, Lists.Replace(old, changed, StringComparison.Ordinal));
        Assert.Empty(diff.Problems);
        Assert.Equal([function], diff.Included());
        var reference = Assert.Single(diff.Changed[0].After.References, r => r.TargetName == list);
        Assert.Equal(displacement, reference.Displacement);
        Assert.Equal(Destination.Kernel, Value(Include.Run(diff)).DestinationOf(reference));
        Assert.Equal(list, diff.Correlation.BeforeOf(reference.Piece!)!.Symbols[0].Name);
    }

    [Fact]
    public void A_new_list_that_new_code_asks_is_refused()
    {
        var after = Lists
            .Replace(
                "extern int contains(",
                "BTF_SET_START(more)\nBTF_ID(func, vfs_truncate)\nBTF_SET_END(more)\nextern int contains(",
                StringComparison.Ordinal
            )
            .Replace("contains(&kfuncs, id)", "contains(&kfuncs, id) || contains(&more, id)", StringComparison.Ordinal);
        Assert.Equal([425], Compare(Lists, after).Numbers());
    }

    [Theory]
    [InlineData("_error_injection_whitelist", 410)]
    [InlineData("_kprobe_blacklist", 410)]
    [InlineData(".invented_list", 402)]
    public void A_list_whose_meaning_is_in_the_names_of_its_symbols_is_compared_by_them(string section, int number)
    {
        var source =
            $"asm(\".pushsection {section},\\\"a\\\"\\n__entry__one:\\n.zero 8\\n"
            + "__entry__two:\\n.zero 8\\n.popsection\");\n"
            + "int f(int a) { return a; }\n";
        Assert.True(Compare(source, source).IsEmpty);
        Assert.Equal([number], Compare(source, source.Replace("two", "three", StringComparison.Ordinal)).Numbers());
    }

    [Theory]
    [InlineData("")]
    [InlineData(".globl entry\\n.type entry, STT_OBJECT\\n.size entry, 8\\nentry:\\n")]
    public void A_list_whose_meaning_is_behind_its_pointers_is_followed(string label)
    {
        var source =
            "extern int one, two;\nint f(int a) { return a; }\nasm(\".pushsection .rodata.entries,\\\"a\\\"\\n"
            + label
            + "1: .quad one\\n.popsection\\n.pushsection _ftrace_events,\\\"a\\\"\\n.quad 1b\\n.popsection\");\n";
        Assert.True(Compare(source, source).IsEmpty);
        Assert.NotEmpty(Compare(source, source.Replace(".quad one", ".quad two", StringComparison.Ordinal)).Problems);
    }
}
