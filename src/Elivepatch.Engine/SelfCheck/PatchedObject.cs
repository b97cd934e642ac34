using Elivepatch.Engine.Targets;

namespace Elivepatch.Engine.SelfCheck;

/// <summary>One <c>struct klp_object</c>: functions of vmlinux or of one module that are replaced.</summary>
/// <param name="Name">Name of the module; null for vmlinux.</param>
/// <param name="Functions">The functions, in the module's order.</param>
/// <param name="Callbacks">What is called around patching.</param>
/// <param name="FunctionsAreTerminated">Whether a zero entry ends the list; null where that cannot be seen.</param>
public sealed record PatchedObject(
    string? Name,
    IReadOnlyList<ReplacedFunction> Functions,
    ObjectCallbacks Callbacks,
    bool? FunctionsAreTerminated
)
{
    /// <summary>Name for people.</summary>
    public string DisplayName => Name ?? VmlinuxTarget.Name;
}
