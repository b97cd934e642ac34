using Elivepatch.Kernel.Architectures;
using Elivepatch.Kernel.Toolchains;
using Elivepatch.Protocol.Captures;

namespace Elivepatch.Kernel.Trees;

/// <summary>What kbuild is told, so that its answers are those of the machine that built the kernel.</summary>
internal static class KbuildEnvironment
{
    // A tool that is not there.
    private const string Missing = "/nonexistent";

    /// <summary>The environment: fixed names and times where the build would ask the machine for its own.</summary>
    public static IReadOnlyDictionary<string, string> Variables { get; } =
        new Dictionary<string, string>
        {
            ["PATH"] = $"{PreparedTree.ToolsInsidePath}:/usr/bin:/bin",
            ["LC_ALL"] = "C",
            ["HOME"] = "/tmp",
            ["KBUILD_BUILD_TIMESTAMP"] = "Thu Jan  1 00:00:00 UTC 1970",
            ["KBUILD_BUILD_USER"] = "build",
            ["KBUILD_BUILD_HOST"] = "build",
        };

    /// <summary>
    /// Variables for make's command line. A tool that the original builder did not have (version 0 in the configuration) must not
    /// be found here either, or options that depend on it would appear.
    /// </summary>
    public static IReadOnlyList<string> MakeVariables(
        KernelArchitecture architecture,
        KernelConfig config,
        string release,
        Toolchain compiler
    )
    {
        List<string> variables =
        [
            $"ARCH={architecture.SourceName}",
            $"KERNELRELEASE={release}",
            $"CROSS_COMPILE={compiler.CrossPrefix}",
            $"CC={compiler.Name}",
            $"HOSTCC={compiler.Name}",
            config.GetNumber("PAHOLE_VERSION") > 0 ? "PAHOLE=pahole" : $"PAHOLE={Missing}",
        ];
        if (config.GetNumber("RUSTC_VERSION") == 0)
        {
            variables.AddRange([$"RUSTC={Missing}", $"BINDGEN={Missing}"]);
        }
        else if (config.IsSet("RUST"))
        {
            // The configuration keeps the option, for its tools are there; but make builds none of the kernel's Rust
            // libraries, which take minutes. To commands that compile C the option means nothing.
            variables.Add("CONFIG_RUST=");
        }

        return variables;
    }

    /// <summary>
    /// A stand-in for pahole that only tells the version of the original builder's: kbuild asks for it while it reads the
    /// configuration, and nothing that we build ever runs it (scripts/pahole-version.sh).
    /// </summary>
    public static string PaholeScript(KernelConfig config)
    {
        var version = config.GetNumber("PAHOLE_VERSION");
        return $"#!/bin/sh\necho v{version / 100}.{version % 100:00}\n";
    }
}
