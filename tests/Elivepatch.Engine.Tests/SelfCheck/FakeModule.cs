using System.Diagnostics;
using System.Text;
using Elivepatch.Elf;
using Elivepatch.Engine.Architectures.X8664;
using Elivepatch.Engine.Facts;
using Elivepatch.Engine.Relocate;
using Elivepatch.Engine.SelfCheck;

namespace Elivepatch.Engine.Tests.SelfCheck;

/// <summary>
/// A small livepatch module from the real compiler, with structures that have the kernel's fields where they are known and room
/// where they are not, and a kernel made for it. It keeps every rule, so that a test can break one.
/// </summary>
internal static class FakeModule
{
    public const string Vermagic = "6.12.117-fake SMP preempt mod_unload modversions ";

    public const string Structures = """
        typedef unsigned long word;
        struct kobject { char room[64]; };
        struct list { void *next, *prev; };
        struct klp_func { const char *old_name; void *new_func; word old_sympos; void *old_func; struct kobject kobj;
            struct list node, stack_node; word old_size, new_size; char nop, patched, transition; };
        struct klp_callbacks { void *pre_patch, *post_patch, *pre_unpatch, *post_unpatch; char enabled; };
        struct klp_object { const char *name; struct klp_func *funcs; struct klp_callbacks callbacks; struct kobject kobj;
            struct list func_list, node; void *mod; char dynamic, patched; };
        struct klp_patch { void *mod; struct klp_object *objs; void *states; char replace; struct list list; struct kobject kobj;
            struct list obj_list; char enabled, forced; char work[56]; };
        struct module { int state; struct list list; char name[56]; char room[40]; int (*init)(void); void (*exit)(void); char more[56]; };
        struct modversion_info { word crc; char name[56]; };
        #define INFO(n, text) static const char n[] __attribute__((used, section(".modinfo"), aligned(1))) = text;
        #define IN(name) __attribute__((used, section(name)))
        extern int klp_enable_patch(void *);
        int init_module(void);
        IN(".exit.text") void cleanup_module(void) { }
        struct module __this_module IN(".gnu.linkonce.this_module") = { .name = "fake", .init = init_module, .exit = cleanup_module };
        INFO(info1, "livepatch=Y") INFO(info2, "license=GPL") INFO(info3, "name=fake") INFO(info4, "depends=net-core")
        INFO(info5, "import_ns=FAKE_NS") INFO(info6, "vermagic=6.12.117-fake SMP preempt mod_unload modversions ")
        static const struct modversion_info versions[] IN("__versions") = {
            { 0x11111111, "klp_enable_patch" }, { 0x22222222, "exported_function" }, { 0x33333333, "net_function" } };
        struct bug { int place, where; };

        """;

    public const string Functions = """
        extern int secret_function(int), exported_function(int), net_function(int), module_secret(int);
        extern int secret_data, secret_key;
        extern int reachable_function(int);
        int (*hook)(int) IN(".data.hook") = reachable_function;
        static struct { int code, target; void *key; } jumps[] IN("__jump_table") = { { 0, 0, &secret_key } };
        __attribute__((noinline)) int new_show(int a) { return secret_function(a) + exported_function(a) + secret_data; }
        __attribute__((noinline)) int new_store(int a) {
            void *bug;
            asm volatile("lea 2f(%%rip), %0\n1:\n.pushsection __bug_table,\"aw\"\n2: .long 1b - ., 0\n.popsection" : "=r"(bug));
            secret_data = a; return net_function(a) + 1; }
        __attribute__((noinline, section(".text.new_net"))) int new_net(int a) { return module_secret(a) + 1; }
        static int before(void *object) { return 0; }
        static struct bug bugs[] IN("__bug_table") = { { 0, 0 }, { 0, 0 } };

        """;

