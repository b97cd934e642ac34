namespace Elivepatch.Elf.Dwarf;

/// <summary>
/// A function of the unit, or one of its out-of-line instances. A function that is inlined somewhere appears once as itself
/// (without location) and once for each instance, whose <see cref="Origin"/> it is; GCC's clones are instances, too.
/// </summary>
public sealed class DebugFunction
{
    private readonly HashSet<DebugFunction> _inlined = [];

    /// <summary>Name in the source; the symbol may have a clone's suffix.</summary>
    public required string Name { get; init; }

    /// <summary>Where it is declared.</summary>
    public SourceLine Declared { get; init; }

    /// <summary>True unless <c>static</c>.</summary>
    public bool IsExternal { get; init; }

    /// <summary>True where the source says <c>inline</c>.</summary>
    public bool IsDeclaredInline { get; init; }

    /// <summary>Entry of the code; null for a function of which only inlined copies or instances exist.</summary>
    public SectionLocation? Location { get; init; }

    /// <summary>
    /// How the source says that it is called; for an instance, which may be called otherwise, that of its <see cref="Origin"/>.
    /// Null where nothing says of what it is an instance.
    /// </summary>
    public FunctionSignature? Signature => Source.DeclaredSignature;

    internal FunctionSignature? DeclaredSignature { get; init; }

    /// <summary>The function that this is an instance of, or null.</summary>
    public DebugFunction? Origin { get; internal set; }

    /// <summary>The function itself: <see cref="Origin"/> for an instance, else this.</summary>
    public DebugFunction Source => Origin ?? this;

    /// <summary>
    /// The functions whose code was inlined into this one, directly or through others, in all of its parts (<c>.cold</c> among
    /// them). Never instances. A copy that left no instruction behind is not known to the compiler any more.
    /// </summary>
    public IReadOnlySet<DebugFunction> Inlined => _inlined;

    internal void AddInlined(DebugFunction function) => _inlined.Add(function);

    /// <inheritdoc/>
    public override string ToString() => Name;
}
