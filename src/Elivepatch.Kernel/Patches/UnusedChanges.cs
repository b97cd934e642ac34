// In: a unit after the preprocessor, before and after a patch. Out: whether all that differs is never used, so that the code
// cannot differ: most units that include a changed header do not use what changed in it, and reading their text is cheaper than
// compiling.
//
// The text is cut into external declarations (C11 6.9), and those that differ have to be of three plain forms, which make no code
// and mean nothing to others but by the names that they declare: a function that is static inline, a prototype, a struct, union
// or enum that is only defined. None of these names may stand anywhere else, be it as a member's or within a string. Whatever is
// not plain (attributes of unknown effect, assembly, a declaration inside of a body that speaks of an outer name) is left to the
// compiler.

using System.Text;

namespace Elivepatch.Kernel.Patches;

/// <summary>Tells whether a patch changes only what a unit does not use.</summary>
internal static class UnusedChanges
{
    private const int LargestText = 16 << 20;
    private const int MostDeclarations = 200_000;
    private const int LongestLine = 4096;

    // Attributes of the kernel's `inline` and their like: they say how the function itself is compiled, should it be used.
    private static readonly HashSet<string> plainAttributes =
    [
        "gnu_inline",
        "unused",
        "no_instrument_function",
        "always_inline",
        "noinline",
        "cold",
        "warn_unused_result",
        "nonnull",
        "malloc",
    ];

    private static readonly HashSet<string> notInBodies =
    [
        "extern",
        "asm",
        "__asm",
        "__asm__",
        "__attribute",
        "__attribute__",
        "typedef",
        "_Static_assert",
        "__label__",
        "_Noreturn",
    ];

    // With these alone before it, the name before a parenthesis is a type's, and what stands in them is declared.
    private static readonly HashSet<string> qualifiers =
    [
        "static",
        "extern",
        "register",
        "auto",
        "inline",
        "__inline",
        "__inline__",
        "const",
        "volatile",
        "restrict",
        "__const",
        "__volatile__",
        "__restrict",
        "_Noreturn",
        "_Thread_local",
        "__thread",
        "__extension__",
        "_Atomic",
    ];

    private static readonly HashSet<string> keywords =
    [
        .. qualifiers,
        "asm",
        "__asm",
        "__asm__",
        "sizeof",
        "_Alignof",
        "__alignof__",
        "typeof",
        "__typeof__",
        "__typeof",
        "_Alignas",
        "_Generic",
        "if",
        "for",
        "while",
        "switch",
        "return",
        "do",
        "else",
        "case",
        "default",
        "goto",
        "break",
        "continue",
        "typedef",
        "signed",
        "unsigned",
        "int",
        "char",
        "short",
        "long",
        "void",
        "float",
        "double",
        "_Bool",
        "struct",
        "union",
        "enum",
        "_Static_assert",
        "__attribute__",
        "__attribute",
        "__const__",
        "__volatile",
        "__signed",
        "__signed__",
        "__int128",
        "_Complex",
        "__complex",
        "__complex__",
        "_Imaginary",
        "__auto_type",
        "__seg_gs",
        "__seg_fs",
        "__alignof",
        "__typeof_unqual__",
        "typeof_unqual",
        "__real__",
        "__imag__",
        "__label__",
        "_Fract",
        "_Accum",
        "_Decimal32",
        "_Decimal64",
        "_Decimal128",
        "_Float16",
        "_Float32",
        "_Float64",
        "_Float128",
        "__float128",
        "__builtin_va_list",
    ];

    // Functions that GCC knows (its builtins.def): it calls them where the text names others or none, and a declaration changes
    // what it knows of them.
    private static readonly HashSet<string> builtins =
    [
        "memchr",
        "memcmp",
        "memcpy",
        "memmove",
        "mempcpy",
        "memset",
        "memrchr",
        "bcmp",
        "bcopy",
        "bzero",
        "index",
        "rindex",
        "stpcpy",
        "stpncpy",
        "strcasecmp",
        "strcat",
        "strchr",
        "strchrnul",
        "strcmp",
        "strcpy",
        "strcspn",
        "strdup",
        "strlen",
        "strncasecmp",
        "strncat",
        "strncmp",
        "strncpy",
        "strndup",
        "strnlen",
        "strpbrk",
        "strrchr",
        "strspn",
        "strstr",
        "abs",
        "labs",
        "llabs",
        "imaxabs",
        "ffs",
        "ffsl",
        "ffsll",
        "popcount",
        "alloca",
        "malloc",
        "calloc",
        "realloc",
        "free",
        "aligned_alloc",
        "posix_memalign",
        "abort",
        "exit",
        "_exit",
        "_Exit",
        "printf",
        "fprintf",
        "sprintf",
        "snprintf",
        "vprintf",
        "vfprintf",
        "vsprintf",
        "vsnprintf",
        "scanf",
        "sscanf",
        "fscanf",
        "vscanf",
        "vsscanf",
        "vfscanf",
        "putchar",
        "puts",
        "putc",
        "fputs",
        "fputc",
        "fwrite",
        "printf_unlocked",
        "putchar_unlocked",
        "puts_unlocked",
        "isalnum",
        "isalpha",
        "isascii",
        "isblank",
        "iscntrl",
        "isdigit",
        "isgraph",
        "islower",
        "isprint",
        "ispunct",
        "isspace",
        "isupper",
        "isxdigit",
        "toascii",
        "tolower",
        "toupper",
        "setjmp",
        "longjmp",
        "fork",
        "execl",
        "execle",
        "execlp",
        "execv",
        "execve",
        "execvp",
        "main",
        "gettext",
        "dgettext",
        "dcgettext",
        "strfmon",
        "strftime",
    ];

