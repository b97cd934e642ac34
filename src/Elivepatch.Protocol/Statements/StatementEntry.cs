using Elivepatch.Model;
using Elivepatch.Model.Statements;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace Elivepatch.Protocol.Statements;

/// <summary>Reads one entry of a statements file: the mapping behind its beginning.</summary>
internal static class StatementEntry
{
    private const string Unit = "unit";
    private const string Reason = "reason";

    public static AuthorStatement Read(Parser parser, MappingStart start)
    {
        (StatementKind Kind, string Name)? about = null;
        string? unit = null,
            reason = null;
        while (StatementsFile.TryRead<MappingEnd>(parser) is null)
        {
            var key = TakeScalar(parser, "a key");
            var value = Text(TakeScalar(parser, $"a text behind {Shown(key.Value)}"));
            if (key.Value == Unit)
            {
                Set(ref unit, key, value);
            }
            else if (key.Value == Reason)
            {
                Set(ref reason, key, value);
            }
            else if (StatementKinds.Parse(key.Value) is not { } kind)
            {
                throw StatementsFile.Malformed(
                    key,
                    $"{Shown(key.Value)} is not one of {string.Join(", ", StatementKinds.Words)}, {Unit}, {Reason}"
                );
            }
            else if (about is { } other)
            {
                throw StatementsFile.Malformed(
                    key,
                    $"the entry states {StatementKinds.WordOf(other.Kind)} already: each entry states one thing"
                );
            }
            else
            {
                about = (kind, value);
            }
        }

        if (about is not { } stated)
        {
            throw StatementsFile.Malformed(
                start,
                $"the entry states nothing: it needs one of {string.Join(", ", StatementKinds.Words)}"
            );
        }

        var statement = new AuthorStatement(
            stated.Kind,
            unit ?? throw StatementsFile.Malformed(start, "the entry has no unit"),
            stated.Name,
            reason ?? throw StatementsFile.Malformed(start, "the entry has no reason")
        );
        return StatementRules.Check(statement) is { } wrong ? throw StatementsFile.Malformed(start, wrong) : statement;
    }

    private static void Set(ref string? field, Scalar key, string value) =>
        field = field is null ? value : throw StatementsFile.Malformed(key, $"{key.Value} is given twice");

    private static Scalar TakeScalar(Parser parser, string expected)
    {
        var scalar = StatementsFile.Expect<Scalar>(parser, expected);
        StatementsFile.RefuseDecoration(scalar);
        return scalar;
    }

    // An empty value and YAML's words for null are no text. A block ends with a line break that is not part of it.
    private static string Text(Scalar scalar) =>
        scalar.Style == ScalarStyle.Plain && scalar.Value is "~" or "null" or "Null" or "NULL" ? "" : scalar.Value.TrimEnd('\n');

    // What somebody else wrote, in a message: short and plain.
    private static string Shown(string text) =>
        text.Length is > 0 and <= 60 && text.All(c => c is > ' ' and < (char)0x7f) ? $"`{text}`" : "this";
}
