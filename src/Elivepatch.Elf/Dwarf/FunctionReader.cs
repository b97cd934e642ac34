// In: the entries. Out: functions with what was inlined into them, and variables with the function they belong to. Which
// function an entry is inside of was noted when the entries were read, so nothing here walks up or down a tree.
namespace Elivepatch.Elf.Dwarf;

/// <summary>Reads the functions and static variables of a unit.</summary>
internal sealed class FunctionReader(
    DebugEntries entries,
    DwarfStrings strings,
    LineTables lines,
    RangeTables ranges,
    TypeSpelling spelling,
    TypeSpelling storage,
    LayoutReader layouts
)
{
    /// <summary>By number of entry.</summary>
    private readonly Dictionary<int, DebugFunction> _functions = [];

    public List<DebugFunction> ReadFunctions()
    {
        var functions = new List<DebugFunction>();
        var all = entries.All;
        for (var i = 0; i < all.Length; i++)
        {
            if (all[i].Tag != DwarfTag.Subprogram || all[i].IsDeclaration)
            {
                continue;
            }

            var function = ReadFunction(i);
            _functions.Add(i, function);
            functions.Add(function);
        }
        foreach ((var number, var function) in _functions)
        {
            if (EntryOrigin.FollowAbstract(entries, number) is var origin && origin != number)
            {
                function.Origin = FunctionAt(origin);
            }
        }
        for (var i = 0; i < all.Length; i++)
        {
            if (
                all[i].Tag == DwarfTag.InlinedSubroutine
                && all[i].Subprogram >= 0
                && all[i].AbstractOrigin >= 0
                && FunctionAt(all[i].Subprogram) is { } host
                && FunctionAt(EntryOrigin.FollowAbstract(entries, i)) is { } inlined
            )
            {
                host.AddInlined(inlined);
            }
        }
        return functions;
    }

    /// <summary>Call after <see cref="ReadFunctions"/>.</summary>
    public List<DebugVariable> ReadVariables()
    {
        var variables = new List<DebugVariable>();
        var known = new HashSet<(string, DebugFunction?, SectionLocation)>();
        var all = entries.All;
        for (var i = 0; i < all.Length; i++)
        {
            if (all[i].Tag != DwarfTag.Variable || entries.Information.LocationOf(all[i].Location) is not { } location)
            {
                continue;
            }

            var variable = ReadVariable(i, location);
            if (known.Add((variable.Name, variable.Owner, location)))
            {
                variables.Add(variable);
            }
        }
        return variables;
    }

    /// <summary>
    /// Variables of functions that the compiler gave no place, neither in memory nor on the stack: what is left of them is their
    /// declaration. Automatic variables in registers look the same. Call after <see cref="ReadFunctions"/>.
    /// </summary>
    public HashSet<(string Function, string Variable)> ReadUnplaced()
    {
        var unplaced = new HashSet<(string Function, string Variable)>();
        var placed = new HashSet<(string Function, string Variable)>();
        var all = entries.All;
        for (var i = 0; i < all.Length; i++)
        {
            if (all[i].Tag == DwarfTag.Variable && OwnerOf(EntryOrigin.FollowAbstract(entries, i)) is { } owner)
            {
                (all[i].HasLocation ? placed : unplaced).Add(
                    (owner.Name, strings.NameOf(in entries.All[EntryOrigin.Follow(entries, i)]))
                );
            }
        }
        unplaced.ExceptWith(placed);
        return unplaced;
    }

    /// <summary>
    /// Types, spelled as <see cref="DebugVariable.Storage"/>, of variables that other units define, by name, and of typedefs
    /// outside of functions, by <c>typedef foo</c>. A name with several meanings has none.
    /// </summary>
    public Dictionary<string, string> ReadDeclared()
    {
        var declared = new Dictionary<string, string>();
        var all = entries.All;
        for (var i = 0; i < all.Length; i++)
        {
            var isTypedef = all[i].Tag == DwarfTag.Typedef && all[i].Function < 0;
            if (!isTypedef && !(all[i].Tag == DwarfTag.Variable && all[i].IsDeclaration && all[i].IsExternal))
            {
                continue;
            }

            var name = isTypedef ? $"typedef {strings.NameOf(in all[i])}" : strings.NameOf(in all[i]);
            var type = isTypedef ? storage.OfTypedef(i) : storage.OfReference(all[i].Type);
            if (!declared.TryAdd(name, type) && declared[name] != type)
            {
                declared[name] = "";
            }
        }
        return declared;
    }

    /// <summary>
    /// Types, spelled as <see cref="DebugVariable.Storage"/>, of the pointers that functions have in parameters and variables, by
    /// the names of both. Call after <see cref="ReadFunctions"/>.
    /// </summary>
    public Dictionary<(string Function, string Variable), IReadOnlySet<string>> ReadPointers()
    {
        var pointers = new Dictionary<(string, string), IReadOnlySet<string>>();
        var all = entries.All;
        for (var i = 0; i < all.Length; i++)
        {
            if (
                all[i].Tag is not (DwarfTag.Variable or DwarfTag.FormalParameter)
                || all[i].Function < 0
                || all[i].NameSection is null
                || all[i].Type < 0
                || OwnerOf(i) is not { } owner
                || storage.OfReference(all[i].Type) is var type && !type.Contains('*')
            )
            {
                continue;
            }
            var key = (owner.Name, strings.NameOf(in all[i]));
            if (!pointers.TryGetValue(key, out var types))
            {
                pointers.Add(key, types = new HashSet<string>());
            }

            ((HashSet<string>)types).Add(type);
        }
        return pointers;
    }

    private DebugFunction ReadFunction(int number)
    {
        var named = EntryOrigin.Follow(entries, number);
        var origin = EntryOrigin.FollowAbstract(entries, number);
        ref readonly var entry = ref entries.All[number];
        ref readonly var name = ref entries.All[named];
        return new DebugFunction
        {
            Name = strings.NameOf(in name),
            Declared = LineOf(entries.All[origin].Line > 0 ? origin : named),
            IsExternal = entry.IsExternal || name.IsExternal,
            IsDeclaredInline = entries.All[origin].Inline >= 2,
            Location = entries.Information.LocationOf(entry.LowPc) ?? ranges.FindFirst(in entry, entries.Units[entry.Unit]),
            DeclaredSignature = origin == number ? ReadSignature(number, named) : null,
        };
    }

    // A definition that completes an earlier declaration lists its parameters again, but not always its result.
    private FunctionSignature ReadSignature(int number, int named)
    {
        var all = entries.All;
        var parameters = new List<SignatureType>();
        var isVariadic = false;
        for (var child = number + 1; child < all[number].End; child = all[child].End)
        {
            if (all[child].Tag == DwarfTag.FormalParameter)
            {
                parameters.Add(spelling.InSignature(all[child].Type));
            }

            isVariadic |= all[child].Tag == DwarfTag.UnspecifiedParameters;
        }
        return new FunctionSignature
        {
            Result = spelling.InSignature(all[number].Type >= 0 ? all[number].Type : all[named].Type),
            Parameters = parameters,
            IsVariadic = isVariadic,
            NeverReturns = all[number].NeverReturns || all[named].NeverReturns,
        };
    }

    private DebugVariable ReadVariable(int number, SectionLocation location)
    {
        var origin = EntryOrigin.FollowAbstract(entries, number);
        var named = EntryOrigin.Follow(entries, number);
        ref readonly var declared = ref entries.All[entries.All[origin].Line > 0 ? origin : named];
        var type = declared.Type >= 0 ? declared.Type : entries.All[named].Type;
        return new DebugVariable
        {
            Name = strings.NameOf(in entries.All[named]),
            Owner = OwnerOf(origin),
            Declared = LineOf(entries.All[origin].Line > 0 ? origin : named),
            IsExternal = entries.All[number].IsExternal || entries.All[named].IsExternal,
            Type = spelling.OfReference(type),
            ValueLayout = spelling.ValueLayoutOf(type),
            Storage = storage.OfReference(type),
            Unnamed = layouts.ReadUnnamed(type),
            Location = location,
        };
    }

    private DebugFunction? OwnerOf(int number)
    {
        var function = entries.All[number].Function;
        return function < 0 ? null : FunctionAt(EntryOrigin.FollowAbstract(entries, function))?.Source;
    }

    private DebugFunction? FunctionAt(int number) => _functions.GetValueOrDefault(number);

    private SourceLine LineOf(int number)
    {
        ref readonly var entry = ref entries.All[number];
        return new SourceLine(lines.FileOf(entries.Units[entry.Unit], entry.File), entry.Line);
    }
}
