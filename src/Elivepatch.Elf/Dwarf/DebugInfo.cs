// In: a relocatable object with DWARF 4 or 5. Out: what the comparison of two objects needs to know of the source: how types
// lie in memory, which functions were inlined where, and whose static variables the data are.
namespace Elivepatch.Elf.Dwarf;

/// <summary>The debugging information of a relocatable object; empty where it has none.</summary>
public sealed class DebugInfo
{
    private DebugInfo() { }

    /// <summary>True where the object has no debugging information.</summary>
    public bool IsEmpty { get; private init; }

    /// <summary>Structs, unions and enums with a tag or a typedef's name and a size, in order of declaration.</summary>
    public IReadOnlyList<StructLayout> Layouts { get; private init; } = [];

    /// <summary>The constants of all enums, those without a tag among them, in order of declaration.</summary>
    public IReadOnlyList<EnumConstant> EnumConstants { get; private init; } = [];

    /// <summary>
    /// Types of variables that other units define, by name, and of typedefs, by <c>typedef foo</c>; spelled as
    /// <see cref="DebugVariable.Storage"/>, and empty where one name has several.
    /// </summary>
    public IReadOnlyDictionary<string, string> Declared { get; private init; } = new Dictionary<string, string>();

    /// <summary>
    /// Types of the pointers among a function's parameters and variables, spelled as <see cref="DebugVariable.Storage"/>, by the
    /// names of function and variable.
    /// </summary>
    public IReadOnlyDictionary<(string Function, string Variable), IReadOnlySet<string>> Pointers { get; private init; } =
        new Dictionary<(string, string), IReadOnlySet<string>>();

    /// <summary>Functions and their instances, declarations left out.</summary>
    public IReadOnlyList<DebugFunction> Functions { get; private init; } = [];

    /// <summary>Variables with static storage.</summary>
    public IReadOnlyList<DebugVariable> Variables { get; private init; } = [];

    /// <summary>
    /// Variables of functions that are declared and have no place: the compiler needs none. By the names of function and
    /// variable; an instance counts for its function.
    /// </summary>
    public IReadOnlySet<(string Function, string Variable)> Unplaced { get; private init; } = new HashSet<(string, string)>();

    /// <summary>Reads .debug_info and the sections it refers to.</summary>
    /// <exception cref="ElfFormatException">The debugging information contradicts itself, or is of a kind that is not
    /// supported.</exception>
    public static DebugInfo Read(ElfObject elf)
    {
        ArgumentNullException.ThrowIfNull(elf);
        var entries = new DebugEntries(elf);
        var strings = new DwarfStrings(entries.Information.Bytes.Length);
        var spelling = new TypeSpelling(entries, strings);
        var lines = new LineTables(elf, strings);
        var layouts = new LayoutReader(entries, strings, lines, spelling);
        var functions = new FunctionReader(
            entries,
            strings,
            lines,
            new RangeTables(elf),
            spelling,
            new TypeSpelling(entries, strings, ofStorage: true),
            layouts
        );
        return new DebugInfo
        {
            IsEmpty = entries.All.IsEmpty,
            Layouts = layouts.Read(),
            EnumConstants = layouts.ReadConstants(),
            Declared = functions.ReadDeclared(),
            Functions = functions.ReadFunctions(),
            Variables = functions.ReadVariables(),
            Unplaced = functions.ReadUnplaced(),
            Pointers = functions.ReadPointers(),
        };
    }
}
