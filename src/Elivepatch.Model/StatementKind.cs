using System.Text.Json.Serialization;

namespace Elivepatch.Model;

/// <summary>
/// The kinds of statements. Each lifts one refusal, for the subject that a statement names; what is detectably wrong stays
/// refused regardless.
/// </summary>
public enum StatementKind
{
    /// <summary>
    /// The new initial value of existing data is left out: the running kernel's value stays (ELP0403). Names a variable that is
    /// not constant.
    /// </summary>
    [JsonStringEnumMemberName("leave-out-initialiser")]
    LeaveOutInitialiser,

    /// <summary>
    /// A change of init code or data is left out (ELP0404). Names an <c>__init</c> or
    /// <c>__exit</c> function, with all clones and parts that the compiler made of it, or an <c>__initdata</c> variable.
    /// </summary>
    [JsonStringEnumMemberName("leave-out-init")]
    LeaveOutInit,

    /// <summary>
    /// A changed licence, namespace or definition of an <c>EXPORT_SYMBOL</c>, or its removal together with what it exports, is
    /// left out: modules see the exports of the running kernel (ELP0410). Names the exported symbol.
    /// </summary>
    [JsonStringEnumMemberName("leave-out-export")]
    LeaveOutExport,

    /// <summary>
    /// Old and new code agree on objects of a type although its layout changed (ELP0409), or on a variable although its type did
    /// (ELP0436). Names a struct, union or enum as C does, a variable, or a constant of an enum without a name; a type that
    /// changes because another one inside it does is named on its own.
    /// </summary>
    [JsonStringEnumMemberName("layout-is-safe")]
    LayoutIsSafe,

    /// <summary>
    /// The value of a static local variable that the patch removes is no longer needed (ELP0406). Names it with its function.
    /// </summary>
    [JsonStringEnumMemberName("static-local-may-go")]
    StaticLocalMayGo,

    /// <summary>A function goes into the livepatch although its code does not change. Names a function by its symbol.</summary>
    [JsonStringEnumMemberName("patch-function-too")]
    PatchFunctionToo,

    /// <summary>
    /// Modules that were compiled against the old declaration of an exported function or variable work with the new one
    /// (ELP0433). Names the exported symbol.
    /// </summary>
    [JsonStringEnumMemberName("signature-is-compatible")]
    SignatureIsCompatible,
}

/// <summary>The words for the kinds in files, messages and the HTTP API.</summary>
public static class StatementKinds
{
    private static readonly (StatementKind Kind, string Word)[] words =
    [
        (StatementKind.LeaveOutInitialiser, "leave-out-initialiser"),
        (StatementKind.LeaveOutInit, "leave-out-init"),
        (StatementKind.LeaveOutExport, "leave-out-export"),
        (StatementKind.LayoutIsSafe, "layout-is-safe"),
        (StatementKind.StaticLocalMayGo, "static-local-may-go"),
        (StatementKind.PatchFunctionToo, "patch-function-too"),
        (StatementKind.SignatureIsCompatible, "signature-is-compatible"),
    ];

    /// <summary>All words.</summary>
    public static IEnumerable<string> Words => words.Select(w => w.Word);

    /// <summary>The word for a kind; null for an undefined number.</summary>
    public static string? WordOf(StatementKind kind) => words.FirstOrDefault(w => w.Kind == kind).Word;

    /// <summary>The kind that a word stands for; null for an unknown word.</summary>
    public static StatementKind? Parse(string word) =>
        Array.Find(words, w => w.Word == word) is { Word: not null } found ? found.Kind : null;
}
