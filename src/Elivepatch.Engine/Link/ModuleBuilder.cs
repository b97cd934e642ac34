using Elivepatch.Elf;
using Elivepatch.Engine.Architectures;

namespace Elivepatch.Engine.Link;

/// <summary>
/// An object file under construction: sections of one name grow together, as a linker would make them, because the module
/// loader takes the first section of a name and no other.
/// </summary>
internal sealed class ModuleBuilder(Architecture architecture)
{
    private readonly Dictionary<string, OutputSection> sections = [];

    /// <summary>The object so far; complete after <see cref="Finish"/>.</summary>
    public ElfObject Object { get; } = new() { Machine = architecture.Machine, Order = architecture.Order };

    /// <summary>Where something came to lie.</summary>
    internal readonly record struct Place(ElfSection Section, ElfSymbol SectionSymbol, ulong Offset);

    private sealed class OutputSection(ElfSection section, ElfSymbol symbol)
    {
        public ElfSection Section { get; } = section;

        public ElfSymbol Symbol { get; } = symbol;

        public MemoryStream Bytes { get; } = new();

        public ElfRelocationSection? Relocations { get; set; }
    }

    /// <summary>Appends bytes to the section of this name and tells where they lie.</summary>
    /// <param name="like">Section whose type, flags and entry size are taken.</param>
    /// <param name="name">Name of the section to grow.</param>
    /// <param name="content">The bytes; empty for a section without bytes in the file.</param>
    /// <param name="size">Size in bytes.</param>
    /// <param name="alignment">Alignment in bytes, a power of two.</param>
    public Place Append(ElfSection like, string name, ReadOnlySpan<byte> content, ulong size, ulong alignment)
    {
        var output = Find(like, name);
        var section = output.Section;
        alignment = Math.Max(alignment, 1);
        section.Alignment = Math.Max(section.Alignment, alignment);
        if (section.Type == ElfSectionType.NoBits && like.Type != ElfSectionType.NoBits)
        {
            throw new InvalidOperationException($"{name} holds bytes in one unit and none in another");
        }

        var start =
            (section.Type == ElfSectionType.NoBits ? section.NoBitsSize : (ulong)output.Bytes.Length) + alignment - 1
            & ~(alignment - 1);
        if (section.Type == ElfSectionType.NoBits)
        {
            section.NoBitsSize = start + size;
        }
        else
        {
            // Between a function and its cold part objtool decodes what lies there.
            var padding = new byte[start - (ulong)output.Bytes.Length];
            for (
                var i = 0;
                section.Has(ElfSectionFlags.Execute) && i + architecture.Nop.Length <= padding.Length;
                i += architecture.Nop.Length
            )
            {
                architecture.Nop.CopyTo(padding.AsSpan(i));
            }

            output.Bytes.Position = output.Bytes.Length;
            output.Bytes.Write(padding);
            output.Bytes.Write(content);
            output.Bytes.SetLength((long)(start + size));
        }

        return new(section, output.Symbol, start);
    }

    /// <summary>Adds a relocation of a field.</summary>
    public void Relocate(ElfSection section, ulong offset, RelocationType type, ElfSymbol symbol, long addend)
    {
        var output = sections[section.Name];
        if (output.Relocations is null)
        {
            output.Relocations = new(".rela" + section.Name, section)
            {
                Alignment = 8,
                EntrySize = 24,
                Flags = ElfSectionFlags.InfoLink,
            };
            section.Relocations = output.Relocations;
        }

        output.Relocations.Entries.Add(new(offset, type.Number, symbol, addend));

        // A module loader may insist on zeroes where it relocates.
        if (section.Type == ElfSectionType.NoBits || !type.IsKnown || type.Size is 0 or > sizeof(ulong))
        {
            return;
        }

        Span<byte> field = stackalloc byte[type.Size];
        output.Bytes.Position = (long)offset;
        output.Bytes.ReadExactly(field);
        type.Clear(field, architecture.Order);
        output.Bytes.Position = (long)offset;
        output.Bytes.Write(field);
    }

    /// <summary>Writes other bytes over some that were appended.</summary>
    public void Overwrite(ElfSection section, ulong offset, ReadOnlySpan<byte> bytes)
    {
        var output = sections[section.Name];
        output.Bytes.Position = (long)offset;
        output.Bytes.Write(bytes);
    }

    /// <summary>True where a section of this name exists.</summary>
    public bool HasSection(string name) => sections.ContainsKey(name);

    /// <summary>Completes the object.</summary>
    public ElfObject Finish()
    {
        Fill(Object);
        return Object;
    }

    /// <summary>
    /// What is there so far, to be looked at: an object of its own that shares sections and symbols with this one.
    /// </summary>
    public ElfObject Snapshot()
    {
        var look = new ElfObject { Machine = architecture.Machine, Order = architecture.Order };
        look.Symbols.AddRange(Object.Symbols);
        Fill(look);
        return look;
    }

    private void Fill(ElfObject elf)
    {
        foreach (var output in sections.Values)
        {
            if (output.Section.Type != ElfSectionType.NoBits)
            {
                output.Section.Content = output.Bytes.ToArray();
            }

            elf.Sections.Add(output.Section);
        }

        elf.Sections.AddRange(sections.Values.Select(o => o.Relocations).OfType<ElfRelocationSection>());
    }

    private OutputSection Find(ElfSection like, string name)
    {
        if (sections.TryGetValue(name, out var output))
        {
            return output;
        }

        // Merging and link order would need what only a linker knows; the kernel needs neither.
        var flags =
            like.Flags & ~(ElfSectionFlags.Merge | ElfSectionFlags.Strings | ElfSectionFlags.LinkOrder | ElfSectionFlags.Group);
        var section = new ElfSection(name, like.Type)
        {
            Flags = flags,
            EntrySize = like.Has(ElfSectionFlags.Merge) ? 0 : like.EntrySize,
        };
        var symbol = new ElfSymbol("")
        {
            Type = ElfSymbolType.Section,
            Place = ElfSymbolPlace.Section,
            Section = section,
        };
        Object.Symbols.Add(symbol);
        return sections[name] = new(section, symbol);
    }
}
