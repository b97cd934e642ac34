namespace Elivepatch.Server.State;

/// <summary>A worker as it last reported.</summary>
/// <param name="Id">Names it.</param>
/// <param name="Name">What people call it.</param>
/// <param name="Version">Its version.</param>
/// <param name="Capabilities">What it can build, <c>x86_64.gcc-12</c>.</param>
/// <param name="Kernels">Ids of the kernels that it has prepared.</param>
/// <param name="Builders">How many builds it runs at once.</param>
/// <param name="Running">Ids of the builds that it runs.</param>
/// <param name="Started">When it was first heard of.</param>
/// <param name="LastSeen">When it was last heard of.</param>
public sealed record StoredWorker(
    string Id, string Name, string Version, IReadOnlyList<string> Capabilities, IReadOnlyList<string> Kernels, int Builders,
    IReadOnlyList<string> Running, DateTimeOffset Started, DateTimeOffset LastSeen);
