using Elivepatch.Model;

namespace Elivepatch.Machine;

/// <summary>One step on the way to a live livepatch. The command may be killed between any two.</summary>
/// <param name="Name">What it does, in a few words.</param>
/// <param name="RunAsync">Does it; a problem ends the way.</param>
public sealed record LiveStep(string Name, Func<CancellationToken, Task<Problem?>> RunAsync);
