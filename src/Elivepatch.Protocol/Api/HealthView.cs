namespace Elivepatch.Protocol.Api;

/// <summary>How the server is.</summary>
/// <param name="Status"><c>ok</c>, or <c>unavailable</c>.</param>
/// <param name="Version">The server's version.</param>
/// <param name="Problems">What keeps it from serving; where it is <c>ok</c>, what should be looked at.</param>
public sealed record HealthView(string Status, string Version, IReadOnlyList<string> Problems);
