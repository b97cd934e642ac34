using System.Globalization;
using Elivepatch.Elf;

namespace Elivepatch.Kernel.Tests.Differential;

/// <summary>What was compared, and what came of it.</summary>
internal sealed record Compared(
    IReadOnlyList<string> Wrong,
    int Functions,
    int Fields,
    int Unsure,
    IReadOnlyList<string> OtherLayout
);

/// <summary>
/// Compares the functions of a livepatch with those that a whole compilation of the patched unit gives: the same bytes, and in
/// each field the address that the running kernel has for what the compiler meant.
/// </summary>
/// <param name="module">The livepatch.</param>
/// <param name="patched">The patched unit, compiled as the kernel's own build would.</param>
/// <param name="unit">Where the unpatched one lies.</param>
/// <param name="home">The object that it is linked into.</param>
/// <param name="kernel">The kernel proper.</param>
internal sealed class PlainComparison(ElfObject module, ElfObject patched, PlainUnit unit, PlainSymbols home, PlainSymbols kernel)
{
    // x86-64 psABI, table 4.9.
    private const uint Pc32 = 2;
    private const uint Plt32 = 4;
    private const int FieldSize = 4;
    private const string FtraceEntry = "__fentry__";

    private readonly PlainLivepatch livepatch = new(module);
    private readonly List<string> wrong = [];
    private int fields;
    private int unsure;
    private readonly List<string> otherLayout = [];

    public Compared Run()
    {
        var replaced = livepatch.ReadList();
        var compared = 0;
        foreach (var function in replaced)
        {
            CheckOld(function);
            var twins = patched
                .Symbols.Where(s =>
                    s is { IsDefined: true, IsFunction: true }
                    && PlainUnit.BaseOf(s.Name) == PlainUnit.BaseOf(function.OldName)
                    && !IsCold(s.Name)
                )
                .ToList();
            if (twins is not [var twin])
            {
                // Of several copies of one function their names do not tell which is which.
                unsure++;
                continue;
            }

            compared++;
            Compare(function, twin);
        }

        return new(wrong, compared, fields, unsure, otherLayout);
    }

    private static bool IsCold(string name) => name.Contains(".cold", StringComparison.Ordinal);

    // Another unit's definition may have won.
    private bool IsWeak(string name) => patched.Symbols.Any(s => s.Name == name && s.Binding == ElfSymbolBinding.Weak);

    // The list must mean the function of this unit.
    private void CheckOld(PlainReplacement function)
    {
        var address = home.At(function.OldName, function.Position);
        var known = unit.AddressesOf(function.OldName);
        if (address is null)
        {
            wrong.Add($"{function.OldName},{function.Position} is nothing in the kernel");
        }
        else if (known.Count == 0)
        {
            unsure++;
        }
        else if (!known.Contains(address.Value))
        {
            wrong.Add($"{function.OldName},{function.Position} is at {address:x}, and the unit's is not");
        }
    }

    private void Compare(PlainReplacement function, ElfSymbol twin)
    {
        var (own, other) = (livepatch.FieldsOf(function.Section), Fields(twin.Section!));
        var size = (int)twin.Size;
        var (start, otherStart) = ((int)function.Start, (int)twin.Value);
        if (start + size > function.Section.Content.Length)
        {
            otherLayout.Add($"{function.OldName} is shorter");
            return;
        }

        var masked = new bool[size];
        var places = new SortedSet<int>();
        for (var i = 0; i < size; i++)
        {
            if (own.ContainsKey((ulong)(start + i)) || other.ContainsKey((ulong)(otherStart + i)))
            {
                places.Add(i);
                // Eight bytes only where a field is known to have them; code has four nearly everywhere.
                masked.AsSpan(i, Math.Min(FieldSize, size - i)).Fill(true);
                if (other.TryGetValue((ulong)(otherStart + i), out var entry) && entry.Symbol?.Name == FtraceEntry)
                {
                    // objtool makes a NOP of the call.
                    masked.AsSpan(i - 1, FieldSize + 1).Fill(true);
                    places.Remove(i);
                }
            }
        }

        foreach (var (at, length) in StaticBranches(twin))
        {
            masked.AsSpan(at, length).Fill(true);
        }

        for (var i = 0; i < size; i++)
        {
            if (!masked[i] && function.Section.Content[start + i] != twin.Section!.Content[otherStart + i])
            {
                // A section of its own has other alignment, and its branches another reach. Nothing is said of such code here.
                otherLayout.Add(string.Create(CultureInfo.InvariantCulture, $"{function.OldName}+0x{i:x}"));
                return;
            }
        }

        var ends = Ends(twin);
        foreach (var place in places)
        {
            fields++;
            CompareField(function, twin, (place, ends.GetValueOrDefault(place, FieldSize)), own, other);
        }
    }

