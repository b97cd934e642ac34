using Elivepatch.Protocol.Api;

namespace Elivepatch.Server.State;

/// <summary>A machine as it last said it is.</summary>
/// <param name="Id">Made of the token and the machine's name: no token speaks of another's machine.</param>
/// <param name="Token">The token that it reports with.</param>
/// <param name="Reporter">The name of that token.</param>
/// <param name="Report">What it said.</param>
/// <param name="FirstSeen">When it first reported.</param>
/// <param name="LastSeen">When it last reported.</param>
public sealed record StoredMachine(
    string Id,
    string Token,
    string Reporter,
    MachineReport Report,
    DateTimeOffset FirstSeen,
    DateTimeOffset LastSeen
);
