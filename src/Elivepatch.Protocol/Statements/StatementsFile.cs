// In: a file that an author wrote, or somebody else. Out: the statements in it, or the first place where it is not what it should
// be. The form is a list; each entry has one of the kinds as a key, with what it is about as its value, and beside it unit and
// reason:
//
//     - layout-is-safe: struct eventfd_ctx
//       unit: fs/eventfd.c
//       reason: the new member lies in padding, and is read only after it was written
//
// It is read event by event, without reflection and without building anything: aliases, anchors, tags and further documents are
// not wanted, and what is not wanted is refused where it appears.

using System.Text;
using Elivepatch.Model;
using Elivepatch.Model.Files;
using Elivepatch.Model.Statements;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace Elivepatch.Protocol.Statements;

/// <summary>Reads statements files (YAML).</summary>
public static class StatementsFile
{
    /// <summary>The largest file, in bytes.</summary>
    public const int LargestFile = 64 << 10;

    private static readonly UTF8Encoding strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>Reads the file at a path; there are no statements where there is no path.</summary>
    public static Outcome<AuthorStatements> Read(string? path) =>
        path is null ? AuthorStatements.None : InputFile.Read(path).Then(content => Parse(content, Path.GetFileName(path)));

    /// <summary>Reads a file.</summary>
    /// <param name="content">Its bytes.</param>
    /// <param name="name">Its name, for messages.</param>
    public static Outcome<AuthorStatements> Parse(ReadOnlySpan<byte> content, string name)
    {
        if (content.Length > LargestFile)
        {
            return Unreadable($"{name} has {content.Length} bytes; a statements file has at most {LargestFile}");
        }

        try
        {
            using var text = new StringReader(strict.GetString(content));
            var entries = Read(new Parser(text));
            var outcome = AuthorStatements.Of(entries);
            return outcome.Succeeded ? outcome : Unreadable($"{name}: {outcome.Problems[0].Reason}");
        }
        catch (DecoderFallbackException)
        {
            return Unreadable($"{name} is not UTF-8");
        }
        catch (YamlException e)
        {
            return Unreadable($"{name}:{e.Start.Line}:{e.Start.Column}: {e.Message}");
        }
    }

    private static List<AuthorStatement> Read(Parser parser)
    {
        Expect<StreamStart>(parser, "a file");
        var document = Expect<DocumentStart>(parser, "a list of statements (`[]` for none)");
        if (document.Version is not null || document.Tags?.Any(t => t.Handle is not ("!" or "!!")) == true)
        {
            throw Malformed(document, "directives are not taken");
        }

        var list = Expect<SequenceStart>(parser, "a list of statements");
        RefuseDecoration(list);
        var statements = new List<AuthorStatement>();
        var known = new HashSet<StatementTarget>();
        while (TryRead<SequenceEnd>(parser) is null)
        {
            var start = Expect<MappingStart>(parser, "a statement: `KIND: NAME`, `unit:` and `reason:`");
            RefuseDecoration(start);
            var statement = StatementEntry.Read(parser, start);
            if (statements.Count == StatementRules.MostStatements)
            {
                throw Malformed(start, $"at most {StatementRules.MostStatements} statements are taken");
            }

            if (!known.Add(statement.Target))
            {
                throw Malformed(start, $"{statement.Target} is stated twice");
            }

            statements.Add(statement);
        }

        Expect<DocumentEnd>(parser, "the end of the file");
        Expect<StreamEnd>(parser, "the end of the file: one document is taken");
        return statements;
    }

    /// <summary>The next event, which has to be of one type.</summary>
    internal static T Expect<T>(Parser parser, string expected)
        where T : ParsingEvent => TryRead<T>(parser) ?? throw Malformed(parser.Current, $"expected {expected}");

    /// <summary>The next event if it is of a type, else null; then it stays the next.</summary>
    internal static T? TryRead<T>(Parser parser)
        where T : ParsingEvent
    {
        var last = parser.Current;
        try
        {
            return parser.TryConsume<T>(out var found) ? found : null;
        }
        catch (Exception e)
            when (e is InvalidOperationException or ArgumentException or IndexOutOfRangeException or EndOfStreamException)
        {
            // The reader answers some malformed input in this way, a NUL in the middle of a word for one.
            throw Malformed(last, "after this it is not YAML");
        }
    }

    /// <summary>
    /// Aliases would be followed and tags believed by readers that do more than this one; nobody needs either here.
    /// </summary>
    internal static void RefuseDecoration(NodeEvent node)
    {
        if (!node.Anchor.IsEmpty)
        {
            throw Malformed(node, "anchors are not taken");
        }

        if (!node.Tag.IsEmpty)
        {
            throw Malformed(node, "tags are not taken");
        }
    }

    /// <summary>What is wrong at an event.</summary>
    internal static YamlException Malformed(ParsingEvent? at, string what) =>
        at is null ? new(what) : new(at.Start, at.End, what);

    private static Problem Unreadable(string reason) => new(StatementProblems.StatementsUnreadable, reason);
}
