// In: the text of /proc/kallsyms. Out: the symbols of vmlinux and of every module, asked by name, by address and by position.
// The file is data from the machine to be patched and so is hostile: everything is bounded, nothing is believed unread.
using System.Globalization;
using System.Text;
using Elivepatch.Model;

namespace Elivepatch.Engine.Facts;

/// <summary>
/// The symbol table of a running kernel, from <c>/proc/kallsyms</c> (<c>s_show()</c> in <c>kernel/kallsyms.c</c>): lines
/// <c>address type name</c>, those of modules followed by a tab and <c>[module]</c>. vmlinux comes first, in address order, then
/// each module in one piece. Behind all modules the kernel lists what ftrace remembers of their init functions, under the
/// module's name again (<c>ftrace_mod_get_kallsym()</c> in <c>kernel/trace/ftrace.c</c>, for every module that was loaded while
/// ftrace was in use): code that is freed, and that neither <c>module_kallsyms_on_each_symbol()</c> nor livepatches know. It is
/// left out.
/// </summary>
public sealed class KernelSymbols
{
    private const int AddressDigits = 16;

    // Address, blank, type, blank, a name of one letter.
    private const int ShortestLine = AddressDigits + 4;
    private const int MaximumModules = 100_000;

    private readonly Dictionary<string, ObjectSymbols> modules;

    private KernelSymbols(ObjectSymbols vmlinux, Dictionary<string, ObjectSymbols> modules)
    {
        Vmlinux = vmlinux;
        this.modules = modules;
    }

    /// <summary>The symbols of the kernel proper.</summary>
    public ObjectSymbols Vmlinux { get; }

    /// <summary>
    /// Names of the modules that were loaded, in file order. The kernel adds pseudo modules such as <c>bpf</c> and
    /// <c>__builtin__ftrace</c> for code it generated itself.
    /// </summary>
    public IReadOnlyCollection<string> Modules => modules.Keys;

    /// <summary>The symbols of a loaded module, or null where it was not loaded.</summary>
    public ObjectSymbols? Module(string name) => modules.GetValueOrDefault(name);

    /// <summary>Reads the text of <c>/proc/kallsyms</c>. The memory is kept and must not change afterwards.</summary>
    public static Outcome<KernelSymbols> Parse(ReadOnlyMemory<byte> file)
    {
        var text = file.Span;
        if (text.Length > KernelLimits.SymbolsRead)
        {
            return Malformed(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"{text.Length} bytes are more than the {KernelLimits.SymbolsRead} that are read"
                )
            );
        }

        // No more than there can be symbols: a file of line ends alone is refused at its first line, and gets no room for the
        // others.
        var lines = Math.Min(text.Count((byte)'\n'), text.Length / (ShortestLine + 1)) + 1;
        var addresses = new ulong[lines];
        var types = new byte[lines];
        var nameStarts = new int[lines];
        var nameLengths = new ushort[lines];
        var table = new KallsymsTable(file, addresses, types, nameStarts, nameLengths);
        var modules = new Dictionary<string, ObjectSymbols>(StringComparer.Ordinal);
        var count = 0;
        var vmlinuxCount = -1;
        var moduleStart = 0;
        ulong anyAddress = 0;
        ReadOnlySpan<byte> module = default;

        for (var position = 0; position < text.Length; )
        {
            var length = text[position..].IndexOf((byte)'\n');
            var line = text.Slice(position, length < 0 ? text.Length - position : length).TrimEnd((byte)'\r');
            if (!TryReadLine(line, out var address, out var nameLength, out var lineModule))
            {
                return Malformed(string.Create(CultureInfo.InvariantCulture, $"line {count + 1} is '{Printable(line)}'"));
            }

            if (!lineModule.SequenceEqual(module) || (vmlinuxCount < 0 && !lineModule.IsEmpty))
            {
                if (lineModule.IsEmpty || modules.Count >= MaximumModules)
                {
                    return Malformed(
                        lineModule.IsEmpty
                            ? string.Create(
                                CultureInfo.InvariantCulture,
                                $"line {count + 1}: the symbols of vmlinux stand in two places"
                            )
                            : string.Create(CultureInfo.InvariantCulture, $"it has more than {MaximumModules} modules")
                    );
                }

                CloseModule(module);
                vmlinuxCount = vmlinuxCount < 0 ? count : vmlinuxCount;
                module = lineModule;
                moduleStart = count;
            }
            else if (module.IsEmpty && count > 0 && address < addresses[count - 1])
            {
                return Malformed(
                    string.Create(
                        CultureInfo.InvariantCulture,
                        $"line {count + 1}: vmlinux is not in address order at '{Printable(line)}'"
                    )
                );
            }

            addresses[count] = address;
            types[count] = line[AddressDigits + 1];
            nameStarts[count] = position + AddressDigits + 3;
            nameLengths[count] = (ushort)nameLength;
            anyAddress |= address;
            count++;
            position += (length < 0 ? text.Length - position : length) + 1;
        }

