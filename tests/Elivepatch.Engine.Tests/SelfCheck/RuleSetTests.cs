using Elivepatch.Engine.SelfCheck;
using Xunit;

namespace Elivepatch.Engine.Tests.SelfCheck;

/// <summary>
/// Servers check again what they have published when <see cref="ModuleRules.Version"/> is raised, and only then.
/// </summary>
public sealed class RuleSetTests
{
    /// <summary>
    /// The rules by the version that brought them. A new rule is a name in a new line, or in the last one as long as that is in
    /// no release. A rule that finds more than before needs a new line too; an empty one will do.
    /// </summary>
    private static readonly Dictionary<int, string[]> versions = new()
    {
        [1] =
        [
            "information-livepatch",
            "information-licence",
            "information-vermagic",
            "module-name",
            "module-structure",
            "module-start",
            "sections-unique",
            "sections-finished",
            "tables-whole",
            "symbols-exported",
            "symbols-versions",
            "symbols-versions-match",
            "symbols-namespaces",
            "symbols-depends",
            "symbols-no-common",
            "relocation-type",
            "relocation-field-zero",
            "relocation-once",
            "relocation-reach",
            "livepatch-section-name",
            "livepatch-section-flags",
            "livepatch-section-target",
            "livepatch-symbol-place",
            "livepatch-symbol-name",
            "livepatch-symbol-length",
            "livepatch-vmlinux-section",
            "livepatch-module-section",
            "livepatch-not-ordinary",
            "livepatch-symbol-exists",
            "patch-objects",
            "patch-functions",
            "patch-terminated",
            "patch-new-code",
            "patch-old-functions",
            "patch-ftrace",
            "memory-init",
            "memory-read-only",
            "memory-per-cpu",
            "memory-indirect-entry",
            "memory-static-key",
            "definitions-replace",
            "old-code-entry",
            "old-code-labels",
            "btf-ids-resolved",
            "addresses-kept",
        ],

        // addresses-kept: cold parts apart from their function.
        [2] = [],
        [3] = ["livepatch-module-needed", "livepatch-module-late", "warning-entries"],
    };

    [Fact]
    public void A_rule_comes_with_a_version() =>
        Assert.Equal(versions.Values.SelectMany(ids => ids).Order(), ModuleRules.Ids.Order());

    [Fact]
    public void The_version_is_the_newest_one() => Assert.Equal(ModuleRules.Version, versions.Keys.Max());
}