    private static readonly string[] builtinPrefixes =
    [
        "__builtin",
        "__sync",
        "__atomic",
        "__stack",
        "__mem",
        "__str",
        "__stp",
        "__tsan",
        "__asan",
        "_Unwind",
    ];

    private static readonly byte[][] aliases =
    [
        [.. "alias"u8],
        [.. "symver"u8],
        [.. "ifunc"u8],
        [.. "weakref"u8],
    ];

    private static readonly HashSet<string> aggregates = ["struct", "union", "enum"];

    private static readonly HashSet<string> inlines = ["inline", "__inline", "__inline__"];

    /// <summary>True where nothing that differs is used before or after the patch.</summary>
    /// <param name="before">Output of the preprocessor without the patch.</param>
    /// <param name="after">Output of the preprocessor with the patch.</param>
    public static bool AreAll(ReadOnlySpan<byte> before, ReadOnlySpan<byte> after)
    {
        if (before.Length > LargestText || after.Length > LargestText)
        {
            return false;
        }

        // Megabytes of headers are the same before and after: only what lies between them is cut into declarations.
        var (head, tail) = EqualEnds(before, after);
        if (Declarations(before[head..^tail]) is not { } olds || Declarations(after[head..^tail]) is not { } nows)
        {
            return false;
        }

        var (old, now) = (new bool[olds.Count], new bool[nows.Count]);
        foreach (var change in LineDiff.Compare([.. olds.Select(d => d.Text)], [.. nows.Select(d => d.Text)]))
        {
            Array.Fill(old, true, change.OldStart, change.OldCount);
            Array.Fill(now, true, change.NewStart, change.NewCount);
        }

        // A name may have been used before and not be now, or the reverse: both texts are asked for the names of both.
        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (var changed in olds.Where((_, i) => old[i]).Concat(nows.Where((_, i) => now[i])))
        {
            if (NamesOf(changed.Tokens) is not { } declared || declared.Any(MayBeKnownToGcc))
            {
                return false;
            }

            names.UnionWith(declared);
        }

        return !olds.Where((_, i) => !old[i])
                .Concat(nows.Where((_, i) => !now[i]))
                .Any(d => d.Tokens.Any(t => Mentions(t, names)))
            && !MayMention(before[..head], names)
            && !MayMention(before[^tail..], names);
    }

    // How much of both texts is the same whole declarations, at their beginning and at their end; nothing where that is not
    // plain.
    private static (int Head, int Tail) EqualEnds(ReadOnlySpan<byte> before, ReadOnlySpan<byte> after)
    {
        if (MayHaveAliases(before) || MayHaveAliases(after))
        {
            return default;
        }

        var prefix = before.CommonPrefixLength(after);
        var (suffix, longest) = (0, Math.Min(before.Length, after.Length) - prefix);
        while (suffix < longest && before[^(suffix + 1)] == after[^(suffix + 1)])
        {
            suffix++;
        }

        var head = 0;
        for (var end = EndOfDeclaration(before, 0); end <= prefix; end = EndOfDeclaration(before, head))
        {
            if (end < 0)
            {
                return default;
            }

            head = end;
        }

        // The first end of a declaration from which on both texts are the same.
        var (old, now) = (head, head);
        while (before.Length - old != after.Length - now || before.Length - old > suffix)
        {
            var (oldIsBehind, nowIsBehind) = (
                before.Length - old >= after.Length - now,
                after.Length - now >= before.Length - old
            );
            if (oldIsBehind && (old = EndOfDeclaration(before, old)) < 0)
            {
                return default;
            }

            if (nowIsBehind && (now = EndOfDeclaration(after, now)) < 0)
            {
                return default;
            }
        }

        return (head, before.Length - old);
    }