        vmlinuxCount = vmlinuxCount < 0 ? count : vmlinuxCount;
        if (vmlinuxCount == 0)
        {
            return Malformed("it has no symbol of vmlinux");
        }

        if (anyAddress == 0)
        {
            return new Problem(KernelProblems.HiddenAddresses, "every address in /proc/kallsyms is zero");
        }

        CloseModule(module);
        return new KernelSymbols(new ObjectSymbols(table, 0, vmlinuxCount, inAddressOrder: true), modules);

        // The first piece of a name is the module's own.
        void CloseModule(ReadOnlySpan<byte> name)
        {
            if (!name.IsEmpty)
            {
                modules.TryAdd(
                    Encoding.ASCII.GetString(name),
                    new ObjectSymbols(table, moduleStart, count - moduleStart, inAddressOrder: false)
                );
            }
        }
    }

    // A letter, or what nm(1) prints of a section that it has no letter for: __nosave_begin lies in one where nothing else does.
    private static bool IsType(char type) => char.IsAsciiLetter(type) || type == '?';

    /// <summary>Takes one line apart: 16 hexadecimal digits, a type, the name, and perhaps a module in brackets.</summary>
    private static bool TryReadLine(ReadOnlySpan<byte> line, out ulong address, out int nameLength, out ReadOnlySpan<byte> module)
    {
        address = 0;
        nameLength = 0;
        module = default;
        if (
            line.Length < ShortestLine
            || line[AddressDigits] != ' '
            || line[AddressDigits + 2] != ' '
            || !IsType((char)line[AddressDigits + 1])
            || !TryReadAddress(line[..AddressDigits], out address)
        )
        {
            return false;
        }

        var rest = line[(AddressDigits + 3)..];
        var tab = rest.IndexOf((byte)'\t');
        if (tab >= 0)
        {
            module = rest[(tab + 1)..];
            if (module is not [(byte)'[', .., (byte)']'] || module.Length is < 3 or > KernelLimits.ModuleName + 2)
            {
                return false;
            }

            module = module[1..^1];
            rest = rest[..tab];
        }

        nameLength = rest.Length;
        return nameLength is > 0 and <= KernelLimits.SymbolName && IsGraphic(rest) && IsGraphic(module);
    }

    private static bool TryReadAddress(ReadOnlySpan<byte> digits, out ulong address)
    {
        address = 0;
        foreach (var digit in digits)
        {
            var value = HexValue(digit);
            if (value < 0)
            {
                return false;
            }

            address = (address << 4) | (uint)value;
        }

        return true;
    }

    private static int HexValue(byte digit) =>
        digit switch
        {
            >= (byte)'0' and <= (byte)'9' => digit - '0',
            >= (byte)'a' and <= (byte)'f' => digit - 'a' + 10,
            >= (byte)'A' and <= (byte)'F' => digit - 'A' + 10,
            _ => -1,
        };

    private static bool IsGraphic(ReadOnlySpan<byte> name) => !name.ContainsAnyExceptInRange((byte)0x21, (byte)0x7e);

    private static string Printable(ReadOnlySpan<byte> line)
    {
        var text = new StringBuilder();
        foreach (var b in line[..Math.Min(line.Length, 80)])
        {
            text.Append(b is >= 0x20 and < 0x7f ? (char)b : '?');
        }

        return text.ToString();
    }

    private static Problem Malformed(string reason) => new(FactProblems.MalformedKallsyms, $"/proc/kallsyms: {reason}");
}
