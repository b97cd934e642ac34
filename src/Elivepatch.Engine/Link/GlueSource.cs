using System.Globalization;
using System.Text;
using Elivepatch.Engine.Escape;
using Elivepatch.Engine.Facts;
using Elivepatch.Engine.Targets;

namespace Elivepatch.Engine.Link;

/// <summary>
/// Writes the small C unit that makes a module of the new functions: the lists of <c>include/linux/livepatch.h</c> and the call
/// that enables them. It is compiled against the target's own headers, so that structure layouts are the kernel's.
/// </summary>
public static class GlueSource
{
    /// <summary>The headers that <see cref="Write"/> needs, to be precompiled once per kernel.</summary>
    public const string Headers = "#include <linux/module.h>\n#include <linux/livepatch.h>\n";

    /// <summary>
    /// The kernel's function that writes into memory of code which does not run yet (<c>arch/x86/kernel/alternative.c</c>, 5.18
    /// and later).
    /// </summary>
    public const string WriteCode = "text_poke_copy";

    /// <summary>
    /// True where the kernel cannot undo what it wrote into a livepatch for a module (<c>clear_relocate_add()</c>,
    /// <c>arch/x86/kernel/module.c</c>, 6.3 and later): while the livepatch is there, the module could not be loaded again.
    /// </summary>
    public static bool PinsModules(KernelSymbols symbols)
    {
        ArgumentNullException.ThrowIfNull(symbols);
        return !symbols.Vmlinux.Contains("clear_relocate_add");
    }

    /// <summary>Writes the unit.</summary>
    /// <param name="patched">The functions to divert.</param>
    /// <param name="replace">True for a cumulative livepatch that replaces all others atomically.</param>
    /// <param name="description">One line for <c>modinfo</c>.</param>
    /// <param name="namespaces">Symbol namespaces of the exports that the livepatch uses.</param>
    /// <param name="escapes">What of the livepatch outlives it: with any, the module keeps itself in memory.</param>
    /// <param name="shifts">Shift counts to write before the livepatch is enabled; null for none.</param>
    /// <param name="pinsModules">True where modules that are patched must stay, as <see cref="PinsModules"/> says.</param>
    public static string Write(
        IReadOnlyList<PatchedFunction> patched,
        bool replace,
        string description,
        IEnumerable<string> namespaces,
        EscapeFindings escapes,
        IReadOnlyList<RuntimeShift>? shifts = null,
        bool pinsModules = false
    )
    {
        IGrouping<PatchTarget, PatchedFunction>[] objects = [.. patched.GroupBy(p => p.Target)];
        (int Index, ModuleTarget Module, IReadOnlyList<PatchedFunction> Functions)[] modules =
        [
            .. objects
                .Index()
                .Where(o => o.Item.Key is ModuleTarget)
                .Select(o => (o.Index, (ModuleTarget)o.Item.Key, o.Item.ToList())),
        ];
        pinsModules &= modules.Length > 0;
        var text = new StringBuilder();
        foreach (var function in patched)
        {
            text.Append(CultureInfo.InvariantCulture, $"extern const char {function.NewSymbol}[];\n");
        }

        text.Append('\n').Append(GuardSource.Write(modules, pinsModules)).Append(Lists(objects, pinsModules));
        text.Append("static struct klp_patch elivepatch_patch = {\n\t.mod = THIS_MODULE,\n\t.objs = elivepatch_objects,\n");
        text.Append(CultureInfo.InvariantCulture, $"\t.replace = {(replace ? "true" : "false")},\n}};\n\n");
        var enable = "klp_enable_patch(&elivepatch_patch)";
        if (shifts is { Count: > 0 })
        {
            text.Append(WritingShifts(shifts));
            enable = "elivepatch_write_shifts() ?: " + enable;
        }

        text.Append(
            escapes.MustStay
                ? KeepingInit(escapes, enable)
                : $"static int __init elivepatch_init(void)\n{{\n\treturn {enable};\n}}\n\n"
        );
        text.Append($"static void __exit elivepatch_exit(void)\n{{\n{(pinsModules ? "\telivepatch_unpin();\n" : "")}}}\n\n");
        text.Append(
            "module_init(elivepatch_init);\nmodule_exit(elivepatch_exit);\nMODULE_LICENSE(\"GPL\");\nMODULE_INFO(livepatch, \"Y\");\n"
        );
        text.Append(CultureInfo.InvariantCulture, $"MODULE_DESCRIPTION(\"{Escape(description)}\");\n");
        foreach (var name in namespaces.Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal))
        {
            text.Append(CultureInfo.InvariantCulture, $"MODULE_INFO(import_ns, \"{Escape(name)}\");\n");
        }

