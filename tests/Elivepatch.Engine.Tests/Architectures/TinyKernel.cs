using System.Globalization;
using System.Text;
using Elivepatch.Elf;
using Elivepatch.Engine.Facts;
using Elivepatch.Engine.Targets;

namespace Elivepatch.Engine.Tests.Architectures;

/// <summary>Links units for <see cref="TinyArchitecture"/> as a kernel is.</summary>
internal sealed class TinyKernel
{
    private const ulong TextAt = 0xc000_0000_0010_0000,
        DataAt = 0xc000_0000_0020_0000,
        RestAt = 0xc000_0000_0030_0000;

    private readonly Dictionary<string, ulong> addresses = new()
    {
        ["_text"] = TextAt,
        ["_stext"] = TextAt,
        ["_sdata"] = DataAt,
        ["__start_rodata"] = RestAt,
        ["__start_ro_after_init"] = RestAt + 0x10,
        ["__end_ro_after_init"] = RestAt + 0x20,
        ["__end_rodata"] = RestAt + 0x30,
        ["__init_begin"] = RestAt + 0x40,
        ["__init_end"] = RestAt + 0x50,
        ["__per_cpu_start"] = RestAt + 0x60,
        ["__per_cpu_end"] = RestAt + 0x70,
    };

    private readonly List<(ElfObject Unit, ElfSection Section, ulong Address)> placed = [];
    private readonly ElfSection text = Section(".text", TextAt, ElfSectionFlags.Alloc | ElfSectionFlags.Execute);
    private readonly ElfSection data = Section(".data", DataAt, ElfSectionFlags.Alloc | ElfSectionFlags.Write);

    public TinyKernel(params ElfObject[] units)
    {
        foreach (var unit in units)
        {
            Place(unit, text);
            Place(unit, data);
        }

        (addresses["_etext"], addresses["_edata"]) = (TextAt + (ulong)text.Content.Length, DataAt + (ulong)data.Content.Length);
        foreach (var (unit, section, address) in placed)
        {
            Relocate(section, address);
        }

        ElfObject vmlinux = new()
        {
            FileType = ElfFileType.Executable,
            Machine = TinyArchitecture.Number,
            Order = ElfByteOrder.BigEndian,
        };
        vmlinux.Sections.AddRange([text, data]);
        Symbols = KernelSymbols
            .Parse(
                Encoding.ASCII.GetBytes(
                    string.Concat(
                        addresses
                            .OrderBy(a => a.Value)
                            .Select(a =>
                                string.Create(
                                    CultureInfo.InvariantCulture,
                                    $"{a.Value:x16} {(a.Value < DataAt ? 'T' : 'D')} {a.Key}\n"
                                )
                            )
                    )
                )
            )
            .Value;
        Image = KernelImage.Open(TinyArchitecture.Instance, vmlinux, Symbols).Value;
    }

    public KernelSymbols Symbols { get; }

    public KernelImage Image { get; }

    public PatchTarget Target => new VmlinuxTarget(Symbols, Image);

    /// <summary>The bytes of the image from a symbol on, to be changed.</summary>
    public Span<byte> BytesOf(string name)
    {
        var address = addresses[name];
        var section = address < DataAt ? text : data;
        return section.Content.AsSpan((int)(address - section.Address));
    }

    private static ElfSection Section(string name, ulong address, ElfSectionFlags flags) =>
        new(name, ElfSectionType.ProgBits)
        {
            Address = address,
            Flags = flags,
            Content = [],
        };

    private void Place(ElfObject unit, ElfSection into)
    {
        if (unit.FindSection(into.Name) is not { } section)
        {
            return;
        }

        into.Content = [.. into.Content, .. new byte[-into.Content.Length & 7]];
        var address = into.Address + (ulong)into.Content.Length;
        into.Content = [.. into.Content, .. section.Content];
        placed.Add((unit, section, address));
        foreach (var symbol in unit.Symbols.Where(s => s.Section == section))
        {
            addresses.Add(symbol.Name, address + symbol.Value);
        }
    }

    private void Relocate(ElfSection section, ulong address)
    {
        foreach (var relocation in section.Relocations?.Entries ?? [])
        {
            var type = TinyArchitecture.Instance.TypeOf(relocation);
            var place = address + relocation.Offset;
            var into = place < DataAt ? text : data;
            var target = unchecked(addresses[relocation.Symbol!.Name] + (ulong)relocation.Addend);
            type.Write(into.Content.AsSpan((int)(place - into.Address)), ElfByteOrder.BigEndian, type.ValueOf(target, place));
        }
    }
}
