// Two tools leave the lists in sections of their own, and code of theirs makes the kernel's structures from them when the module
// loads. The layouts are those of the tools:
//   klp-build, include/linux/livepatch_external.h (6.19): klp_object_ext { name, funcs, callbacks { 4 pointers, bool },
//     unsigned int nr_funcs }, klp_func_ext { old_name, new_func, sympos };
//   kpatch-build, kmod/patch/kpatch-patch.h: kpatch_patch_func { new_addr, new_size, old_addr, old_size, sympos, name, objname }.
using Elivepatch.Elf;
using Elivepatch.Engine.Targets;
using Place = Elivepatch.Engine.SelfCheck.DataFields.Place;

namespace Elivepatch.Engine.SelfCheck;

/// <summary>Reads the lists that klp-build and kpatch-build leave in sections.</summary>
internal sealed class SectionLists(ElfObject elf, DataFields fields, PatchEntries entries)
{
    private const ulong Pointer = 8;
    private const ulong ObjectSize = 64,
        ObjectFunctions = 8,
        CallbacksOffset = 16,
        ObjectCount = 56;
    private const ulong FunctionSize = 24,
        FunctionNew = 8,
        FunctionPosition = 16;
    private const ulong KpatchSize = 56,
        KpatchPosition = 32,
        KpatchName = 40,
        KpatchObject = 48;

    /// <summary>Reads the lists; null where the module has neither of these sections.</summary>
    public PatchLists? Read()
    {
        if (Find(".init.klp_objects", "__klp_objects", "klp_objects") is { } objects)
        {
            return KlpBuild(objects);
        }

        return Find(".kpatch.funcs") is { } functions ? Kpatch(functions) : null;
    }

    private ElfSection? Find(params string[] names) =>
        elf.Sections.Find(s => s.Size > 0 && s.Has(ElfSectionFlags.Alloc) && Array.IndexOf(names, s.Name) >= 0);

    private PatchLists KlpBuild(ElfSection section)
    {
        var objects = new List<PatchedObject>();
        foreach (var place in Entries(section, ObjectSize))
        {
            var functions = new List<ReplacedFunction>();
            var count = (uint)fields.ReadNumber(place + ObjectCount);
            if (fields.Follow(place + ObjectFunctions) is not { } first)
            {
                entries.Fail($"{section.Name}+0x{place.Offset:x}: an object without functions");
            }
            else if (count > (first.Section.Size - first.Offset) / FunctionSize)
            {
                entries.Fail($"{section.Name}+0x{place.Offset:x}: {count} functions are more than {first.Section.Name} holds");
            }
            else
            {
                for (uint i = 0; i < count && entries.Problem is null; i++)
                {
                    var function = first + (i * FunctionSize);
                    functions.Add(entries.ReadFunction(function, function + FunctionPosition, function + FunctionNew));
                }
            }

            objects.Add(
                new(
                    entries.ReadName(place),
                    functions,
                    entries.ReadCallbacks(place + CallbacksOffset),
                    FunctionsAreTerminated: true
                )
            );
            if (entries.Problem is not null)
            {
                break;
            }
        }

        return new(PatchForm.KlpBuildSections, Replace: null, objects, AreTerminated: true);
    }

    private PatchLists Kpatch(ElfSection section)
    {
        var functions = new List<(string? Object, ReplacedFunction Function)>();
        foreach (var place in Entries(section, KpatchSize))
        {
            var name = entries.ReadName(place + KpatchObject);
            functions.Add(
                (
                    name == VmlinuxTarget.Name ? null : name,
                    entries.ReadFunction(place + KpatchName, place + KpatchPosition, place)
                )
            );
            if (entries.Problem is not null)
            {
                break;
            }
        }

        Dictionary<string, string>[] callbacks =
        [
            .. new[] { "pre_patch", "post_patch", "pre_unpatch", "post_unpatch" }.Select(KpatchCallbacks),
        ];
        var objects = functions
            .GroupBy(f => f.Object)
            .Select(group =>
            {
                string?[] called = [.. callbacks.Select(c => c.GetValueOrDefault(group.Key ?? VmlinuxTarget.Name))];
                return new PatchedObject(
                    group.Key,
                    [.. group.Select(f => f.Function)],
                    new(called[0], called[1], called[2], called[3]),
                    FunctionsAreTerminated: true
                );
            });
        return new(PatchForm.KpatchSections, Replace: null, [.. objects], AreTerminated: true);
    }

    // Sections .kpatch.callbacks.pre_patch and so on: { callback, objname } each.
    private Dictionary<string, string> KpatchCallbacks(string kind)
    {
        var names = new Dictionary<string, string>(StringComparer.Ordinal);
        var section = elf.FindSection($".kpatch.callbacks.{kind}");
        for (ulong at = 0; section is not null && at + (2 * Pointer) <= section.Size; at += 2 * Pointer)
        {
            var place = new Place(section, at);
            if (entries.ReadName(place + Pointer) is { } name && entries.ReadCallback(place) is { } callback)
            {
                names.TryAdd(name, callback);
            }

            if (entries.Problem is not null)
            {
                break;
            }
        }

        return names;
    }

    private IEnumerable<Place> Entries(ElfSection section, ulong size)
    {
        if (section.Size % size != 0)
        {
            entries.Fail($"{section.Name} has 0x{section.Size:x} bytes, which are not whole entries of {size}");
        }
        else if (section.Size / size > PatchEntries.MostFunctions)
        {
            entries.Fail($"{section.Name} has more than {PatchEntries.MostFunctions} entries");
        }
        else
        {
            for (ulong at = 0; at < section.Size; at += size)
            {
                yield return new(section, at);
            }
        }
    }
}