    // Where the declaration that begins here ends, as Declarations() cuts them; less than 0 where it does not end or is not
    // plain.
    private static int EndOfDeclaration(ReadOnlySpan<byte> text, int start)
    {
        var (depth, last, isAssigned, isBody) = (0, (byte)0, false, false);
        for (var i = start; i < text.Length; i++)
        {
            var c = text[i];
            if (c <= (byte)' ')
            {
                continue;
            }

            if (c == (byte)'#' || (c == (byte)'%' && depth == 0) || (c == (byte)'"' && i > start && text[i - 1] == (byte)'R'))
            {
                return -1;
            }

            if (c is (byte)'"' or (byte)'\'')
            {
                i = CTokens.EndOfLiteral(text, i) - 1;
            }
            else if (c == (byte)'=')
            {
                isAssigned = true;
            }

            if (c == (byte)'{' && depth == 0)
            {
                isBody = last == (byte)')' && !isAssigned;
            }

            if (c is (byte)'(' or (byte)'[' or (byte)'{')
            {
                depth++;
            }
            else if (c is (byte)')' or (byte)']' or (byte)'}' && --depth < 0)
            {
                return -1;
            }

            if (depth == 0 && (c == (byte)';' || (c == (byte)'}' && isBody)))
            {
                return i + 1;
            }

            last = c;
        }

        return -1;
    }

    // A word of an alias, whose string names something by its characters, however they are written.
    private static bool MayHaveAliases(ReadOnlySpan<byte> text)
    {
        foreach (var word in aliases)
        {
            for (var (at, from) = (text.IndexOf(word), 0); at >= 0; at = text[from..].IndexOf(word))
            {
                var (start, end) = (from + at, from + at + word.Length);
                from = end;
                while (start > 0 && text[start - 1] == (byte)'_')
                {
                    start--;
                }

                while (end < text.Length && text[end] is (byte)'_' or <= (byte)' ')
                {
                    end++;
                }

                if ((start == 0 || !CTokens.IsOfWord(text[start - 1])) && end < text.Length && text[end] == (byte)'(')
                {
                    return true;
                }
            }
        }

        return false;
    }

    // A name as a word of its own, or anywhere behind a quotation mark in its line.
    private static bool MayMention(ReadOnlySpan<byte> text, HashSet<string> names)
    {
        foreach (var name in names)
        {
            var bytes = Encoding.Latin1.GetBytes(name);
            for (var (at, from) = (text.IndexOf(bytes), 0); at >= 0; at = text[from..].IndexOf(bytes))
            {
                var (start, end) = (from + at, from + at + bytes.Length);
                from = end;
                var isWord =
                    (start == 0 || !CTokens.IsOfWord(text[start - 1])) && (end == text.Length || !CTokens.IsOfWord(text[end]));
                var near = text[Math.Max(0, start - LongestLine)..start];
                var line = near[(near.LastIndexOf((byte)'\n') + 1)..];
                if (isWord || line.Length == LongestLine || line.Contains((byte)'"'))
                {
                    return true;
                }
            }
        }

        return false;
    }

    private static bool MayBeKnownToGcc(string name) =>
        builtins.Contains(name) || Array.Exists(builtinPrefixes, b => name.StartsWith(b, StringComparison.Ordinal));

    private static bool Mentions(string token, HashSet<string> names) =>
        names.Contains(token) || (token[0] == '"' && names.Any(n => token.Contains(n, StringComparison.Ordinal)));

    // Null where the text is not one of complete declarations.
    private static List<Declaration>? Declarations(ReadOnlySpan<byte> text)
    {
        var declarations = new List<Declaration>();
        var tokens = new List<string>();
        var spelling = new StringBuilder();
        var (depth, isBody, isAlias) = (0, false, false);
        foreach (var (token, isApart) in CTokens.Read(text))
        {
            // A directive that the preprocessor leaves to the compiler may change what all that follows means, and ends with its
            // line, wherever it stands. Brackets have other spellings, and strings in which a backslash is one.
            var isLiteral = token[0] is '"' or '\'';
            if (
                token[0] == '#'
                || (token[0] == '%' && depth == 0)
                || (isLiteral && !isApart && tokens.Count > 0 && CTokens.IsWord(tokens[^1]) && tokens[^1][^1] == 'R')
            )
            {
                return null;
            }

            if (!isApart && tokens.Count > 0 && (tokens[^1], token) is ("<", "%" or ":") or ("%", ">" or ":") or (":", ">"))
            {
                return null;
            }
            // A string in pieces, or with an octal or hexadecimal escape, may be the name of something in an alias or in
            // assembly.
            if (
                token[0] == '"'
                && depth > 0
                && isAlias
                && (token.Contains('\\', StringComparison.Ordinal) || (tokens.Count > 0 && tokens[^1][0] == '"'))
            )
            {
                return null;
            }

            isAlias = token switch
            {
                "alias" or "__alias__" or "symver" or "__symver__" or "ifunc" or "__ifunc__" or "weakref" or "__weakref__" =>
                    true,
                ";" => false,
                _ => isAlias,
            };
            if (token == "{" && depth == 0)
            {
                isBody = tokens.Count > 0 && tokens[^1] == ")" && !tokens.Contains("=");
            }

            if (isApart && tokens.Count > 0)
            {
                spelling.Append(' ');
            }

            spelling.Append(token);
            tokens.Add(token);
            depth += token switch
            {
                "(" or "[" or "{" => 1,
                ")" or "]" or "}" => -1,
                _ => 0,
            };
            if (depth < 0)
            {
                return null;
            }

            if (depth > 0 || !(token == ";" || (token == "}" && isBody)))
            {
                continue;
            }

            if (declarations.Count == MostDeclarations)
            {
                return null;
            }

            declarations.Add(new(spelling.ToString(), [.. tokens]));
            tokens.Clear();
            spelling.Clear();
            isBody = false;
        }

        return tokens.Count == 0 ? declarations : null;
    }

