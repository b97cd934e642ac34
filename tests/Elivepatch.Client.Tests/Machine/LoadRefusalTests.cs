using Elivepatch.Client.Tests.Service;

namespace Elivepatch.Client.Tests.Machine;

/// <summary>
/// Why a kernel takes no livepatch: told before a server is asked where it can be known, and by its cause where it is not.
/// </summary>
public sealed class LoadRefusalTests
{
    private const string Handler =
        "[   80.083778] livepatch: failed to register ftrace handler for function 'meminfo_proc_show' (-16)\n"
        + "[   80.084208] livepatch: failed to patch object 'vmlinux'\n";

    [Theory]
    [InlineData("proc/sys/kernel/modules_disabled", "1", "ELP1220", "kernel.modules_disabled is 1", "restart the machine")]
    [InlineData("proc/sys/kernel/ftrace_enabled", "0", "ELP1220", "kernel.ftrace_enabled is 0", "sysctl kernel.ftrace_enabled=1")]
    [InlineData("proc/kallsyms", "0000000000000000 T _stext", "ELP0751", "/proc/kallsyms hides the addresses", "Run the command")]
    public async Task What_the_machine_can_know_is_told_before_a_server_is_asked(
        string file,
        string content,
        string code,
        string reason,
        string remedy
    )
    {
        await using var bench = await PatchBench.StartAsync();
        bench.Machine.Write(file, content + "\n");
        var asked = bench.Server.Requests.Count;
        var problem = Assert.Single(await bench.FailAsync(1, "patch", bench.Patch("a.patch")));
        Assert.Equal(code, problem.Code);
        Assert.Contains(reason, problem.Reason, StringComparison.Ordinal);
        Assert.Contains(remedy, problem.Remedy, StringComparison.Ordinal);
        Assert.Equal(asked, bench.Server.Requests.Count);
    }

