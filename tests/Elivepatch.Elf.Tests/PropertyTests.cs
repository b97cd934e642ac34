using FsCheck;
using FsCheck.Fluent;
using Xunit;

namespace Elivepatch.Elf.Tests;

public class PropertyTests
{
    /// <summary>Bytes are a building plan, so that a failing model shrinks to the few steps that matter.</summary>
    [Fact]
    public void Any_model_is_the_same_after_write_and_read() =>
        Check.One(
            Config.QuickThrowOnFailure.WithMaxTest(400).WithEndSize(600),
            Prop.ForAll(
                ArbMap.Default.ArbFor<byte[]>(),
                plan =>
                {
                    var elf = Build(plan);
                    var expected = ModelText.Of(elf);
                    var read = ElfReader.Read(ElfWriter.Write(elf));
                    return expected == ModelText.Of(read);
                }
            )
        );

    private static ElfObject Build(byte[] plan)
    {
        var at = 0;
        int Next(int bound) => at < plan.Length ? plan[at++] % bound : 0;
        ElfObject elf = new() { Order = (ElfByteOrder)(1 + Next(2)), Machine = (ushort)(Next(200) << Next(9)) };
        ElfSection? Plain() =>
            elf.Sections.Where(s => s.GetType() == typeof(ElfSection) && s.Content.Length >= 8).ElementAtOrDefault(Next(20));
        while (at < plan.Length)
        {
            switch (Next(6))
            {
                case 0:
                    elf.Sections.Add(
                        new ElfSection(
                            $".s{Next(5)}",
                            (ElfSectionType)(new uint[] { 1, 7, 14, 3, 0x70000001, 0x6fff4c00 })[Next(6)]
                        )
                        {
                            Content = [.. Enumerable.Range(0, Next(40)).Select(i => (byte)i)],
                            Alignment = new ulong[] { 0, 1, 2, 8, 64, 4096, 1UL << 40 }[Next(7)],
                            Flags = (ElfSectionFlags)(Next(256) & ~0x40),
                            EntrySize = (ulong)Next(9),
                            Info = (uint)Next(3),
                            LinkedTable = (ElfTable)Next(3),
                        }
                    );
                    break;
                case 1:
                    elf.Sections.Add(new ElfSection(".bss", ElfSectionType.NoBits) { NoBitsSize = (ulong)Next(256) << Next(50) });
                    break;
                case 2 when Plain() is { } section:
                    elf.Sections.Add(
                        new ElfSection(".order", ElfSectionType.ProgBits) { Link = section, Flags = ElfSectionFlags.LinkOrder }
                    );
                    elf.Sections.Add(
                        new ElfSection(".info", ElfSectionType.ProgBits)
                        {
                            InfoSection = section,
                            Flags = ElfSectionFlags.InfoLink,
                        }
                    );
                    break;
                case 3 when Plain() is { } target:
                    ElfRelocationSection rela = new(".rela" + target.Name, target);
                    if (Next(3) == 0)
                    {
                        rela.Flags |= ElfSectionFlags.RelaLivepatch;
                    }
                    else
                    {
                        target.Relocations ??= rela;
                    }

                    for (var i = Next(4); i > 0; i--)
                    {
                        rela.Entries.Add(
                            new ElfRelocation(
                                (ulong)Next(target.Content.Length),
                                (uint)Next(300),
                                elf.Symbols.ElementAtOrDefault(Next(30)),
                                long.MinValue >> Next(64)
                            )
                        );
                    }
                    elf.Sections.Add(rela);
                    break;
                case 4:
                    var defining = elf.Sections.ElementAtOrDefault(Next(30));
                    var place = (ElfSymbolPlace)Next(6);
                    if (place == ElfSymbolPlace.Section && defining is null)
                    {
                        place = ElfSymbolPlace.Undefined;
                    }
                    // Locals stand first, so the binding may only go up.
                    var binding = Math.Max((int)(elf.Symbols.LastOrDefault()?.Binding ?? 0), Next(8) == 0 ? 1 + Next(15) : 0);
                    elf.Symbols.Add(
                        new ElfSymbol(Next(4) == 0 ? "" : $"n\u00e4{Next(9)}")
                        {
                            Binding = (ElfSymbolBinding)binding,
                            Type = (ElfSymbolType)Next(16),
                            Other = (byte)Next(256),
                            Place = place,
                            Section = place == ElfSymbolPlace.Section ? defining : null,
                            ReservedIndex = (ushort)(place == ElfSymbolPlace.Reserved ? 0xff21 + Next(100) : 0),
                            Value = ulong.MaxValue >> Next(64),
                            Size = (ulong)Next(256),
                        }
                    );
                    break;
                case 5:
                    ElfGroupSection group = new(".group")
                    {
                        GroupFlags = (uint)Next(2),
                        Signature = elf.Symbols.ElementAtOrDefault(Next(30)),
                    };
                    group.Members.AddRange(elf.Sections.Where(_ => Next(5) == 0));
                    elf.Sections.Add(group);
                    break;
            }
        }
        return elf;
    }
}
