namespace Elivepatch.Protocol.Api;

/// <summary>The health of the server.</summary>
/// <param name="Status"><c>ok</c> or <c>unavailable</c>.</param>
/// <param name="Version">The server's version.</param>
/// <param name="Problems">What keeps it from serving; if the status is <c>ok</c>, what needs attention.</param>
public sealed record HealthView(string Status, string Version, IReadOnlyList<string> Problems);