    private static Dictionary<ulong, ElfRelocation> Fields(ElfSection section) =>
        (section.Relocations?.Entries ?? []).Where(r => r.Type != 0).ToDictionary(r => r.Offset);

    private void CompareField(
        PlainReplacement function,
        ElfSymbol twin,
        (int Offset, int ToEnd) place,
        IReadOnlyDictionary<ulong, ElfRelocation> own,
        Dictionary<ulong, ElfRelocation> other
    )
    {
        // Several names may be at one place, where an object has no size.
        var pairs = Meant(twin, place, other).SelectMany(m => Led(function, place, own).Select(l => (Meant: m, Led: l))).ToList();
        var judged = pairs.ConvertAll(p => IsRight(p.Meant, p.Led));
        if (judged.Contains(true))
        {
            return;
        }

        if (judged.Count == 0 || judged.Contains(null))
        {
            unsure++;
        }
        else
        {
            wrong.Add(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"{function.OldName}+0x{place.Offset:x}: {pairs[0].Meant} is meant, and it leads to {pairs[0].Led}"
                )
            );
        }
    }

    // Null where that cannot be said.
    private bool? IsRight(Target meant, Target led)
    {
        if (meant.Text is not null || led.Text is not null)
        {
            return meant.Text == led.Text;
        }

        // Its own rarely executed part; data without a name.
        if (IsCold(meant.Name) || meant.Name.Length == 0 || led.Name.Length == 0)
        {
            return null;
        }

        if (PlainUnit.BaseOf(led.Name) != PlainUnit.BaseOf(meant.Name) || led.Offset != meant.Offset)
        {
            return false;
        }

        // What is new, or replaced as well, has the name of the source.
        if (led.IsOfModule)
        {
            return true;
        }

        if (meant.IsDefined && !IsWeak(meant.Name))
        {
            return unit.AddressesOf(meant.Name) is { Count: > 0 } known
                ? led.Address is { } there && known.Contains(there)
                : null;
        }

        // As the linker and the module loader look for it. What another module exports is not known here.
        return (home.Global(meant.Name) ?? kernel.Global(meant.Name)) is { } right ? led.Address == right : null;
    }

    // What the compiler meant.
    private IReadOnlyList<Target> Meant(ElfSymbol twin, (int Offset, int ToEnd) place, Dictionary<ulong, ElfRelocation> other)
    {
        if (!other.TryGetValue(twin.Value + (ulong)place.Offset, out var field))
        {
            // The assembler has resolved it: both ends are in one section.
            var distance = BitConverter.ToInt32(twin.Section!.Content, (int)twin.Value + place.Offset);
            return Named(patched, twin.Section, (long)twin.Value + place.Offset + FieldSize + distance);
        }

        return Of(patched, field, place.ToEnd);
    }

    private IReadOnlyList<Target> Led(
        PlainReplacement function,
        (int Offset, int ToEnd) place,
        IReadOnlyDictionary<ulong, ElfRelocation> own
    )
    {
        if (!own.TryGetValue(function.Start + (ulong)place.Offset, out var field) || field.Symbol is not { } symbol)
        {
            return [];
        }

        if (PlainLivepatch.Parse(symbol.Name) is { } parsed)
        {
            var owner = new[] { home, kernel }.FirstOrDefault(o => o.ObjectName == parsed.ObjectName);
            var address = owner?.At(parsed.Name, parsed.Position);
            return owner is null ? [] : [new(parsed.Name, field.Addend + Bias(field, place.ToEnd), null, address, true, false)];
        }

        if (!symbol.IsDefined)
        {
            return [new(symbol.Name, field.Addend + Bias(field, place.ToEnd), null, kernel.Global(symbol.Name), false, false)];
        }

        return [.. Of(module, field, place.ToEnd).Select(t => t with { IsOfModule = true })];
    }

    private static IReadOnlyList<Target> Of(ElfObject elf, ElfRelocation field, int toEnd)
    {
        var symbol = field.Symbol!;
        if (!symbol.IsDefined)
        {
            return [new(symbol.Name, field.Addend + Bias(field, toEnd), null, null, false, false)];
        }

        var meant = (long)symbol.Value + field.Addend + Bias(field, toEnd);
        return symbol.IsSectionSymbol
            ? Named(elf, symbol.Section!, meant)
            : [new(symbol.Name, field.Addend + Bias(field, toEnd), TextOf(symbol.Section!, meant), null, true, false)];
    }

    // What an addend lacks: a field that is relative to the next instruction counts from itself.
    private static long Bias(ElfRelocation field, int toEnd) => field.Type is Pc32 or Plt32 ? toEnd : 0;

    // objtool makes NOPs of them (arch/x86/include/asm/jump_label.h). An entry of the table has 16 bytes, the place first.
    private IEnumerable<(int At, int Length)> StaticBranches(ElfSymbol function)
    {
        const int entry = 16;
        foreach (var place in patched.FindSection("__jump_table")?.Relocations?.Entries.Where(r => r.Offset % entry == 0) ?? [])
        {
            var at = (long)place.Symbol!.Value + place.Addend - (long)function.Value;
            if (place.Symbol.Section != function.Section || at < 0 || at >= (long)function.Size)
            {
                continue;
            }

            var code = function.Section!.Content.AsSpan((int)function.Value + (int)at, (int)function.Size - (int)at).ToArray();
            yield return ((int)at, Iced.Intel.Decoder.Create(64, code).Decode().Length);
        }
    }

    // For each field in code the bytes from it to the end of its instruction.
    private static Dictionary<int, int> Ends(ElfSymbol function)
    {
        var code = function.Section!.Content.AsSpan((int)function.Value, (int)function.Size).ToArray();
        var decoder = Iced.Intel.Decoder.Create(64, code);
        var ends = new Dictionary<int, int>();
        while ((int)decoder.IP < code.Length)
        {
            var start = (int)decoder.IP;
            var instruction = decoder.Decode();
            var offsets = decoder.GetConstantOffsets(instruction);
            foreach (
                var (has, offset) in new[]
                {
                    (offsets.HasDisplacement, offsets.DisplacementOffset),
                    (offsets.HasImmediate, offsets.ImmediateOffset),
                }
            )
            {
                if (has)
                {
                    ends[start + offset] = instruction.Length - offset;
                }
            }
        }

        return ends;
    }

    private static IReadOnlyList<Target> Named(ElfObject elf, ElfSection section, long offset)
    {
        if (TextOf(section, offset) is { } text)
        {
            return [new("", 0, text, null, true, false)];
        }

        return
        [
            .. elf
                .Symbols.Where(s =>
                    s.IsDefined
                    && s.Section == section
                    && !s.IsSectionSymbol
                    && s.Name.Length > 0
                    && (long)s.Value <= offset
                    && offset < (long)(s.Value + Math.Max(s.Size, 1))
                )
                .Select(s => new Target(s.Name, offset - (long)s.Value, null, null, true, false)),
        ];
    }

    private static string? TextOf(ElfSection section, long offset) =>
        section.Has(ElfSectionFlags.Strings) || section.Name.Contains(".str1.", StringComparison.Ordinal)
            ? offset >= 0 && offset < section.Content.Length
                ? PlainLivepatch.TextAt(section, (ulong)offset)
                : ""
            : null;

    /// <summary>Where a field leads.</summary>
    private sealed record Target(string Name, long Offset, string? Text, ulong? Address, bool IsDefined, bool IsOfModule);
}
