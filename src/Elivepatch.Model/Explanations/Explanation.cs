using Elivepatch.Model.Statements;

namespace Elivepatch.Model.Explanations;

/// <summary>Why a function is in a livepatch.</summary>
public enum FunctionReason
{
    /// <summary>The patch edits it.</summary>
    Edited,

    /// <summary>The compiler inlined an edited function into it.</summary>
    InlinesEdited,

    /// <summary>The patch changes how it is compiled, without editing it: a callee or a constant changed.</summary>
    CompiledDifferently,

    /// <summary>The running kernel does not have it.</summary>
    New,

    /// <summary>The rarely executed part of a function in the livepatch.</summary>
    ColdPart,

    /// <summary>It calls a function that changed and cannot be diverted itself.</summary>
    Caller,

    /// <summary>Unchanged, but requested by the author.</summary>
    Requested,
}

/// <summary>The kind of object in a module that an address refers to.</summary>
public enum AddressKind
{
    /// <summary>A string literal.</summary>
    Literal,

    /// <summary>Other constant data.</summary>
    Constant,

    /// <summary>Writable data.</summary>
    Data,

    /// <summary>A function.</summary>
    Function,
}

/// <summary>The way in which an address escapes from a module.</summary>
public enum EscapeWay
{
    /// <summary>An instruction writes it to memory that is neither the module's own nor the function's stack frame.</summary>
    Stored,

    /// <summary>It is passed to a function of the kernel, which may keep it.</summary>
    Passed,

    /// <summary>A patched function returns it to its caller in the kernel, which may keep it.</summary>
    Returned,

    /// <summary>
    /// A patched function ends in a jump to a new one: the stack check of a transition only knows the patched functions, so a
    /// task that sleeps in the new one does not keep its code from being freed.
    /// </summary>
    TailCalled,

    /// <summary>
    /// A patched function continues in a cold part with its own symbol, which the same check takes for another function.
    /// </summary>
    ColdPart,

    /// <summary>Its destination cannot be followed.</summary>
    NotFollowed,
}

/// <summary>One function of a livepatch with the reason for it.</summary>
/// <param name="Unit">Source file.</param>
/// <param name="Name">Symbol name.</param>
/// <param name="Reason">Why it is included.</param>
/// <param name="Because">The edited functions it inlines, the function that it calls, or the parent of a cold part; empty
/// otherwise.</param>
/// <param name="Replaces">The symbol of the running kernel that is diverted to it; null if there is none.</param>
/// <param name="Sympos">Which of several symbols of that name: 0 for a unique name, else 1-based.</param>
/// <param name="Difference">The first difference from the running function; null for new ones.</param>
public sealed record ExplainedFunction(
    string Unit,
    string Name,
    FunctionReason Reason,
    IReadOnlyList<string> Because,
    string? Replaces,
    int? Sympos,
    string? Difference
);

/// <summary>Data that a livepatch contains.</summary>
/// <param name="Unit">Source file.</param>
/// <param name="Name">Symbol name.</param>
/// <param name="Size">Size in bytes.</param>
/// <param name="IsCopy">True for a copy of throw-away data or of the labels of a function, false for new data.</param>
public sealed record ExplainedData(string Unit, string Name, ulong Size, bool IsCopy);

/// <summary>One symbol of the running kernel that a livepatch refers to.</summary>
/// <param name="Name">Symbol name.</param>
/// <param name="IsExported">True for an export of vmlinux, checked by CRC if the kernel has CRCs.</param>
/// <param name="Crc">The CRC of the export.</param>
/// <param name="Sympos">For a livepatch symbol, which of several of that name.</param>
public sealed record ExplainedReference(string Name, bool IsExported, uint? Crc, int? Sympos)
{
    /// <summary>The object that has it: <c>vmlinux</c> or a module; null if written by an older version.</summary>
    public string? Object { get; init; }
}

