using System.Globalization;
using System.Text;

namespace Elivepatch.Engine.Link;

/// <summary>
/// Writes the small C unit that makes a module of the new functions: the lists of <c>include/linux/livepatch.h</c> and the call
/// that enables them. It is compiled against the target's own headers, so that structure layouts are the kernel's.
/// </summary>
public static class GlueSource
{
    /// <summary>The headers that <see cref="Write"/> needs, to be precompiled once per kernel.</summary>
    public const string Headers = "#include <linux/module.h>\n#include <linux/livepatch.h>\n";

    /// <summary>Writes the unit.</summary>
    /// <param name="patched">The functions to divert.</param>
    /// <param name="replace">True for a cumulative livepatch that replaces all others atomically.</param>
    /// <param name="description">One line for <c>modinfo</c>.</param>
    /// <param name="namespaces">Symbol namespaces of the exports that the livepatch uses.</param>
    public static string Write(IReadOnlyList<PatchedFunction> patched, bool replace, string description, IEnumerable<string> namespaces)
    {
        var text = new StringBuilder();
        foreach (var function in patched)
            text.Append(CultureInfo.InvariantCulture, $"extern const char {function.NewSymbol}[];\n");
        text.Append("\nstatic struct klp_func elivepatch_funcs_vmlinux[] = {\n");
        foreach (var function in patched)
        {
            text.Append(CultureInfo.InvariantCulture,
                $"\t{{ .old_name = \"{function.Old.Name}\", .new_func = (void *){function.NewSymbol}, .old_sympos = {function.Old.Position} }},\n");
        }

        text.Append("\t{ }\n};\n\nstatic struct klp_object elivepatch_objects[] = {\n\t{ .funcs = elivepatch_funcs_vmlinux },\n\t{ }\n};\n\n");
        text.Append("static struct klp_patch elivepatch_patch = {\n\t.mod = THIS_MODULE,\n\t.objs = elivepatch_objects,\n");
        text.Append(CultureInfo.InvariantCulture, $"\t.replace = {(replace ? "true" : "false")},\n}};\n\n");
        text.Append("static int __init elivepatch_init(void)\n{\n\treturn klp_enable_patch(&elivepatch_patch);\n}\n\n");
        text.Append("static void __exit elivepatch_exit(void)\n{\n}\n\n");
        text.Append("module_init(elivepatch_init);\nmodule_exit(elivepatch_exit);\nMODULE_LICENSE(\"GPL\");\nMODULE_INFO(livepatch, \"Y\");\n");
        text.Append(CultureInfo.InvariantCulture, $"MODULE_DESCRIPTION(\"{Escape(description)}\");\n");
        foreach (var name in namespaces.Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal))
            text.Append(CultureInfo.InvariantCulture, $"MODULE_INFO(import_ns, \"{Escape(name)}\");\n");
        return text.ToString();
    }

    private static string Escape(string text) => string.Concat(text.Select(c => c switch
    {
        '"' or '\\' => $"\\{c}",
        < ' ' or > '~' => "?",
        _ => c.ToString(),
    }));
}