        return text.ToString();
    }

    // The kernel proper is the object without a name.
    private static string Lists(IReadOnlyList<IGrouping<PatchTarget, PatchedFunction>> objects, bool pinsModules)
    {
        var text = new StringBuilder();
        foreach (var (index, functions) in objects.Index())
        {
            text.Append(CultureInfo.InvariantCulture, $"\nstatic struct klp_func elivepatch_funcs_{index}[] = {{\n");
            foreach (var function in functions)
            {
                text.Append(
                    CultureInfo.InvariantCulture,
                    $"\t{{ .old_name = \"{function.Old.Name}\", .new_func = (void *){function.NewSymbol}, .old_sympos = {function.Old.Position} }},\n"
                );
            }

            text.Append("\t{ }\n};\n");
        }

        text.Append("\nstatic struct klp_object elivepatch_objects[] = {\n");
        foreach (var (index, functions) in objects.Index())
        {
            var name = functions.Key.ListedName is { } listed ? $".name = \"{listed}\", " : "";
            var guard = functions.Key is ModuleTarget ? GuardSource.Callbacks(index, pinsModules) : "";
            text.Append(CultureInfo.InvariantCulture, $"\t{{ {name}{guard}.funcs = elivepatch_funcs_{index} }},\n");
        }

        return text.Append("\t{ }\n};\n\n").ToString();
    }

    // The reference is taken before the first patched function can run, and given back only where none ever ran.
    private static string KeepingInit(EscapeFindings escapes, string enable)
    {
        var text = new StringBuilder(
            """
            /*
             * The kernel may hold addresses of this module after the livepatch was disabled or replaced, so its memory must stay: the
             * module keeps a reference to itself for good.

            """
        );
        foreach (var escape in escapes.Escapes)
        {
            text.Append(CultureInfo.InvariantCulture, $" *  - {Comment(escape.Function)} {Comment(escape.Event)}\n");
        }

        if (!escapes.IsComplete)
        {
            text.Append(" *  - its code is too large to be followed to the end\n");
        }

        return text.Append(
                """
                 */
                static int __init elivepatch_init(void)
                {
                	int ret;

                	__module_get(THIS_MODULE);
                	ret = ENABLE;
                	if (ret)
                		module_put(THIS_MODULE);
                	return ret;
                }


                """.Replace("ENABLE", enable, StringComparison.Ordinal)
            )
            .ToString();
    }

    private static string WritingShifts(IReadOnlyList<RuntimeShift> shifts)
    {
        var text = new StringBuilder(
            """
            /*
             * What the kernel did with its own code while it started (runtime_const_init()): the shift counts become the values of variables
             * that are read-only since. Nothing of this module has run yet.
             */

            """
        );
        text.Append(CultureInfo.InvariantCulture, $"extern void *{WriteCode}(void *addr, const void *opcode, size_t len);\n");
        foreach (var shift in shifts)
        {
            text.Append(
                CultureInfo.InvariantCulture,
                $"extern const char {shift.CodeSymbol}[];\nextern const u{shift.ValueSize * 8} {shift.ValueSymbol};\n"
            );
        }

        text.Append("\nstatic noinline int elivepatch_write_shift(const char *where, u64 value)\n{\n\tu8 count = value;\n\n");
        text.Append("\tif (value > 31)\n\t\treturn -ERANGE;\n");
        text.Append(
            CultureInfo.InvariantCulture,
            $"\treturn {WriteCode}((void *)where, &count, sizeof(count)) ? 0 : -EINVAL;\n}}\n\n"
        );
        text.Append("static noinline int elivepatch_write_shifts(void)\n{\n\tint ret = 0;\n\n");
        foreach (var shift in shifts)
        {
            text.Append(
                CultureInfo.InvariantCulture,
                $"\tret = ret ?: elivepatch_write_shift({shift.CodeSymbol} + {shift.Offset}, {shift.ValueSymbol});\n"
            );
        }

        return text.Append("\treturn ret;\n}\n\n").ToString();
    }

    private static string Comment(string text) =>
        string.Concat(text.Select(c => c is >= ' ' and <= '~' ? c : '?')).Replace("*/", "* /", StringComparison.Ordinal);

    private static string Escape(string text) =>
        string.Concat(
            text.Select(c =>
                c switch
                {
                    '"' or '\\' => $"\\{c}",
                    < ' ' or > '~' => "?",
                    _ => c.ToString(),
                }
            )
        );
}
