using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Elivepatch.Model;
using Elivepatch.Protocol;
using Elivepatch.Protocol.Api;
using Elivepatch.Terminal;

namespace Elivepatch.Server.Commands;

/// <summary>Ends a verb: writes its result or its problems, and gives the exit status.</summary>
internal static class Answer
{
    /// <summary>Writes problems: to stderr as text, or to stdout as a JSON array.</summary>
    public static int Fail(Session session, IReadOnlyList<Problem> problems, bool asJson = false)
    {
        if (asJson)
        {
            WriteJson(session, ProblemReport.Of(problems), ProtocolJson.Default.IReadOnlyListProblemReport);
        }
        else
        {
            ProblemText.Write(session.Error, problems);
        }

        return ExitStatus.Of(problems);
    }

    /// <summary>Writes a value to stdout as JSON.</summary>
    public static void WriteJson<T>(Session session, T value, JsonTypeInfo<T> type) =>
        session.Output.WriteLine(JsonSerializer.Serialize(value, type));
}