    public const string Lists = """
        static struct klp_func vmlinux_funcs[] = { { "show", new_show, 0 }, { "store", new_store, 2 }, { 0 } };
        static struct klp_func net_funcs[] = { { "net_send", new_net, 0 }, { 0 } };
        static struct klp_object objects[] = {
            { .funcs = vmlinux_funcs, .callbacks = { .pre_patch = before } }, { .name = "net_core", .funcs = net_funcs }, { 0 } };
        static struct klp_patch patch = { .mod = &__this_module, .objs = objects, .replace = 1 };
        int __attribute__((section(".init.text"))) init_module(void) { return klp_enable_patch(&patch); }

        """;

    public static readonly string Source = Structures + Functions + Lists;

    /// <summary>What the fake kernel knows the module's aliases by.</summary>
    private static readonly Dictionary<string, string> livepatchNames = new()
    {
        ["secret_function"] = ".klp.sym.vmlinux.secret_function,0",
        ["secret_data"] = ".klp.sym.vmlinux.secret_data,1",
        ["secret_key"] = ".klp.sym.vmlinux.secret_key,0",
        ["reachable_function"] = ".klp.sym.vmlinux.reachable_function,0",
        ["module_secret"] = ".klp.sym.net_core.module_secret,0",
    };

    // The functions of the list in net_core, which has an entry for ftrace in each.
    private const string PatchedModuleSource = """
        #define INFO(n, text) static const char n[] __attribute__((used, section(".modinfo"), aligned(1))) = text;
        INFO(info1, "license=GPL") INFO(info2, "name=net_core") INFO(info3, "depends=")
        INFO(info4, "vermagic=6.12.117-fake SMP preempt mod_unload modversions ")
        static __attribute__((noinline, used)) int net_send(int a) { return a + 1; }
        static __attribute__((noinline, used)) int module_secret(int a) { return a + 2; }
        int net_function(int a) { return net_send(a) + module_secret(a); }

        """;

    private static readonly Lazy<byte[]> module = new(() => Link(Source));

    private static readonly Lazy<byte[]> patchedModule = new(() => Compile(PatchedModuleSource, "-pg -mfentry"));

    /// <summary>The file of the module <c>net_core</c>, which the fake livepatch patches.</summary>
    public static byte[] PatchedModule => patchedModule.Value;

    /// <summary>The kernel's symbols as <c>/proc/kallsyms</c> has them.</summary>
    public const string SymbolsText = """
        0000000000000000 A __per_cpu_start
        0000000000000010 A of_each_processor
        0000000000001000 A __per_cpu_end
        ffffffff81000000 T _stext
        ffffffff81000000 T _text
        ffffffff81000100 t show
        ffffffff81000200 t store
        ffffffff81000300 t store
        ffffffff81000400 t secret_function
        ffffffff81000500 T exported_function
        ffffffff81000600 T klp_enable_patch
        ffffffff81000700 T reachable_function
        ffffffff81000800 t sealed_function
        ffffffff81000900 t plain_function
        ffffffff81001000 T _etext
        ffffffff82000000 D _sdata
        ffffffff82000000 d secret_data
        ffffffff82000100 d secret_data
        ffffffff82000200 d only_data
        ffffffff82000300 d secret_key
        ffffffff82001000 D _edata
        ffffffff82002000 D __start_rodata
        ffffffff82002100 D __start_ro_after_init
        ffffffff82002100 d read_only_data
        ffffffff82002200 D __end_ro_after_init
        ffffffff82003000 D __end_rodata
        ffffffff82004000 D __init_begin
        ffffffff82004100 t start_function
        ffffffff82004200 R __ibt_endbr_seal
        ffffffff82005000 R __init_end
        ffffffffc0000000 t net_send	[net_core]
        ffffffffc0000100 t module_secret	[net_core]
        ffffffffc0000200 T net_function	[net_core]

        """;

    /// <summary>The kernel's exports as <c>Module.symvers</c> has them.</summary>
    public const string ExportsText =
        "0x11111111\tklp_enable_patch\tvmlinux\tEXPORT_SYMBOL_GPL\t\n0x22222222\texported_function\tvmlinux\tEXPORT_SYMBOL\tFAKE_NS\n"
        + "0x33333333\tnet_function\tnet/core/net-core\tEXPORT_SYMBOL\t\n";

