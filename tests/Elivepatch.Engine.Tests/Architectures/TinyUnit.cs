using Elivepatch.Elf;
using Elivepatch.Engine.Architectures;

namespace Elivepatch.Engine.Tests.Architectures;

/// <summary>
/// Assembles a unit for <see cref="TinyArchitecture"/>, as a compiler does: in one section, or in one for each function and
/// datum.
/// </summary>
internal sealed class TinyUnit(bool isSectioned)
{
    private readonly ElfObject elf = new() { Machine = TinyArchitecture.Number, Order = ElfByteOrder.BigEndian };
    private readonly List<(ElfSection Section, ulong Offset, uint Kind, string Name)> open = [];

    private static TinyArchitecture Tiny => TinyArchitecture.Instance;

    /// <summary>One instruction: what it does, a number, and the name of what it leads to.</summary>
    public readonly record struct Code(uint Kind, uint Number = 0, string? To = null);

    /// <summary>Adds a function; it begins with the call that ftrace makes.</summary>
    public TinyUnit Function(string name, params Code[] body)
    {
        Code[] whole = [new(TinyArchitecture.Call, To: TinyArchitecture.TraceEntry), .. body];
        var section = Section(isSectioned ? $".text.{name}" : ".text", ElfSectionFlags.Alloc | ElfSectionFlags.Execute);
        var start = (ulong)section.Content.Length;
        var bytes = new byte[whole.Length * TinyArchitecture.Word];
        for (var i = 0; i < whole.Length; i++)
        {
            Tiny.Order.WriteUInt32(bytes.AsSpan(i * TinyArchitecture.Word), (whole[i].Kind << 26) | whole[i].Number);
            if (whole[i].To is { } to)
            {
                open.Add((section, start + (ulong)(i * TinyArchitecture.Word), whole[i].Kind, to));
            }
        }

        section.Content = [.. section.Content, .. bytes];
        Symbol(name, section, start, (ulong)bytes.Length, ElfSymbolType.Function);
        return this;
    }

    /// <summary>Adds a datum of pointers.</summary>
    public TinyUnit Pointers(string name, params string[] to)
    {
        var section = Section(isSectioned ? $".data.{name}" : ".data", ElfSectionFlags.Alloc | ElfSectionFlags.Write);
        var start = (ulong)section.Content.Length;
        for (var i = 0; i < to.Length; i++)
        {
            open.Add((section, start + (ulong)(i * sizeof(ulong)), 0, to[i]));
        }

        section.Content = [.. section.Content, .. new byte[to.Length * sizeof(ulong)]];
        Symbol(name, section, start, (ulong)(to.Length * sizeof(ulong)), ElfSymbolType.Object);
        return this;
    }

    /// <summary>Adds a datum without relocations.</summary>
    public TinyUnit Data(
        string name,
        string section,
        byte[] content,
        ElfSectionFlags flags = ElfSectionFlags.Alloc | ElfSectionFlags.Write
    )
    {
        var home = Section(section, flags);
        var start = (ulong)home.Content.Length;
        home.Content = [.. home.Content, .. content];
        Symbol(name, home, start, (ulong)content.Length, ElfSymbolType.Object);
        return this;
    }

    /// <summary>Lets a field of a datum lead to something.</summary>
    public TinyUnit Point(string datum, int field, string to)
    {
        var symbol = elf.FindSymbol(datum)!;
        open.Add((symbol.Section!, symbol.Value + (ulong)field, 0, to));
        return this;
    }

    /// <summary>The object. A branch within one section needs no relocation.</summary>
    public ElfObject Finish()
    {
        foreach (var (section, offset, kind, name) in open)
        {
            var target = elf.FindSymbol(name);
            if (TypeOf(kind).Part == RelocationPart.Whole && kind != 0 && target?.Section == section)
            {
                TinyArchitecture.Relative26.Write(
                    section.Content.AsSpan((int)offset),
                    Tiny.Order,
                    unchecked(target!.Value - offset)
                );
                continue;
            }

            if (target is null)
            {
                elf.Symbols.Add(target = new(name) { Binding = ElfSymbolBinding.Global });
            }

            if (section.Relocations is null)
            {
                elf.Sections.Add(section.Relocations = new(".rela" + section.Name, section));
            }

            section.Relocations.Entries.Add(new(offset, TypeOf(kind).Number, target, 0));
        }

        open.Clear();
        return elf;
    }

    private static RelocationType TypeOf(uint kind) =>
        kind switch
        {
            0 => TinyArchitecture.Absolute64,
            TinyArchitecture.PageOf => TinyArchitecture.Page26,
            TinyArchitecture.AddLow => TinyArchitecture.Low12,
            _ => TinyArchitecture.Relative26,
        };

    private ElfSection Section(string name, ElfSectionFlags flags)
    {
        if (elf.FindSection(name) is { } known)
        {
            return known;
        }

        ElfSection made = new(name, ElfSectionType.ProgBits)
        {
            Flags = flags,
            Alignment = 8,
            Content = [],
        };
        elf.Sections.Add(made);
        return made;
    }

    private void Symbol(string name, ElfSection section, ulong value, ulong size, ElfSymbolType type) =>
        elf.Symbols.Add(
            new(name)
            {
                Binding = ElfSymbolBinding.Global,
                Type = type,
                Place = ElfSymbolPlace.Section,
                Section = section,
                Value = value,
                Size = size,
            }
        );
}
