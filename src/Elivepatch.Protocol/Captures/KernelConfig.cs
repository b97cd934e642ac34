// In: the text of a kernel's .config. Out: its options by name. The format is that which scripts/kconfig/confdata.c writes.

namespace Elivepatch.Protocol.Captures;

/// <summary>The options of a kernel's configuration.</summary>
public sealed class KernelConfig
{
    private const string Prefix = "CONFIG_";
    private const string NotSet = " is not set";
    private readonly Dictionary<string, string> options;

    private KernelConfig(Dictionary<string, string> options, string text)
    {
        this.options = options;
        Text = text;
    }

    /// <summary>The text as it was read.</summary>
    public string Text { get; }

    /// <summary>The compiler that built the kernel: the first line of its <c>--version</c> (CONFIG_CC_VERSION_TEXT).</summary>
    public string CompilerText => GetString("CC_VERSION_TEXT");

    /// <summary>
    /// Reads a configuration. Lines that say nothing are passed over; of two lines for an option the later counts.
    /// </summary>
    public static KernelConfig Parse(string text)
    {
        var options = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var line in text.AsSpan().EnumerateLines())
        {
            if (line.StartsWith(Prefix) && line.IndexOf('=') is var at and > 0)
            {
                options[line[Prefix.Length..at].ToString()] = line[(at + 1)..].Trim().ToString();
            }
            else if (line.StartsWith("# " + Prefix) && line.EndsWith(NotSet))
            {
                options.Remove(line[(Prefix.Length + 2)..^NotSet.Length].ToString());
            }
        }
        return new(options, text);
    }

    /// <summary>True for <c>y</c> or <c>m</c>.</summary>
    public bool IsSet(string option) => options.GetValueOrDefault(option) is "y" or "m";

    /// <summary>The value of a text option without its quotes; empty where it is not set.</summary>
    public string GetString(string option)
    {
        var value = options.GetValueOrDefault(option, "");
        return value.Length >= 2 && value[0] == '"' && value[^1] == '"'
            ? value[1..^1].Replace("\\\"", "\"", StringComparison.Ordinal).Replace("\\\\", "\\", StringComparison.Ordinal)
            : value;
    }

    /// <summary>The value of a number option; 0 where it is not set or is no number.</summary>
    public int GetNumber(string option) =>
        int.TryParse(options.GetValueOrDefault(option), System.Globalization.CultureInfo.InvariantCulture, out var number)
            ? number
            : 0;

    /// <summary>True where the configuration has a line for an option, be it that it is not set.</summary>
    public bool Contains(string option) =>
        options.ContainsKey(option) || Text.Contains($"# {Prefix}{option}{NotSet}\n", StringComparison.Ordinal);

    /// <summary>The options that differ from another configuration, as "CONFIG_X: y, was m", in order of name.</summary>
    /// <param name="before">The other configuration.</param>
    /// <param name="passedOver">Options that may differ.</param>
    public IReadOnlyList<string> DifferencesFrom(KernelConfig before, Func<string, bool> passedOver) =>
        [
            .. options
                .Keys.Union(before.options.Keys)
                .Where(o => !passedOver(o))
                .Order(StringComparer.Ordinal)
                .Select(name => (name, now: Value(name), was: before.Value(name)))
                .Where(d => d.now != d.was)
                .Select(d => $"{Prefix}{d.name}: {d.now}, was {d.was}"),
        ];

    private string Value(string name) => options.GetValueOrDefault(name, "not set");
}
