// In: the text of a dkms.conf (dkms(8)). Out: where DKMS compiles the module, and which variables make gets. DKMS has the shell
// read the file; here nothing is run. Assignments of plain text are understood, and where something else decides how the module
// is built, that is a refusal: what cannot be read here can be said on the command line.

using System.Text.RegularExpressions;
using Elivepatch.Kernel.Compile;
using Elivepatch.Kernel.Trees;
using Elivepatch.Model;

namespace Elivepatch.Kernel.Import;

/// <summary>What a <c>dkms.conf</c> says of a module's build.</summary>
internal sealed partial class DkmsConfiguration
{
    /// <summary>Its name, at the top of the module's source.</summary>
    public const string FileName = "dkms.conf";

    private const string Tree = "/var/lib/dkms";

    private readonly Dictionary<string, List<string>> assigned = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> variables;
    private readonly string[] lines;

    private DkmsConfiguration(string text, PreparedTree kernel)
    {
        var joined = text.Replace("\\\n", " ", StringComparison.Ordinal);
        lines = joined.Split('\n');
        foreach (Match line in Assignment().Matches(joined))
        {
            var key = line.Groups["key"].Value;
            if (!assigned.TryGetValue(key, out var values))
            {
                assigned[key] = values = [];
            }

            values.Add(line.Groups["value"].Value.Trim());
        }

        variables = new(StringComparer.Ordinal)
        {
            ["kernelver"] = kernel.Release,
            ["kernel_source_dir"] = $"/lib/modules/{kernel.Release}/build",
            ["source_tree"] = "/usr/src",
            ["dkms_tree"] = Tree,
            ["arch"] = kernel.Architecture.Machine,
        };
    }

    /// <summary>Reads one; refuses one that changes the source before it is compiled.</summary>
    public static Outcome<DkmsConfiguration> Parse(string text, PreparedTree kernel)
    {
        var configuration = new DkmsConfiguration(text, kernel);
        var changing = configuration.assigned.Keys.FirstOrDefault(k =>
            k is "PRE_BUILD" or "PATCH" || k.StartsWith("PATCH[", StringComparison.Ordinal)
        );
        if (changing is not null)
        {
            return Refuse($"it changes the source before it is compiled ({changing}={configuration.assigned[changing][0]})");
        }

        if (Array.Find(configuration.lines, l => !Understood().IsMatch(l)) is { } strange)
        {
            return Refuse($"a line is more than an assignment of text ({strange.Trim()})");
        }

        foreach (var (name, other) in new[] { ("PACKAGE_NAME", "module"), ("PACKAGE_VERSION", "module_version") })
        {
            if (configuration.assigned.ContainsKey(name) && configuration.ReadText(name).TryGet(out var value))
            {
                (configuration.variables[name], configuration.variables[other]) = (value, value);
            }
        }

        return configuration;
    }

    /// <summary>The folder in which DKMS compiles.</summary>
    public Outcome<string> ReadBuildPath() =>
        ReadText("PACKAGE_NAME").Then(name => ReadText("PACKAGE_VERSION").Then<string>(version => BuildPath(name, version)));

    /// <summary>The variables that make gets, as <c>KEY=VALUE</c>; none where the command is DKMS's own.</summary>
    public Outcome<IReadOnlyList<string>> ReadMakeVariables()
    {
        string[] first = ["MAKE", "MAKE[0]"];
        if (assigned.Keys.FirstOrDefault(k => k.StartsWith("MAKE", StringComparison.Ordinal) && !first.Contains(k)) is { } more)
        {
            return Refuse($"it has more than one way to make the module ({more})");
        }

        var commands = first.Where(assigned.ContainsKey).ToList();
        return commands switch
        {
            [] => Array.Empty<string>(),
            [var command] => ReadText(command).Then(ReadCommand),
            _ => Refuse("it has two commands (MAKE and MAKE[0])"),
        };
    }

    /// <summary>True for a word that gives make a variable.</summary>
    public static bool IsVariable(string word) => Variable().IsMatch(word);

    private static string BuildPath(string name, string version) => $"{Tree}/{name}/{version}/build";

    // make, its targets, and variables; how many jobs run, and in which kernel's tree kbuild is, makes no difference.
    private Outcome<IReadOnlyList<string>> ReadCommand(string command)
    {
        var ownFolder =
            variables.TryGetValue("PACKAGE_NAME", out var name) && variables.TryGetValue("PACKAGE_VERSION", out var version)
                ? BuildPath(name, version)
                : null;
        if (
            command.AsSpan().ContainsAny(";&|`$<>()") || ShellCommands.Split(command).ToList() is not [["make", ..] and var words]
        )
        {
            return Refuse($"it runs more than make ({command})");
        }

        var found = new List<string>();
        for (var i = 1; i < words.Count; i++)
        {
            var word = words[i];
            if (word == "-C" && i + 1 < words.Count && words[i + 1] == variables["kernel_source_dir"])
            {
                i++;
            }
            else if (word.StartsWith("M=", StringComparison.Ordinal) || word.StartsWith("SUBDIRS=", StringComparison.Ordinal))
            {
                if (word.Split('=', 2)[1].TrimEnd('/') != ownFolder)
                {
                    return Refuse($"kbuild is in another folder than the top of the source ({word})");
                }
            }
            else if (IsVariable(word))
            {
                found.Add(word);
            }
            else if (word != "-j" && !Harmless().IsMatch(word))
            {
                return Refuse($"make has an argument whose meaning is not known ({word})");
            }
        }

        return found;
    }

    private Outcome<string> ReadText(string key)
    {
        if (!assigned.TryGetValue(key, out var values))
        {
            return Refuse($"it has no {key}");
        }

        if (values is not [var value])
        {
            return Refuse($"it assigns {key} more than once");
        }

        var text = value is ['\'', .., '\''] ? value[1..^1] : Expand(value is ['"', .., '"'] ? value[1..^1] : value);
        return text.AsSpan().ContainsAny("$`\"\\") || text.Length == 0 ? Refuse($"{key} is not plain text ({value})") : text;
    }

    private string Expand(string value) =>
        Reference().Replace(value, m => variables.GetValueOrDefault(m.Groups["name"].Value, m.Value));

    private static Problem Refuse(string reason) => new(CompileProblems.DkmsUnreadable, $"{FileName}: {reason}");

    [GeneratedRegex(
        """^[ \t]*(?<key>[A-Za-z_]+(\[[0-9]+\])?)=(?<value>"([^"\\\n]|\\.)*"|'[^'\n]*'|[^#\n]*)""",
        RegexOptions.Multiline
    )]
    private static partial Regex Assignment();

    // Nothing, a comment, or an assignment with at most a comment behind it: whatever decides is no plain text.
    [GeneratedRegex(
        """\A[ \t\r]*(#.*|[A-Za-z_][A-Za-z0-9_]*(\[[0-9]+\])?=("([^"\\]|\\.)*"|'[^']*'|[^ \t;&|()<>"'#]*)[ \t\r]*;?[ \t\r]*(#.*)?)?\z"""
    )]
    private static partial Regex Understood();

    [GeneratedRegex(@"\$(\{(?<name>[A-Za-z_]+)\}|(?<name>[A-Za-z_]+))")]
    private static partial Regex Reference();

    [GeneratedRegex(@"\A[A-Za-z_][A-Za-z0-9_]*=[^\n]*\z")]
    private static partial Regex Variable();

    // -j8, and a target.
    [GeneratedRegex(@"\A(-j[0-9]*|[A-Za-z_][A-Za-z0-9_-]*)\z")]
    private static partial Regex Harmless();
}