/// <summary>
/// An address of the livepatch that the kernel may hold after it was disabled or replaced. If there is one, the module holds a
/// reference to itself: it can be disabled and replaced, and stays in memory until the machine restarts.
/// </summary>
/// <param name="Unit">Source file; null if unknown.</param>
/// <param name="Function">The function whose code lets the address escape; empty if it concerns the whole module.</param>
/// <param name="Address">What it refers to: a symbol, or a literal in quotes.</param>
/// <param name="Kind">The kind of that object.</param>
/// <param name="Way">How it escapes.</param>
/// <param name="To">The function that it is passed to; null if there is none.</param>
/// <param name="Event">Description of what happens there, without the name of the function.</param>
public sealed record ExplainedEscape(
    string? Unit,
    string Function,
    string Address,
    AddressKind Kind,
    EscapeWay Way,
    string? To,
    string Event
);

/// <summary>The level at which one unit was verified to be the code that runs.</summary>
/// <param name="Unit">Source file.</param>
/// <param name="Proof"><c>bytes</c> or <c>layout</c>.</param>
/// <param name="Symbols">Number of symbols placed.</param>
public sealed record ExplainedUnit(string Unit, string Proof, int Symbols)
{
    /// <summary>
    /// The object into which it and its functions are linked: <c>vmlinux</c> or a module; null if written by an older version.
    /// </summary>
    public string? Object { get; init; }
}

/// <summary>An object of the kernel that a livepatch patches.</summary>
/// <param name="Name"><c>vmlinux</c> or a module.</param>
/// <param name="BuildId">The build-id of the module's file, hexadecimal; null for vmlinux, and if the file has none.</param>
/// <param name="Functions">Number of its functions that are diverted.</param>
/// <param name="StaysLoaded">
/// True if the module cannot be unloaded while the livepatch is live: kernels before 6.3 could not load it a second time.
/// </param>
public sealed record ExplainedObject(string Name, string? BuildId, int Functions, bool StaysLoaded)
{
    /// <summary>The name of the kernel proper; all others are modules.</summary>
    public const string Vmlinux = "vmlinux";
}

/// <summary>What is in a livepatch and why, as data from which text is made.</summary>
/// <param name="Name">Module name.</param>
/// <param name="Release">Kernel release, as printed by <c>uname -r</c>.</param>
/// <param name="BuildId">Build-id of the running kernel, hexadecimal.</param>
/// <param name="Replace">True if it replaces all other livepatches atomically.</param>
/// <param name="Units">Translation units with the level of their verification.</param>
/// <param name="Functions">Functions with their reasons.</param>
/// <param name="Data">Data that it contains, except strings.</param>
/// <param name="References">What it refers to in the running kernel.</param>
public sealed record Explanation(
    string Name,
    string Release,
    string BuildId,
    bool Replace,
    IReadOnlyList<ExplainedUnit> Units,
    IReadOnlyList<ExplainedFunction> Functions,
    IReadOnlyList<ExplainedData> Data,
    IReadOnlyList<ExplainedReference> References
)
{
    /// <summary>
    /// The objects of the kernel that it patches, in the order of its lists; empty if written by an older version.
    /// </summary>
    public IReadOnlyList<ExplainedObject> Objects
    {
        get => field ?? [];
        init;
    } = [];

    /// <summary>The author's statements on which the livepatch depends, in order of the units.</summary>
    public IReadOnlyList<AuthorStatement> Statements
    {
        get => field ?? [];
        init;
    } = [];

    /// <summary>Descriptions, by unit, of the parts of the patches that have no effect in a livepatch and are left out.</summary>
    public IReadOnlyList<string> LeftOut
    {
        get => field ?? [];
        init;
    } = [];

    /// <summary>
    /// Why the module stays in memory after it was disabled; empty if it can be unloaded, or if written by an older version.
    /// </summary>
    public IReadOnlyList<ExplainedEscape> KeptInMemory
    {
        get => field ?? [];
        init;
    }

    /// <summary>Changed files from which no code of this kernel is compiled, or none that differs; in order of path.</summary>
    public IReadOnlyList<string> FilesWithoutCode
    {
        get => field ?? [];
        init;
    }
}
