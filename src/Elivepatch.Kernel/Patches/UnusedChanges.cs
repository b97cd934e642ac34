// In: a unit after the preprocessor, before and after a patch. Out: whether all that differs is never used, so that the code cannot
// differ: most units that include a changed header do not use what changed in it, and reading their text is cheaper than compiling.
//
// The text is a list of external declarations (C11 6.9). Those of three forms make no code by themselves: a function that is
// static inline, a prototype, a struct, union or enum that is only defined. They are vertices; what mentions a name that one of them
// declares has an edge to it. All other declarations are roots, whatever they are. What no root reaches is not used. Every doubt
// makes a root, and every occurrence of a name, be it a member's or in a string, counts as a mention: then the compiler decides.

using System.Text;

namespace Elivepatch.Kernel.Patches;

/// <summary>Tells whether a patch changes only what a unit does not use.</summary>
internal static class UnusedChanges
{
    // What makes a function that nobody refers to part of the object.
    private static readonly HashSet<string> keepers =
        ["used", "__used__", "retain", "__retain__", "constructor", "__constructor__", "destructor", "__destructor__", "alias", "__alias__", "ifunc"];

    private static readonly HashSet<string> aggregates = ["struct", "union", "enum"];

    /// <summary>True where nothing that differs is used before or after the patch.</summary>
    /// <param name="before">Output of the preprocessor without the patch.</param>
    /// <param name="after">Output of the preprocessor with the patch.</param>
    public static bool AreAll(ReadOnlySpan<byte> before, ReadOnlySpan<byte> after)
    {
        if (Declarations(before) is not { } olds || Declarations(after) is not { } nows)
            return false;
        var changes = LineDiff.Compare([.. olds.Select(d => d.Text)], [.. nows.Select(d => d.Text)]);
        var (removed, added) = (new HashSet<Declaration>(), new HashSet<Declaration>());
        foreach (var change in changes)
        {
            removed.UnionWith(olds.Skip(change.OldStart).Take(change.OldCount));
            added.UnionWith(nows.Skip(change.NewStart).Take(change.NewCount));
        }

        return !Reached(olds).Overlaps(removed) && !Reached(nows).Overlaps(added);
    }

    private static HashSet<Declaration> Reached(IReadOnlyList<Declaration> declarations)
    {
        var byName = declarations.SelectMany(d => d.Names.Select(n => (Name: n, Declaration: d))).ToLookup(d => d.Name, d => d.Declaration);
        var reached = declarations.Where(d => d.Names.Count == 0).ToHashSet();
        var queue = new Queue<Declaration>(reached);
        var seen = new HashSet<string>(StringComparer.Ordinal);
        while (queue.TryDequeue(out var declaration))
        {
            foreach (var word in declaration.Words.Where(seen.Add))
            {
                foreach (var used in byName[word].Where(reached.Add))
                    queue.Enqueue(used);
            }
        }

        return reached;
    }

    // Null where the text is not one of complete declarations.
    private static List<Declaration>? Declarations(ReadOnlySpan<byte> text)
    {
        var declarations = new List<Declaration>();
        var tokens = new List<string>();
        var (depth, isBody) = (0, false);
        foreach (var token in CTokens.Read(text))
        {
            // A directive that the preprocessor leaves to the compiler may change what all that follows means.
            if (token[0] == '#')
                return null;
            if (token == "{" && depth == 0)
                isBody = tokens.Count > 0 && tokens[^1] == ")";
            tokens.Add(token);
            depth += token switch { "(" or "[" or "{" => 1, ")" or "]" or "}" => -1, _ => 0 };
            if (depth < 0)
                return null;
            if (depth > 0 || !(token == ";" || (token == "}" && isBody)))
                continue;
            declarations.Add(Declaration.Of([.. tokens]));
            tokens.Clear();
            isBody = false;
        }

        return tokens.Count == 0 ? declarations : null;
    }

    // Compared by identity: equal texts may stand in two places.
    private sealed class Declaration(string text, IReadOnlyCollection<string> words, IReadOnlyCollection<string> names)
    {
        public string Text => text;

        public IReadOnlyCollection<string> Words => words;

        // What it declares; empty for a root.
        public IReadOnlyCollection<string> Names => names;

        public static Declaration Of(string[] tokens) => new(
            string.Join(' ', tokens), tokens.SelectMany(WordsOf).ToHashSet(StringComparer.Ordinal),
            NamesOf(tokens));

        private static IEnumerable<string> WordsOf(string token) =>
            CTokens.IsWord(token) ? [token] : token[0] == '"' ? CTokens.Read(Encoding.Latin1.GetBytes(token[1..^1].Replace('"', ' '))).Where(CTokens.IsWord) : [];

        private static IReadOnlyCollection<string> NamesOf(string[] tokens)
        {
            var plain = WithoutAttributes(tokens, out var isKept);
            if (isKept || plain.Count == 0 || plain[0] is "typedef" or "_Static_assert" or "__asm__" or "asm")
                return [];
            return aggregates.Contains(plain[0]) && plain.Contains("{") ? NamesOfAggregate(plain) : NameOfFunction(plain);
        }

        // struct TAG { ... } ; and nothing declared with it.
        private static IReadOnlyCollection<string> NamesOfAggregate(List<string> plain)
        {
            if (plain is not [var kind, var tag, "{", .., "}", ";"] || !CTokens.IsWord(tag) || Closing(plain, 2) != plain.Count - 2)
                return [];
            var body = plain[3..^2];
            // An enum inside of a struct declares its constants everywhere, a struct its tag.
            if (kind == "enum")
                return [tag, .. body.Where(CTokens.IsWord)];
            return body.Contains("enum") || body.Zip(body.Skip(1), body.Skip(2)).Any(t => aggregates.Contains(t.First) && t.Third == "{") ? [] : [tag];
        }

        // TYPE NAME ( ... ) ; or static inline TYPE NAME ( ... ) { ... }
        private static IReadOnlyCollection<string> NameOfFunction(List<string> plain)
        {
            var open = plain.IndexOf("(");
            if (open < 2 || !CTokens.IsWord(plain[open - 1]) || plain.Take(open).Any(t => t is "=" or "{" or "[" or ","))
                return [];
            var close = Closing(plain, open);
            var rest = plain.Skip(close + 1).ToList();
            var isPrototype = rest is [";"];
            var isInline = rest is ["{", ..] && plain.Take(open).Contains("static")
                && plain.Take(open).Any(t => t is "inline" or "__inline" or "__inline__");
            return isPrototype || isInline ? [plain[open - 1]] : [];
        }

        private static int Closing(IReadOnlyList<string> tokens, int open)
        {
            var depth = 0;
            for (var i = open; i < tokens.Count; i++)
            {
                depth += tokens[i] switch { "(" or "{" => 1, ")" or "}" => -1, _ => 0 };
                if (depth == 0)
                    return i;
            }

            return tokens.Count - 1;
        }

        // What stands in attributes still counts as mentioned.
        private static List<string> WithoutAttributes(string[] tokens, out bool isKept)
        {
            isKept = false;
            var plain = new List<string>();
            for (var i = 0; i < tokens.Length; i++)
            {
                if (tokens[i] is "__attribute__" or "__attribute" && i + 1 < tokens.Length && tokens[i + 1] == "(")
                {
                    var end = Closing(tokens, i + 1);
                    isKept |= tokens[i..end].Any(keepers.Contains);
                    i = end;
                }
                else if (tokens[i] != "__extension__")
                    plain.Add(tokens[i]);
            }

            return plain;
        }
    }
}
