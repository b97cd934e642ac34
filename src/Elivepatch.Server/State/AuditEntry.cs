namespace Elivepatch.Server.State;

/// <summary>Who asked for what, and what became of it.</summary>
/// <param name="Id">Names the entry; later ones are greater.</param>
/// <param name="Time">When the answer was decided.</param>
/// <param name="Token">The token's id; empty where there was none.</param>
/// <param name="Name">The token's name; empty where there was none.</param>
/// <param name="Address">Where the request came from; <c>command</c> for the server's own command line.</param>
/// <param name="Action">What was asked for: method and route.</param>
/// <param name="Subject">Which build, kernel or token it was about; empty for none.</param>
/// <param name="Status">The HTTP status; 0 for a command.</param>
public sealed record AuditEntry(
    string Id,
    DateTimeOffset Time,
    string Token,
    string Name,
    string Address,
    string Action,
    string Subject,
    int Status
);
