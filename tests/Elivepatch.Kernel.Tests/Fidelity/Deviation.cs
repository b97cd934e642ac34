using System.Text;

namespace Elivepatch.Kernel.Tests.Fidelity;

/// <summary>One way in which somebody's build is not that of the running kernel.</summary>
/// <param name="Name">What is different.</param>
/// <param name="Arguments">Changes the compile command.</param>
internal sealed record Deviation(string Name, Func<IReadOnlyList<string>, IReadOnlyList<string>> Arguments)
{
    /// <summary>The kernel's own build.</summary>
    public static readonly Deviation None = new("none", a => a);

    /// <summary>Builds that make other code of at least one of a few units.</summary>
    public static readonly IReadOnlyList<Deviation> All =
    [
        Added("-O1"),
        Added("-mtune=core2"),
        Added("-fno-stack-protector"),
        Added("-fno-ipa-sra"),
        Removed("-fconserve-stack"),
        Removed("-ftrivial-auto-var-init=zero"),
        Removed("-mharden-sls=all"),
        Removed("-fno-strict-overflow"),
        Removed("-mindirect-branch-cs-prefix"),
        Removed("-fcf-protection=branch"),
        Unset("FORTIFY_SOURCE"),
        Unset("HARDENED_USERCOPY"),
        Unset("NUMA"),
        Unset("SECURITY"),
        // It does not know this flag, and kbuild would leave it out for it.
        new(
            "the compiler of before",
            a => ["x86_64-linux-gnu-gcc-11", .. a.Skip(1).Where(f => f != "-ftrivial-auto-var-init=zero")]
        ),
    ];

    /// <summary>Changes the options as C sees them, <c>include/generated/autoconf.h</c>; null where they stay.</summary>
    public Func<string, string>? Config { get; private init; }

    /// <summary>The changed options, or null.</summary>
    public byte[]? ConfigFrom(string text) => Config is null ? null : Encoding.UTF8.GetBytes(Config(text));

    private static Deviation Added(string flag) => new($"with {flag}", a => [.. a, flag]);

    private static Deviation Removed(string flag) => new($"without {flag}", a => [.. a.Where(f => f != flag)]);

    private static Deviation Unset(string option) =>
        new($"without CONFIG_{option}", a => a)
        {
            Config = text => text.Replace($"#define CONFIG_{option} 1\n", "", StringComparison.Ordinal),
        };
}