    [Theory]
    [InlineData("proc/sys/kernel/modules_disabled", "0")]
    [InlineData("proc/sys/kernel/ftrace_enabled", "1")]
    [InlineData("sys/kernel/security/lockdown", "[none] integrity confidentiality")]
    [InlineData("sys/module/module/parameters/sig_enforce", "N")]
    public async Task Settings_as_kernels_have_them_are_no_obstacle_and_worth_no_word(string file, string content)
    {
        await using var bench = await PatchBench.StartAsync();
        bench.Machine.Write(file, content + "\n");
        Assert.DoesNotContain("look:", (await bench.MustAsync("patch", bench.Patch("a.patch"))).Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("sys/module/module/parameters/sig_enforce", "Y", "module.sig_enforce")]
    [InlineData("sys/kernel/security/lockdown", "none [integrity] confidentiality", "lockdown (integrity)")]
    [InlineData("sys/kernel/security/lockdown", "none integrity [confidentiality]", "lockdown (confidentiality)")]
    public async Task A_kernel_that_insists_on_signatures_is_no_obstacle_to_a_server_that_signs(
        string file,
        string content,
        string named
    )
    {
        await using var bench = await PatchBench.StartAsync();
        bench.Machine.Write(file, content + "\n");
        var run = await bench.MustAsync("patch", bench.Patch("a.patch"));
        Assert.Contains(
            $"look: done in 0.0 s ({named}: the kernel takes the module only with a signature that it trusts)\n",
            run.Error,
            StringComparison.Ordinal
        );

        // The server did not sign, or with another key.
        bench.Machine.LoadError = 129;
        bench.Machine.LoadComplaint = "[   80.000000] Loading of unsigned module is rejected\n";
        var problem = (await bench.FailAsync(4, "patch", bench.Patch("b.patch")))[0];
        Assert.Equal("ELP1203", problem.Code);
        Assert.Contains(
            $": it is not signed, and {named} takes no other; the kernel says\n[   80.000000] Loading of unsigned",
            problem.Reason,
            StringComparison.Ordinal
        );
        Assert.Contains("moduleKey", problem.Remedy, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_kprobe_at_the_function_is_named_and_the_same_command_helps_when_it_is_gone()
    {
        await using var bench = await PatchBench.StartAsync();
        bench.Machine.Write(
            "sys/kernel/debug/kprobes/list",
            """
            ffffffff8150b0d4  r  version_proc_show+0x4    [FTRACE]
            ffffffff81509c14  k  meminfo_proc_show+0x4    [FTRACE]
            ffffffffc0400014  k  e1000_xmit+0x4  e1000  [FTRACE]

            """
        );
        bench.Machine.Write("sys/kernel/tracing/kprobe_events", "p:kprobes/mine meminfo_proc_show\np:kprobes/other vfs_read\n");
        bench.Machine.LoadError = 16;
        bench.Machine.LoadComplaint = Handler;
        var problem = (await bench.FailAsync(75, "patch", bench.Patch("a.patch")))[0];
        Assert.Equal("ELP1221", problem.Code);
        Assert.Matches(
            "^livepatch_a_[0-9a-f]+: [^\n]+ \\(errno 16\\): already diverted by something else: meminfo_proc_show\n"
                + "  kprobe at meminfo_proc_show\\+0x4 \\[FTRACE\\]\n  tracing event p:kprobes/mine meminfo_proc_show$",
            problem.Reason
        );
        Assert.Contains("kprobe with a post handler", problem.Remedy, StringComparison.Ordinal);
        bench.Machine.LoadError = 0;
        await bench.MustAsync("patch", bench.Patch("a.patch"));
    }

    [Fact]
    public async Task Without_a_kprobe_the_owner_that_ftrace_lists_is_named()
    {
        await using var bench = await PatchBench.StartAsync();
        var others = string.Concat(
            Enumerable
                .Range(0, 40_000)
                .Select(n => $"function_{n} (1)           \ttramp: 0xffffffffc0207000 (function_trace_call+0x0/0x110)\n")
        );
        bench.Machine.Write(
            "sys/kernel/tracing/enabled_functions",
            others + "meminfo_proc_show (1) R I     \ttramp: 0xffffffffc0201000 (bpf+0x0/0x1d0)\n"
        );
        bench.Machine.LoadError = 16;
        bench.Machine.LoadComplaint = Handler;
        var problem = (await bench.FailAsync(75, "patch", bench.Patch("a.patch")))[0];
        Assert.EndsWith(
            "\n  ftrace: meminfo_proc_show (1) R I tramp: 0xffffffffc0201000 (bpf+0x0/0x1d0)",
            problem.Reason,
            StringComparison.Ordinal
        );
    }

    [Theory]
    [InlineData(12, 75, "ELP1221", "Free memory")]
    [InlineData(8, 4, "ELP1203", "it is not for this kernel")]
    [InlineData(1, 4, "ELP1203", "root in a container")]
    [InlineData(74, 4, "ELP1203", "the appended signature is malformed")]
    [InlineData(22, 4, "ELP1203", "the kernel's messages")]
    [InlineData(16, 4, "ELP1203", "the kernel's messages")]
    public async Task An_error_number_has_a_remedy_of_its_own_and_only_what_was_logged_since_is_shown(
        int error,
        int status,
        string code,
        string remedy
    )
    {
        await using var bench = await PatchBench.StartAsync();
        bench.Machine.LoadError = error;
        var problem = (await bench.FailAsync(status, "patch", bench.Patch("a.patch")))[0];
        Assert.Equal(code, problem.Code);
        Assert.Contains(
            $"(errno {error}); the kernel says\n[    9.000000] livepatch: it is broken",
            problem.Reason,
            StringComparison.Ordinal
        );
        Assert.DoesNotContain("booting", problem.Reason, StringComparison.Ordinal);
        Assert.Contains(remedy, problem.Remedy, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_changes_while_the_server_builds_is_told_by_its_cause_too()
    {
        await using var bench = await PatchBench.StartAsync();
        bench.Server.Instead["GET /api/v1/keys"] = async context =>
        {
            bench.Machine.Write("proc/sys/kernel/ftrace_enabled", "0\n");
            await bench.Server.HonestAsync(context);
        };
        bench.Machine.LoadError = 16;
        bench.Machine.LoadComplaint = Handler;
        Assert.Equal("ELP1220", (await bench.FailAsync(1, "patch", bench.Patch("a.patch")))[0].Code);
    }
}
