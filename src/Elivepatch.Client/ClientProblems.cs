using Elivepatch.Model;
using Elivepatch.Terminal;

namespace Elivepatch.Client;

/// <summary>What keeps the command from handing a verb over.</summary>
public static class ClientProblems
{
    /// <summary>ELP0955.</summary>
    public static readonly ProblemCode AuthorProgramMissing = new(
        955,
        ProblemKind.Environment,
        $"{AuthorVerbs.Program}, which runs this verb, is not installed",
        $"in a checkout run `./elivepatch`, which has all verbs, or make the program in the last folder that the reason names: dotnet publish src/Elivepatch.Author -c Release --self-contained -o FOLDER"
    );
}