    public static KernelSymbols Symbols { get; } = KernelSymbols.Parse(Encoding.ASCII.GetBytes(SymbolsText)).Value;

    public static ExportedSymbols Exports { get; } = ExportedSymbols.Parse(Encoding.ASCII.GetBytes(ExportsText)).Value;

    public static EntryLayouts Layouts { get; } =
        new(
            new Dictionary<string, int> { ["__bug_table"] = 8, ["__jump_table"] = 16 },
            new Dictionary<string, int>(),
            new Dictionary<string, int> { ["module"] = 192 }
        );

    public static TargetKernel Kernel { get; } = new(Symbols, Exports, Vermagic, Layouts, Image());

    // Of its functions only the entries matter: show() mentions start_function(), two have an ENDBR64, and one of these is
    // sealed. Of its data only_data holds an address inside show().
    private static KernelImage Image()
    {
        const ulong text = 0xffffffff81000000,
            list = 0xffffffff82004200;
        byte[] endbr64 = [0xf3, 0x0f, 0x1e, 0xfa];
        var code = new byte[0x1000];
        endbr64.CopyTo(code, 0x700);
        endbr64.CopyTo(code, 0x800);
        code[0x100] = 0xe8;
        BitConverter.TryWriteBytes(code.AsSpan(0x101), 0x4100 + 0x1000000 - 0x105);
        var vmlinux = new ElfObject { FileType = ElfFileType.Executable };
        vmlinux.Sections.Add(
            new(".text", ElfSectionType.ProgBits)
            {
                Flags = ElfSectionFlags.Alloc | ElfSectionFlags.Execute,
                Address = text,
                Content = code,
            }
        );
        var data = new byte[0x1000];
        BitConverter.TryWriteBytes(data.AsSpan(0x208), text + 0x120);
        vmlinux.Sections.Add(
            new(".data", ElfSectionType.ProgBits)
            {
                Flags = ElfSectionFlags.Alloc | ElfSectionFlags.Write,
                Address = text + 0x1000000,
                Content = data,
            }
        );
        vmlinux.Sections.Add(
            new(".ibt_endbr_seal", ElfSectionType.ProgBits)
            {
                Flags = ElfSectionFlags.Alloc,
                Address = list,
                Content = BitConverter.GetBytes(unchecked((int)(text + 0x800 - list))),
            }
        );
        return KernelImage.Open(X8664Architecture.Instance, vmlinux, Symbols).Value;
    }

    /// <summary>The bytes of the module.</summary>
    public static byte[] Bytes => [.. module.Value];

    /// <summary>A fresh model of the module.</summary>
    public static ElfObject Elf() => ElfReader.Read(module.Value);

    /// <summary>Compiles a source and gives it livepatch symbols and relocations.</summary>
    public static byte[] Link(string source)
    {
        var elf = ElfReader.Read(Compile(source));
        foreach (var symbol in elf.Symbols.Where(s => livepatchNames.ContainsKey(s.Name)))
        {
            symbol.Name = livepatchNames[symbol.Name];
        }

        LivepatchRelocations.Apply(elf);
        return ElfWriter.Write(elf);
    }

    private static byte[] Compile(string source, string flags = "")
    {
        var folder = Directory.CreateTempSubdirectory("self-check-tests-").FullName;
        try
        {
            File.WriteAllText(Path.Combine(folder, "module.c"), source);
            var start = new ProcessStartInfo(
                "gcc",
                $"-c -O2 {flags} -std=gnu11 -mcmodel=kernel -fno-pic -mno-red-zone -fno-asynchronous-unwind-tables -fcf-protection=none -fno-common -o module.o module.c"
            )
            {
                WorkingDirectory = folder,
                RedirectStandardError = true,
            };
            using var process = Process.Start(start)!;
            var errors = process.StandardError.ReadToEnd();
            process.WaitForExit();
            return process.ExitCode == 0
                ? File.ReadAllBytes(Path.Combine(folder, "module.o"))
                : throw new InvalidOperationException(errors);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}
