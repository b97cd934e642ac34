namespace Elivepatch.Engine.SelfCheck;

/// <summary>One relocation section.</summary>
/// <param name="Name">Section name.</param>
/// <param name="Target">Name of the section that it relocates.</param>
/// <param name="Count">How many relocations it has.</param>
/// <param name="IsLivepatch">True where the livepatch core applies them, else the module loader does.</param>
public sealed record RelocationSummary(string Name, string Target, int Count, bool IsLivepatch);