    // What a declaration of a plain form declares; null for any other.
    private static IReadOnlyCollection<string>? NamesOf(string[] tokens)
    {
        if (WithoutAttributes(tokens) is not { Count: > 0 } plain)
        {
            return null;
        }

        return aggregates.Contains(plain[0]) && plain.Contains("{") ? NamesOfAggregate(plain) : NameOfFunction(plain);
    }

    // struct TAG { ... } ; and nothing declared with it.
    private static IReadOnlyCollection<string>? NamesOfAggregate(List<string> plain)
    {
        if (plain is not [var kind, var tag, "{", .., "}", ";"] || !IsName(tag) || Closing(plain, 2) != plain.Count - 2)
        {
            return null;
        }

        var body = plain[3..^2];
        if (body.Exists(notInBodies.Contains))
        {
            return null;
        }
        // The constants of an enum are names of the whole unit, and so are tags inside of a struct.
        if (kind == "enum")
        {
            return body.Contains("{") ? null : [tag, .. body.Where(CTokens.IsWord)];
        }

        return
            body.Contains("enum") || body.Zip(body.Skip(1), body.Skip(2)).Any(t => aggregates.Contains(t.First) && t.Third == "{")
            ? null
            : [tag];
    }

    // TYPE NAME ( ... ) ; or static inline TYPE NAME ( ... ) { ... }
    private static IReadOnlyCollection<string>? NameOfFunction(List<string> plain)
    {
        var open = plain.IndexOf("(");
        if (open < 2 || !IsName(plain[open - 1]) || aggregates.Contains(plain[open - 2]) || !CTokens.IsWord(plain[0]))
        {
            return null;
        }

        var specifiers = plain[..(open - 1)];
        if (
            !specifiers.Exists(t => t != "*" && !qualifiers.Contains(t))
            || specifiers.Exists(t => t != "*" && !CTokens.IsWord(t))
            || specifiers.Exists(t => notInBodies.Contains(t) && t != "extern")
        )
        {
            return null;
        }

        var close = Closing(plain, open);
        var rest = plain[(close + 1)..];
        if (plain[open..close].Contains("{"))
        {
            return null;
        }

        if (rest is [";"])
        {
            return [plain[open - 1]];
        }

        var isInline = specifiers.Contains("static") && specifiers.Exists(inlines.Contains);
        return isInline && rest is ["{", ..] && !rest.Exists(notInBodies.Contains) ? [plain[open - 1]] : null;
    }

    private static bool IsName(string token) => CTokens.IsWord(token) && !keywords.Contains(token);

    private static int Closing(IReadOnlyList<string> tokens, int open)
    {
        var depth = 0;
        for (var i = open; i < tokens.Count; i++)
        {
            depth += tokens[i] switch
            {
                "(" or "{" => 1,
                ")" or "}" => -1,
                _ => 0,
            };
            if (depth == 0)
            {
                return i;
            }
        }

        return tokens.Count - 1;
    }

    // The tokens without plain attributes in front of a static function's name; others stay, and are no plain form.
    private static List<string> WithoutAttributes(string[] tokens)
    {
        var plain = new List<string>();
        for (var i = 0; i < tokens.Length; i++)
        {
            if (
                tokens[i] == "__attribute__"
                && tokens[0] == "static"
                && tokens.AsSpan(i) is ["__attribute__", "(", "(", var name, ")", ")", ..]
                && plainAttributes.Contains(name.Trim('_'))
                && !plain.Contains("{")
            )
            {
                i += 5;
            }
            else
            {
                plain.Add(tokens[i]);
            }
        }

        return plain;
    }

    // The spelling as the compiler reads it: white space between tokens is one blank, and none is none.
    private sealed record Declaration(string Text, string[] Tokens);
}
