using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace Elivepatch.Model.Statements;

/// <summary>
/// What a statement may contain, whatever its origin. Statements are printed, signed and shown, so their text must not be
/// mistakable for anything else.
/// </summary>
public static partial class StatementRules
{
    /// <summary>The maximum number of statements of one build.</summary>
    public const int MostStatements = 256;

    /// <summary>The maximum length of a reason, in UTF-16 code units.</summary>
    public const int LongestReason = 1000;

    private const int LongestUnit = 255;

    /// <summary>What is wrong with a list; null if nothing is.</summary>
    public static string? Check(IReadOnlyList<AuthorStatement> statements)
    {
        if (statements.Count > MostStatements)
        {
            return $"there are {statements.Count} statements; at most {MostStatements} are taken";
        }

        for (var i = 0; i < statements.Count; i++)
        {
            if (statements[i] is not { } statement)
            {
                return $"statement {i + 1} is missing";
            }

            if (Check(statement) is { } wrong)
            {
                return $"statement {i + 1}: {wrong}";
            }
        }

        return statements.GroupBy(s => s.Target).FirstOrDefault(g => g.Count() > 1) is { Key: var twice }
            ? $"{twice} is stated twice"
            : null;
    }

    /// <summary>What is wrong with one statement; null if nothing is.</summary>
    public static string? Check(AuthorStatement statement)
    {
        if (Check(statement.Target) is { } wrong)
        {
            return wrong;
        }

        var word = StatementKinds.WordOf(statement.Kind);
        if (string.IsNullOrWhiteSpace(statement.Reason))
        {
            return $"{word}: {statement.Name} has no reason";
        }

        if (statement.Reason.Length > LongestReason)
        {
            return $"the reason of {word}: {statement.Name} has {statement.Reason.Length} characters; at most {LongestReason} are taken";
        }

        return IsPlainLine(statement.Reason) ? null : $"the reason of {word}: {statement.Name} is not one line of printable text";
    }

    /// <summary>What is wrong with the subject of a statement; null if nothing is.</summary>
    public static string? Check(StatementTarget statement)
    {
        if (StatementKinds.WordOf(statement.Kind) is not { } word)
        {
            return "its kind is not valid";
        }

        if (statement is not { Unit: not null, Name: not null })
        {
            return $"{word} without name or unit";
        }

        if (
            statement.Unit.Length > LongestUnit
            || !Unit().IsMatch(statement.Unit)
            || statement.Unit.Split('/').Any(p => p is "" or "." or "..")
        )
        {
            return "unit is not the path of a .c file in the kernel's source, such as fs/eventfd.c";
        }

        return statement.Name.Length <= KernelLimits.SymbolName && FormOf(statement.Kind).IsMatch(statement.Name)
            ? null
            : $"{word} does not name {ThingOf(statement.Kind)}";
    }

    private static Regex FormOf(StatementKind kind) =>
        kind switch
        {
            StatementKind.LayoutIsSafe => TypeOrVariable(),
            StatementKind.StaticLocalMayGo => StaticLocal(),
            StatementKind.LeaveOutInitialiser => Variable(),
            _ => Symbol(),
        };

    private static string ThingOf(StatementKind kind) =>
        kind switch
        {
            StatementKind.LayoutIsSafe => "a type, such as struct eventfd_ctx, a constant of an enum, or a variable",
            StatementKind.StaticLocalMayGo => "a static local variable with its function, such as function::variable",
            StatementKind.LeaveOutInitialiser => "a variable",
            StatementKind.LeaveOutInit or StatementKind.PatchFunctionToo => "a function",
            _ => "an exported symbol",
        };

    // No control character moves the cursor, no format character turns the direction of text around, and nothing ends the line.
    private static bool IsPlainLine(string text)
    {
        foreach (var rune in text.EnumerateRunes())
        {
            if (
                rune == Rune.ReplacementChar
                || Rune.GetUnicodeCategory(rune)
                    is UnicodeCategory.Control
                        or UnicodeCategory.Format
                        or UnicodeCategory.LineSeparator
                        or UnicodeCategory.ParagraphSeparator
                        or UnicodeCategory.PrivateUse
                        or UnicodeCategory.OtherNotAssigned
                        or UnicodeCategory.Surrogate
            )
            {
                return false;
            }
        }

        return true;
    }

    [GeneratedRegex(@"\A[A-Za-z0-9_][A-Za-z0-9_.,+/-]*\.c\z")]
    private static partial Regex Unit();

    // GCC's suffixes have dots.
    [GeneratedRegex(@"\A[A-Za-z_$][A-Za-z0-9_$.]*\z")]
    private static partial Regex Symbol();

    // "function::variable" is a static local, as GDB writes it.
    [GeneratedRegex(@"\A(?:[A-Za-z_$][A-Za-z0-9_$.]*::)?[A-Za-z_$][A-Za-z0-9_$]*\z")]
    private static partial Regex Variable();

    [GeneratedRegex(@"\A[A-Za-z_$][A-Za-z0-9_$.]*::[A-Za-z_$][A-Za-z0-9_$]*\z")]
    private static partial Regex StaticLocal();

    // C keeps the names of typedefs, variables and constants of enums apart in one unit.
    [GeneratedRegex(
        @"\A(?:(?:struct|union|enum) |[A-Za-z_$][A-Za-z0-9_$.]*::)?(?!(?:struct|union|enum)\z)[A-Za-z_$][A-Za-z0-9_$]*\z"
    )]
    private static partial Regex TypeOrVariable();
}
