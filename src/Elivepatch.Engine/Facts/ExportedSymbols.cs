// In: the text of Module.symvers. Out: which symbols a module may refer to by name, with their checksums.
using System.Globalization;
using System.Text;
using Elivepatch.Model;

namespace Elivepatch.Engine.Facts;

/// <summary>
/// What the kernel and its modules export, from <c>Module.symvers</c>: lines of five fields with tabs between them, checksum,
/// name, module, kind of export, namespace (<c>Documentation/kbuild/modules.rst</c>).
/// </summary>
public sealed class ExportedSymbols
{
    private readonly Dictionary<string, ExportedSymbol> byName;

    private ExportedSymbols(Dictionary<string, ExportedSymbol> byName) => this.byName = byName;

    /// <summary>How many symbols are exported.</summary>
    public int Count => byName.Count;

    /// <summary>All exported symbols.</summary>
    public IReadOnlyCollection<ExportedSymbol> All => byName.Values;

    /// <summary>The export of this name, or null.</summary>
    public ExportedSymbol? Find(string name) => byName.GetValueOrDefault(name);

    /// <summary>
    /// These, and those of modules' files, whose checksums are not known: where a module has a name of another's, it takes its
    /// place. Those of a module that is listed here already are known better.
    /// </summary>
    public ExportedSymbols With(IEnumerable<ExportedSymbol> others)
    {
        var all = new Dictionary<string, ExportedSymbol>(byName, StringComparer.Ordinal);
        foreach (var export in others)
        {
            if (!byName.TryGetValue(export.Name, out var known) || known.ObjectName != export.Module)
            {
                all[export.Name] = export;
            }
        }

        return new(all);
    }

    /// <summary>Reads the text of <c>Module.symvers</c>.</summary>
    public static Outcome<ExportedSymbols> Parse(ReadOnlySpan<byte> text)
    {
        if (text.Length > KernelLimits.ExportsRead)
        {
            return Malformed(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"{text.Length} bytes are more than the {KernelLimits.ExportsRead} that are read"
                )
            );
        }

        var byName = new Dictionary<string, ExportedSymbol>(StringComparer.Ordinal);
        var number = 0;
        foreach (var range in text.Split((byte)'\n'))
        {
            number++;
            var line = text[range];
            if (line.IsEmpty)
            {
                continue;
            }

            if (ReadLine(line) is not { } symbol)
            {
                return Malformed(string.Create(CultureInfo.InvariantCulture, $"line {number}: malformed export line"));
            }

            if (!byName.TryAdd(symbol.Name, symbol))
            {
                return Malformed(
                    string.Create(CultureInfo.InvariantCulture, $"line {number} exports '{symbol.Name}' a second time")
                );
            }
        }

        return new ExportedSymbols(byName);
    }

    private static ExportedSymbol? ReadLine(ReadOnlySpan<byte> line)
    {
        if (line.Length > 4096 || line.ContainsAnyExceptInRange((byte)0x09, (byte)0x7e))
        {
            return null;
        }

        // The namespace came in 5.4 and moved to the end in 5.8; where it is absent there may be four fields.
        var fields = Encoding.ASCII.GetString(line).Split('\t');
        if (
            fields.Length is not (4 or 5)
            || fields[1].Length == 0
            || fields[2].Length == 0
            || fields[0] is not ['0', 'x', .. { Length: 8 } digits]
            || !uint.TryParse(digits, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var crc)
            || fields[3] is not ("EXPORT_SYMBOL" or "EXPORT_SYMBOL_GPL")
        )
        {
            return null;
        }

        return new(fields[1], crc, fields[2], fields.Length == 5 ? fields[4] : "");
    }

    private static Problem Malformed(string reason) => new(FactProblems.MalformedSymvers, $"Module.symvers: {reason}");
}
