// In: a configuration. Out: whether a kernel of it can be live patched, and built again alike. The options are those of
// kernel/livepatch/Kconfig, arch/*/Kconfig and security/Kconfig.hardening of the kernel's own source.

using Elivepatch.Kernel.Architectures;
using Elivepatch.Model;
using Elivepatch.Protocol.Captures;

namespace Elivepatch.Kernel.Trees;

/// <summary>What a configuration must and must not have.</summary>
public static class ConfigRules
{
    private static readonly (string Option, string Why)[] Required =
    [
        ("MODULES", "a livepatch is a module"),
        ("LIVEPATCH", "the kernel has no live patching"),
        ("KALLSYMS_ALL", "the kernel does not know its own data symbols"),
        ("HAVE_RELIABLE_STACKTRACE", "the kernel cannot tell when a task has left a function"),
    ];

    private static readonly (string Option, string Why)[] Forbidden =
    [
        ("RANDSTRUCT", "the layout of structs is random"),
        ("GCC_PLUGIN_RANDSTRUCT", "the layout of structs is random"),
        ("GCC_PLUGIN_LATENT_ENTROPY", "random numbers are compiled into functions"),
        ("LTO", "units are not compiled one by one"),
        ("LTO_CLANG", "units are not compiled one by one"),
        ("CC_IS_CLANG", "the kernel was built by clang"),
        ("AUTOFDO_CLANG", "code depends on a profile"),
        ("PROPELLER_CLANG", "code depends on a profile"),
        ("GCOV_KERNEL", "counters of units cannot be shared with a livepatch"),
    ];

    // Debian takes these out of /boot/config-*, which is all that a captured machine may have. They name keys, and a salt for the
    // build-id; scripts and the key ring's assembler read them, no compiled unit does.
    private static readonly string[] WithoutCode = ["BUILD_SALT", "MODULE_SIG_ALL", "MODULE_SIG_KEY", "SYSTEM_TRUSTED_KEYS"];

    /// <summary>True for an option that preparation may add where the configuration does not tell it.</summary>
    public static bool MayAppear(string option, KernelConfig before) => WithoutCode.Contains(option) && !before.Contains(option);

    /// <summary>Every reason why a kernel of this configuration cannot be live patched; empty where it can.</summary>
    /// <param name="architecture">The processor that the kernel is said to be for.</param>
    /// <param name="config">The configuration.</param>
    public static IReadOnlyList<Problem> Check(KernelArchitecture architecture, KernelConfig config)
    {
        var problems = new List<Problem>();
        if (!config.IsSet(architecture.Option))
        {
            problems.Add(
                new(
                    CompileProblems.ConfigurationLacks,
                    $"CONFIG_{architecture.Option} is not set: it is not a kernel for {architecture.Machine}"
                )
            );
        }

        foreach (var (option, why) in Required.Where(r => !config.IsSet(r.Option)))
        {
            problems.Add(new(CompileProblems.ConfigurationLacks, $"CONFIG_{option} is not set: {why}"));
        }

        if (!config.IsSet("DYNAMIC_FTRACE_WITH_REGS") && !config.IsSet("DYNAMIC_FTRACE_WITH_ARGS"))
        {
            problems.Add(
                new(
                    CompileProblems.ConfigurationLacks,
                    "neither CONFIG_DYNAMIC_FTRACE_WITH_REGS nor CONFIG_DYNAMIC_FTRACE_WITH_ARGS is set: functions cannot be diverted"
                )
            );
        }
        foreach (var (option, why) in Forbidden.Where(r => config.IsSet(r.Option)))
        {
            problems.Add(new(CompileProblems.ConfigurationUnsupported, $"CONFIG_{option} is set: {why}"));
        }

        return problems;
    }
}
