using System.Globalization;
using System.Text;
using Elivepatch.Engine.Targets;

namespace Elivepatch.Engine.Link;

/// <summary>
/// Writes the part of the glue that looks at a module before it is patched. The kernel knows a module by its name alone, and
/// whatever comes under that name would be patched: one of another version, or of another source. So the old functions are
/// compared with those that the livepatch was made for, as far as the loader leaves them alone. A <c>pre_patch</c> callback that
/// fails refuses the livepatch, or where it is there already the module (<c>klp_enable_patch()</c>, <c>klp_module_coming()</c>).
/// </summary>
internal static class GuardSource
{
    private const int BytesInLine = 16;

    /// <summary>The declarations, and for each module its callbacks; nothing where no module is patched.</summary>
    /// <param name="modules">The modules, with the place of each in the list of objects.</param>
    /// <param name="pins">
    /// True where the kernel cannot undo relocations (<c>clear_relocate_add()</c>): then a module cannot be loaded a second time
    /// while the livepatch is there, and is kept.
    /// </param>
    public static string Write(
        IReadOnlyList<(int Index, ModuleTarget Module, IReadOnlyList<PatchedFunction> Functions)> modules,
        bool pins
    )
    {
        if (modules.Count == 0)
        {
            return "";
        }

        var text = new StringBuilder(Shared);
        foreach (var (index, module, functions) in modules)
        {
            Add(text, index, module, functions);
            text.Append(pins ? Pinning(index) : Checking(index));
        }

        return text.Append(pins ? Release(modules.Select(m => m.Index)) : "").ToString();
    }

    /// <summary>The initialiser of a module's callbacks.</summary>
    public static string Callbacks(int index, bool pins) =>
        string.Create(CultureInfo.InvariantCulture, $".callbacks = {{ .pre_patch = elivepatch_pre_patch_{index}")
        + (pins ? string.Create(CultureInfo.InvariantCulture, $", .post_unpatch = elivepatch_post_unpatch_{index}") : "")
        + " }, ";

    private static void Add(StringBuilder text, int index, ModuleTarget module, IReadOnlyList<PatchedFunction> functions)
    {
        var loaded = functions.Select(f => module.FindLoaded(f.Old.Name, f.Address)).ToList();
        var entries = new StringBuilder();
        foreach (var (number, function) in loaded.Index())
        {
            if (function is null)
            {
                entries.Append("\t{ .first = -1 },\n");
                continue;
            }

            text.Append(CultureInfo.InvariantCulture, $"static const u8 elivepatch_code_{index}_{number}[] = {{");
            foreach (var (at, value) in function.Code.ToArray().Index())
            {
                text.Append(at % BytesInLine == 0 ? "\n\t" : " ").Append(CultureInfo.InvariantCulture, $"0x{value:x2},");
            }

            text.Append(
                CultureInfo.InvariantCulture,
                $"\n}};\n\nstatic const struct elivepatch_range elivepatch_kept_{index}_{number}[] = {{\n"
            );
            foreach (var (start, length) in function.Kept)
            {
                text.Append(CultureInfo.InvariantCulture, $"\t{{ {start}, {length} }},\n");
            }

            // The distance to the first function of the same section is the same wherever they are loaded.
            var first = loaded.FindIndex(f => f?.Section == function.Section);
            text.Append("\t{ }\n};\n\n");
            entries.Append(
                CultureInfo.InvariantCulture,
                $"\t{{ {first}, {(long)(function.Offset - loaded[first]!.Offset)}, {function.Size ?? 0}, {function.Code.Length}, elivepatch_code_{index}_{number}, elivepatch_kept_{index}_{number} }},\n"
            );
        }

        text.Append(
            CultureInfo.InvariantCulture,
            $"static const struct elivepatch_old elivepatch_old_{index}[] = {{\n{entries}}};\n\n"
        );
    }

    private static string Checking(int index) =>
        """
            static int elivepatch_pre_patch_N(struct klp_object *obj)
            {
            	return elivepatch_check(obj, elivepatch_old_N, ARRAY_SIZE(elivepatch_old_N));
            }


            """.Replace("_N", "_" + index.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal);

    private static string Pinning(int index) =>
        """
            static struct module *elivepatch_pinned_N;

            static int elivepatch_pre_patch_N(struct klp_object *obj)
            {
            	int ret = elivepatch_check(obj, elivepatch_old_N, ARRAY_SIZE(elivepatch_old_N));

            	if (ret)
            		return ret;
            	if (!try_module_get(obj->mod))
            		return -ENODEV;
            	elivepatch_pinned_N = obj->mod;
            	return 0;
            }

            static void elivepatch_unpin_N(void)
            {
            	if (elivepatch_pinned_N)
            		module_put(elivepatch_pinned_N);
            	elivepatch_pinned_N = NULL;
            }

            static void elivepatch_post_unpatch_N(struct klp_object *obj)
            {
            	elivepatch_unpin_N();
            }


            """.Replace("_N", "_" + index.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal);

    // A livepatch that was replaced atomically is not called again, so that what is left is given back when it is unloaded.
    private static string Release(IEnumerable<int> indexes) =>
        "static void elivepatch_unpin(void)\n{\n"
        + string.Concat(indexes.Select(i => string.Create(CultureInfo.InvariantCulture, $"\telivepatch_unpin_{i}();\n")))
        + "}\n\n";

    private const string Shared = """
        struct elivepatch_range {
        	u32 start, length;
        };

        struct elivepatch_old {
        	int first;		/* an entry of the same section, or -1: nothing is known */
        	long distance;		/* in bytes from that entry's function */
        	unsigned long size;	/* up to the next symbol; 0: not known */
        	unsigned long length;	/* bytes of code */
        	const u8 *code;
        	const struct elivepatch_range *kept;
        };

        static bool elivepatch_is_same(const struct klp_func *func, const struct elivepatch_old *old)
        {
        	const struct elivepatch_range *range;

        	if (func->old_size < old->length || (old->size && func->old_size != old->size))
        		return false;
        	for (range = old->kept; range->length; range++) {
        		if (memcmp(func->old_func + range->start, old->code + range->start, range->length))
        			return false;
        	}
        	return true;
        }

        /* Cold as a whole: no part of it lies elsewhere, which a transition would take for another function. */
        static noinline __cold int
        elivepatch_check(const struct klp_object *obj, const struct elivepatch_old *old, unsigned int count)
        {
        	const struct klp_func *funcs = obj->funcs;
        	unsigned int i;

        	for (i = 0; i < count; i++) {
        		if (old[i].first < 0)
        			continue;
        		if (funcs[i].old_func - funcs[old[i].first].old_func == old[i].distance &&
        		    elivepatch_is_same(&funcs[i], &old[i]))
        			continue;
        		pr_err("%s: module %s is not the one that this livepatch was built for: %s differs\n", KBUILD_MODNAME,
        		       obj->name, funcs[i].old_name);
        		return -ENOEXEC;
        	}
        	return 0;
        }


        """;
}
