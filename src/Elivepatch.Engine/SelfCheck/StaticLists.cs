// The lists as include/linux/livepatch.h has them: struct klp_patch { mod, objs, states, replace, ... } points at an array of
// struct klp_object { name, funcs, callbacks { 4 pointers, bool }, ... }, each at an array of struct klp_func { old_name,
// new_func, old_sympos, ... }. The fields named here have had the same offsets on 64-bit machines since 5.1; how large the
// structures are depends on version and configuration (struct kobject), so that is taken from the target's layouts or inferred:
// an array's second entry shows by its pointers, and where there is none the symbol of the array tells its size.
using Elivepatch.Elf;
using Elivepatch.Engine.Architectures;
using Elivepatch.Engine.Facts;
using Place = Elivepatch.Engine.SelfCheck.DataFields.Place;

namespace Elivepatch.Engine.SelfCheck;

/// <summary>Reads a <c>struct klp_patch</c> in the module's data and the arrays behind it.</summary>
internal sealed class StaticLists(
    Architecture architecture,
    ElfObject elf,
    DataFields fields,
    PatchEntries entries,
    EntryLayouts? layouts
)
{
    /// <summary>Offset of <c>replace</c> in <c>struct klp_patch</c> since 5.5.</summary>
    public const ulong PatchReplace = 24;

    private const ulong Pointer = 8;
    private const ulong CallbacksOffset = 16,
        FunctionPosition = 16,
        PatchStates = 16;

    /// <summary>The structures with the smallest <c>struct kobject</c> (64 bytes) of any configuration.</summary>
    private const ulong SmallestFunction = 152,
        SmallestObject = 168;

    /// <summary>How far before the call its argument is looked for, in bytes.</summary>
    private const ulong ArgumentWindow = 64;

    private const int MostCalls = 64;

    /// <summary>Reads the lists; null where the module has no such structure.</summary>
    public PatchLists? Read()
    {
        if (FindPatch() is not { } patch || fields.Follow(patch + Pointer) is not { } objects)
        {
            return null;
        }

        var (list, terminated) = Walk(
            objects,
            ObjectSize(objects),
            place =>
            {
                var callbacks = entries.ReadCallbacks(place + CallbacksOffset);
                var (functions, ended) = Functions(place + Pointer);
                return new PatchedObject(entries.ReadName(place), functions, callbacks, ended);
            }
        );
        return new(PatchForm.Static, ReadReplace(patch), list, terminated);
    }

    /// <summary>Where the structure and its objects lie; null where the module has none that can be found.</summary>
    public (Place Patch, IReadOnlyList<Place> Objects)? FindStructures() =>
        FindPatch() is { } patch && fields.Follow(patch + Pointer) is { } objects
            ? (patch, Walk(objects, ObjectSize(objects), p => p).Entries)
            : null;

    // Before 5.5 there was no field for states, and replace stood in its place; there, what is now replace belongs to a list
    // head.
    private bool ReadReplace(Place patch)
    {
        if (layouts?.OffsetOf("klp_patch.replace") is { } known)
        {
            return DataFields.ReadByte(patch + (ulong)known) != 0;
        }

        return DataFields.ReadByte(patch + PatchReplace) != 0
            || (fields.RelocationAt(patch + PatchStates) is null && DataFields.ReadByte(patch + PatchStates) != 0);
    }

    private (IReadOnlyList<ReplacedFunction> Functions, bool? Terminated) Functions(Place pointer)
    {
        if (fields.Follow(pointer) is { } first)
        {
            return Walk(first, FunctionSize(first), p => entries.ReadFunction(p, p + FunctionPosition, p + Pointer));
        }

        if (fields.RelocationAt(pointer) is { } relocation)
        {
            entries.Fail($"the functions of an object are at {relocation}, which is not in the module");
        }

        return ([], null);
    }

    /// <summary>
    /// Reads entries until one that is empty, as the kernel does. Without a known size there is one entry, and its end is
    /// unknown.
    /// </summary>
    private (IReadOnlyList<T> Entries, bool? Terminated) Walk<T>(Place first, ulong? size, Func<Place, T> read)
    {
        var found = new List<T>();
        var end = EndOf(first);
        for (var place = first; place.Offset < end && entries.Problem is null; place += size ?? end)
        {
            if (IsEmpty(place))
            {
                return (found, true);
            }

            found.Add(read(place));
            if (size is null)
            {
                return (found, null);
            }
        }

        return (found, false);
    }

    private bool IsEmpty(Place place) =>
        IsNull(place) && IsNull(place + Pointer) && (fields.ReadNumber(place + FunctionPosition) == 0);

    private bool IsNull(Place field) => fields.RelocationAt(field) is null && fields.ReadNumber(field) == 0;

    /// <summary>Where an array must end: with its symbol, else before whatever else is pointed at.</summary>
    private ulong EndOf(Place array) =>
        fields.SymbolAt(array) is { Size: > 0 } symbol && symbol.Size <= array.Section.Size - array.Offset
            ? array.Offset + symbol.Size
            : fields.NextTarget(array);

    private ulong? FunctionSize(Place first) =>
        Known("klp_func")
        ?? Distance(first, FunctionPosition, SmallestFunction, IsFunction)
        ?? HalfOfSymbol(first, SmallestFunction);

    private ulong? ObjectSize(Place first) =>
        Known("klp_object")
        ?? Distance(first, CallbacksOffset + (4 * Pointer), SmallestObject, IsObject)
        ?? HalfOfSymbol(first, SmallestObject);

    private ulong? Known(string structure) =>
        layouts?.StructureSizes.TryGetValue(structure, out var size) == true && size > 0 ? (ulong)size : null;

    /// <summary>How far behind the first entry the next one begins, seen by its pointers.</summary>
    private ulong? Distance(Place first, ulong fieldsEnd, ulong smallest, Func<Place, bool> isEntry)
    {
        var pointers = fields.PointersOf(first.Section);
        var end = EndOf(first);
        var index = pointers.BinarySearch(first.Offset + fieldsEnd);
        for (index = index < 0 ? ~index : index; index < pointers.Length && pointers[index] < end; index++)
        {
            // The first pointer behind the first entry is the next entry's name, or what follows a null name.
            var distance = pointers[index] - first.Offset;
            if (distance >= smallest && isEntry(first + distance))
            {
                return distance;
            }

            if (distance >= smallest + Pointer && IsNull(first + (distance - Pointer)) && isEntry(first + (distance - Pointer)))
            {
                return distance - Pointer;
            }

            if (distance >= smallest + Pointer)
            {
                return null;
            }
        }

        return null;
    }

    // An array of one entry and the empty one that ends it; two entries cannot be smaller than two of the smallest kind.
    private ulong? HalfOfSymbol(Place first, ulong smallest)
    {
        var size = fields.SymbolAt(first)?.Size ?? 0;
        return size % (2 * Pointer) == 0 && size / 2 >= smallest ? size / 2
            : size >= smallest && size % Pointer == 0 ? size
            : null;
    }

    private bool IsFunction(Place place) => LeadsToData(place) && LeadsToCode(place + Pointer);

    private bool IsObject(Place place) =>
        (IsNull(place) || (LeadsToData(place) && !IsFunction(place))) && LeadsToData(place + Pointer);

    private bool LeadsToData(Place field) => fields.Follow(field) is { } place && !place.Section.Has(ElfSectionFlags.Execute);

    private bool LeadsToCode(Place field) => fields.Follow(field) is { } place && place.Section.Has(ElfSectionFlags.Execute);

    /// <summary>The structure that is passed to <c>klp_enable_patch()</c>, or the only one that looks like it.</summary>
    private Place? FindPatch()
    {
        foreach (var section in elf.RelocationSections.Where(s => s.Target.Has(ElfSectionFlags.Execute)))
        {
            var calls = section.Entries.Where(r => r.Symbol?.Name == ModuleStart.EnableFunction).Take(MostCalls).ToList();
            foreach (var call in calls)
            {
                var argument = section
                    .Entries.Where(r => r.Offset < call.Offset && call.Offset - r.Offset <= ArgumentWindow)
                    .OrderByDescending(r => r.Offset)
                    .Select(r => FirstArgument(section.Target, r))
                    .FirstOrDefault(p => p is not null);
                if (argument is { } place && LeadsToData(place + Pointer))
                {
                    return place;
                }
            }
        }

        var candidates = fields.PointersTo(IsThisModule).Where(p => LeadsToData(p + Pointer)).Take(2).ToList();
        return candidates.Count == 1 ? candidates[0] : null;
    }

    private static bool IsThisModule(ElfRelocation relocation) =>
        relocation.Symbol is { } symbol
        && DataFields.TargetOf(symbol, relocation.Addend) is { Section.Name: ModuleStart.Section, Offset: 0 };

    private Place? FirstArgument(ElfSection code, ElfRelocation relocation) =>
        architecture.Loader.LoadsFirstArgument(code.Content, relocation, out var bias)
            ? DataFields.TargetOf(relocation.Symbol, unchecked(relocation.Addend + bias))
            : null;
}
