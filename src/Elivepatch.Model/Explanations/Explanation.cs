using Elivepatch.Model.Statements;

namespace Elivepatch.Model.Explanations;

/// <summary>Why a function is in a livepatch.</summary>
public enum FunctionReason
{
    /// <summary>The patch edits it.</summary>
    Edited,

    /// <summary>The compiler inlined an edited function into it.</summary>
    InlinesEdited,

    /// <summary>It is compiled differently because of the patch, without being edited itself: a callee or a constant changed.</summary>
    CompiledDifferently,

    /// <summary>The running kernel does not have it.</summary>
    New,

    /// <summary>The rarely executed part of a function in the livepatch.</summary>
    ColdPart,

    /// <summary>It calls a function that changed and cannot be diverted itself.</summary>
    Caller,

    /// <summary>Unchanged; somebody asked for it.</summary>
    Requested,
}

/// <summary>What of a module an address leads to.</summary>
public enum AddressKind
{
    /// <summary>A string literal.</summary>
    Literal,

    /// <summary>Other constant data.</summary>
    Constant,

    /// <summary>Data that can be written.</summary>
    Data,

    /// <summary>A function.</summary>
    Function,
}

/// <summary>How an address gets out of a module's hands.</summary>
public enum EscapeWay
{
    /// <summary>An instruction writes it to memory that is neither the module's own nor the function's stack frame.</summary>
    Stored,

    /// <summary>It is passed to a function of the kernel, which may keep it.</summary>
    Passed,

    /// <summary>A patched function returns it to its caller in the kernel, which may keep it.</summary>
    Returned,

    /// <summary>
    /// A patched function ends in a jump to a new one: the stack check of a transition knows the patched functions alone, so a
    /// task that sleeps in the new one does not keep its code from being freed.
    /// </summary>
    TailCalled,

    /// <summary>
    /// A patched function goes on in a cold part with a symbol of its own, which the same check takes for another function.
    /// </summary>
    ColdPart,

    /// <summary>Where it goes cannot be followed.</summary>
    NotFollowed,
}

/// <summary>One function of a livepatch with the reason for it.</summary>
/// <param name="Unit">Source file.</param>
/// <param name="Name">Symbol name.</param>
/// <param name="Reason">Why it is in.</param>
/// <param name="Because">The edited functions it inlines, the function that it calls, or the parent of a cold part; empty otherwise.</param>
/// <param name="Replaces">The symbol of the running kernel that is diverted to it; null where none is.</param>
/// <param name="Sympos">Which of several symbols of that name: 0 the only one, else 1-based.</param>
/// <param name="Difference">The first difference from the running function; null for new ones.</param>
public sealed record ExplainedFunction(
    string Unit, string Name, FunctionReason Reason, IReadOnlyList<string> Because, string? Replaces, int? Sympos, string? Difference);

/// <summary>Data that a livepatch brings.</summary>
/// <param name="Unit">Source file.</param>
/// <param name="Name">Symbol name.</param>
/// <param name="Size">Size in bytes.</param>
/// <param name="IsCopy">True for a fresh copy of something throw-away or of the labels of a function, false for new data.</param>
public sealed record ExplainedData(string Unit, string Name, ulong Size, bool IsCopy);

/// <summary>One symbol of the running kernel that a livepatch refers to.</summary>
/// <param name="Name">Symbol name.</param>
/// <param name="IsExported">True for an export of vmlinux, checked by CRC where the kernel has CRCs.</param>
/// <param name="Crc">The CRC of the export.</param>
/// <param name="Sympos">For a livepatch symbol, which of several of that name.</param>
public sealed record ExplainedReference(string Name, bool IsExported, uint? Crc, int? Sympos)
{
    /// <summary>What has it: <c>vmlinux</c> or a module; null in what older versions wrote.</summary>
    public string? Object { get; init; }
}

/// <summary>
/// An address of the livepatch that the kernel may hold after it was disabled or replaced. With any, the module keeps a reference to itself:
/// it can be disabled and replaced, and stays in memory until the machine restarts.
/// </summary>
/// <param name="Unit">Source file; null where that is not known.</param>
/// <param name="Function">The function whose code lets the address go; empty where it is about the whole module.</param>
/// <param name="Address">What it leads to: a symbol, or a literal in quotes.</param>
/// <param name="Kind">What that is.</param>
/// <param name="Way">How it gets out.</param>
/// <param name="To">The function that it is passed to; null where there is none.</param>
/// <param name="Event">What happens there, in words, without the function.</param>
public sealed record ExplainedEscape(
    string? Unit, string Function, string Address, AddressKind Kind, EscapeWay Way, string? To, string Event);

/// <summary>How well one unit is proven to be the code that runs.</summary>
/// <param name="Unit">Source file.</param>
/// <param name="Proof"><c>bytes</c> or <c>layout</c>.</param>
/// <param name="Symbols">Number of symbols placed.</param>
public sealed record ExplainedUnit(string Unit, string Proof, int Symbols)
{
    /// <summary>What it is linked into, and its functions with it: <c>vmlinux</c> or a module; null in what older versions wrote.</summary>
    public string? Object { get; init; }
}

/// <summary>What is in a livepatch and why. This is data first; text is made of it.</summary>
/// <param name="Name">Module name.</param>
/// <param name="Release">Kernel release, as <c>uname -r</c> gives it.</param>
/// <param name="BuildId">Build-id of the running kernel, hexadecimal.</param>
/// <param name="Replace">True where it replaces all other livepatches atomically.</param>
/// <param name="Units">Translation units with their proof.</param>
/// <param name="Functions">Functions with their reasons.</param>
/// <param name="Data">Data it brings, strings aside.</param>
/// <param name="References">What it refers to in the running kernel.</param>
public sealed record Explanation(
    string Name, string Release, string BuildId, bool Replace,
    IReadOnlyList<ExplainedUnit> Units, IReadOnlyList<ExplainedFunction> Functions,
    IReadOnlyList<ExplainedData> Data, IReadOnlyList<ExplainedReference> References)
{
    /// <summary>What the author stated and the livepatch rests on, in order of the units.</summary>
    public IReadOnlyList<AuthorStatement> Statements { get => field ?? []; init; } = [];

    /// <summary>What of the patches has no effect in a livepatch and is not in it, by unit and in words.</summary>
    public IReadOnlyList<string> LeftOut { get => field ?? []; init; } = [];

    /// <summary>Why the module stays in memory after it was disabled; empty where it can be unloaded, and in what older versions wrote.</summary>
    public IReadOnlyList<ExplainedEscape> KeptInMemory { get => field ?? []; init; }

    /// <summary>Files that the patches change and that no code of this kernel comes from, or none that differs; in order of path.</summary>
    public IReadOnlyList<string> FilesWithoutCode { get => field ?? []; init; }
}
