using Elivepatch.Engine.Diff;
using Elivepatch.Engine.Facts;
using Elivepatch.Engine.Targets;

namespace Elivepatch.Engine.Link;

/// <summary>One entry of the livepatch's function list.</summary>
/// <param name="Change">The change.</param>
/// <param name="Target">What the function lives in.</param>
/// <param name="Old">The function in the running kernel.</param>
/// <param name="Address">Its address there, as the target's symbols give it.</param>
/// <param name="NewSymbol">Undefined symbol by which the glue refers to the new function.</param>
public sealed record PatchedFunction(
    FunctionChange Change,
    PatchTarget Target,
    LivepatchSymbol Old,
    ulong Address,
    string NewSymbol
);
