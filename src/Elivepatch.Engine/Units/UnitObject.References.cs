using Elivepatch.Elf;
using Elivepatch.Engine.Architectures;
using Elivepatch.Model;

namespace Elivepatch.Engine.Units;

/// <content>Second half of reading: relocations become references between pieces.</content>
public sealed partial class UnitObject
{
    private readonly Dictionary<ElfSection, ElfRelocation[]> sortedRelocations = [];
    private readonly Dictionary<ElfSection, List<ulong>> replacementStarts = [];
    private readonly Dictionary<ElfSection, Dictionary<ulong, InstructionFields.Field>> decoded = [];

    private void ResolveReferences()
    {
        FindReplacementStarts();
        foreach (var piece in Pieces)
        {
            piece.References = ReadPiece(piece);
        }
    }

    private List<Reference> ReadPiece(Piece piece)
    {
        var references = ReadReferences(piece.Section, piece.Start, piece.End, piece.IsCode ? Fields(piece.Section) : null);
        piece.HasFtraceEntry =
            piece.Kind == PieceKind.Function
            && Relocations(piece.Section)
                .Any(r =>
                    r.Offset >= piece.Start
                    && r.Offset < piece.End
                    && r.Symbol is { IsDefined: false } symbol
                    && symbol.Name == Architecture.FtraceEntry
                );
        if (piece.IsCode && bySection[piece.Section].Named.Count(p => p.IsCode) > 1)
        {
            AddHiddenReferences(piece, references);
        }

        return references;
    }

    private Dictionary<ulong, InstructionFields.Field> Fields(ElfSection section)
    {
        if (decoded.TryGetValue(section, out var fields))
        {
            return fields;
        }

        fields = [];
        foreach (var (start, end) in CodeRanges(section))
        {
            InstructionFields.Visit(Architecture, section, start, end, f => fields[f.Offset] = f);
        }

        return decoded[section] = fields;
    }

    // Decoding begins anew at every piece, so that padding or data between functions cannot put it out of step.
    private IEnumerable<(ulong Start, ulong End)> CodeRanges(ElfSection section)
    {
        if (roles[section] == SectionRole.Replacement)
        {
            var starts = replacementStarts.GetValueOrDefault(section) ?? [];
            for (var i = 0; i < starts.Count; i++)
            {
                yield return (starts[i], i + 1 < starts.Count ? starts[i + 1] : section.Size);
            }

            yield break;
        }

        foreach (var piece in bySection[section].Named)
        {
            yield return (piece.Start, piece.End);
        }
    }

    private ElfRelocation[] Relocations(ElfSection section)
    {
        if (sortedRelocations.TryGetValue(section, out var sorted))
        {
            return sorted;
        }

        sorted = [.. section.Relocations?.Entries.OrderBy(r => r.Offset) ?? Enumerable.Empty<ElfRelocation>()];
        return sortedRelocations[section] = sorted;
    }

    private List<Reference> ReadReferences(
        ElfSection section,
        ulong start,
        ulong end,
        Dictionary<ulong, InstructionFields.Field>? fields
    )
    {
        var relocations = Relocations(section);
        var result = new List<Reference>();
        for (var i = FirstAt(relocations, start); i < relocations.Length && relocations[i].Offset < end; i++)
        {
            if (Architecture.TypeOf(relocations[i]).IsNone)
            {
                continue;
            }

            if (Read(section, start, relocations[i], fields) is { } reference)
            {
                result.Add(reference);
            }
        }

        return result;
    }

    private static int FirstAt(ElfRelocation[] relocations, ulong offset)
    {
        var (low, high) = (0, relocations.Length);
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (relocations[middle].Offset < offset)
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }

        return low;
    }

    private Reference? Read(
        ElfSection section,
        ulong start,
        ElfRelocation relocation,
        Dictionary<ulong, InstructionFields.Field>? fields
    )
    {
        var type = Architecture.TypeOf(relocation);
        var bias = 0;
        var use = ReferenceUse.Address;
        var (isMemoryOperand, isCall) = (false, false);
        if (fields is not null)
        {
            if (!fields.TryGetValue(relocation.Offset, out var field))
            {
                Report(DiffProblems.UnreadableCode, $"{Name}: {Architecture.Describe(relocation)} in {section.Name}");
                return null;
            }

            bias = type.IsPcRelative ? field.Bias : 0;
            use = field.IsBranch ? ReferenceUse.Branch : ReferenceUse.Address;
            (isMemoryOperand, isCall) = (field.IsMemoryOperand, field.IsCall);
        }

        var offset = relocation.Offset - start;
        if (relocation.Symbol is not { IsDefined: true, Section: { } home } symbol)
        {
            return new(offset, type, null, relocation.Symbol, relocation.Addend + bias, bias, use)
            {
                IsMemoryOperand = isMemoryOperand,
                IsCall = isCall,
            };
        }

        var meant = (long)symbol.Value + relocation.Addend + bias;
        var piece = Target(symbol, home, meant);
        if (piece is null)
        {
            Report(
                DiffProblems.UnreadableCode,
                $"{Name}: {Architecture.Describe(relocation)} in {section.Name} points at nothing in {home.Name}"
            );
            return null;
        }

        if (piece.Kind == PieceKind.Unnamed)
        {
            ReadUnnamed(piece);
        }

        return new(offset, type, piece, null, meant - (long)piece.Anchor, bias, use)
        {
            IsMemoryOperand = isMemoryOperand,
            IsCall = isCall,
        };
    }

    // Data without a name is known by whoever refers to it; what it refers to itself, as a switch table does, is read then.
    private void ReadUnnamed(Piece piece)
    {
        if (unnamedRead.Add(piece) && piece.Section.Has(ElfSectionFlags.Alloc) && !piece.Section.Has(ElfSectionFlags.Execute))
        {
            piece.References = ReadReferences(piece.Section, piece.Start, piece.End, fields: null);
        }
    }

    private readonly HashSet<Piece> unnamedRead = [];

    private Piece? Target(ElfSymbol symbol, ElfSection home, long meant)
    {
        if (!symbol.IsSectionSymbol && bySymbol.TryGetValue(symbol, out var named))
        {
            return named;
        }

        var offset = meant < 0 ? 0 : Math.Min((ulong)meant, home.Size);
        var pieces = bySection[home];
        switch (roles[home])
        {
            case SectionRole.Literal:
                return Literal(home, offset);
            case SectionRole.Replacement:
                return Replacement(home, offset);
            case SectionRole.Code:
                return pieces.Containing(offset);
            case SectionRole.Table when Entry(home, offset) is { } entry:
                return entry;
            case SectionRole.Data or SectionRole.Init or SectionRole.Unknown or SectionRole.IdList:
                return pieces.Containing(offset) ?? pieces.Unnamed(PieceKind.Unnamed, 0, home.Size);
            default:
                return pieces.Unnamed(PieceKind.Unnamed, 0, home.Size);
        }
    }

    // From Linux 6.19 on a warning that prints is handed the address of its struct bug_entry (arch/x86/include/asm/bug.h).
    private Piece? Entry(ElfSection table, ulong offset)
    {
        if (table.Name != SectionRules.BugTable || StrideOf(table) is not { } stride || offset >= table.Size)
        {
            return null;
        }

        var start = offset / stride * stride;
        return bySection[table].Unnamed(PieceKind.TableEntry, start, start + stride);
    }

    private Piece? Literal(ElfSection section, ulong offset)
    {
        if (offset >= section.Size || section.EntrySize > section.Size)
        {
            return null;
        }

        var unit = (int)Math.Max(section.EntrySize, 1);
        var end = (int)offset + unit;
        if (section.Has(ElfSectionFlags.Strings))
        {
            end = (int)offset;
            while (end + unit <= section.Content.Length && section.Content.AsSpan(end, unit).IndexOfAnyExcept((byte)0) >= 0)
            {
                end += unit;
            }

            end += unit;
        }

        return end <= section.Content.Length ? bySection[section].Unnamed(PieceKind.Literal, offset, (ulong)end) : null;
    }

    // Nothing says how long a piece of replacement code is but where the next one begins. Only where somebody goes on does one
    // begin: an instruction that may fault, or a lock prefix, lies within one.
    private void FindReplacementStarts()
    {
        foreach (var source in Elf.RelocationSections.Where(s => s.Target is not null).Select(s => s.Target!).Distinct())
        {
            var isCode = source.Has(ElfSectionFlags.Execute);
            if (
                !isCode && source.Name is not (SectionRules.Alternatives or SectionRules.ExceptionTable or SectionRules.JumpTable)
            )
            {
                continue;
            }

            var relocations = Relocations(source);
            var perEntry = isCode || StrideOf(source) is not { } stride ? 0 : relocations.Count(r => r.Offset < stride);
            for (var i = 0; i < relocations.Length; i++)
            {
                // The second field of an entry is where to go on, or the replacement.
                if (
                    relocations[i].Symbol is { IsDefined: true, Section: { } home } symbol
                    && roles[home] == SectionRole.Replacement
                    && (isCode ? home != source : perEntry == 0 || i % perEntry == 1)
                )
                {
                    AddReplacementStart(
                        home,
                        (long)symbol.Value + relocations[i].Addend,
                        isCode && Architecture.TypeOf(relocations[i]).IsPcRelative
                    );
                }
            }
        }

        foreach (var (section, starts) in replacementStarts.ToList())
        {
            replacementStarts[section] = [.. starts.Distinct().Order()];
            if (Architecture.Sections.Outlines.Contains(section.Name))
            {
                CheckEnds(section, replacementStarts[section]);
            }
        }
    }

    // Code jumps to it by a branch, whose addend lacks something; a table entry gives the place itself.
    private void AddReplacementStart(ElfSection home, long place, bool isBranch)
    {
        var start = place + (isBranch ? Architecture.BranchBias : 0);
        if (start < 0 || (ulong)start > home.Size)
        {
            return;
        }

        if (!replacementStarts.TryGetValue(home, out var starts))
        {
            replacementStarts[home] = starts = [];
        }

        starts.Add((ulong)start);
    }

    // What runs into the next piece cannot be cut from it.
    private void CheckEnds(ElfSection section, List<ulong> starts)
    {
        for (var i = 0; i + 1 < starts.Count; i++)
        {
            var last = Architecture.Decode(section, starts[i], starts[i + 1]).LastOrDefault(d => d.IsValid);
            if (
                last
                is not { Flow: ControlFlow.Jump or ControlFlow.IndirectJump or ControlFlow.Return }
                    and not { Operation: Operation.Trap }
            )
            {
                Report(
                    DiffProblems.UnreadableCode,
                    $"{Name}: {section.Name}+0x{starts[i]:x} runs into what begins at +0x{starts[i + 1]:x}"
                );
            }
        }
    }

    private Piece? Replacement(ElfSection section, ulong offset)
    {
        var starts = replacementStarts.GetValueOrDefault(section) ?? [];
        var index = starts.BinarySearch(offset);
        index = index >= 0 ? index : ~index - 1;
        if (index < 0)
        {
            return null;
        }

        var end = index + 1 < starts.Count ? starts[index + 1] : section.Size;
        var pieces = bySection[section];
        var known = replacementsRead.Contains((section, starts[index]));
        var piece = pieces.Unnamed(PieceKind.Replacement, starts[index], end);
        if (!known)
        {
            replacementsRead.Add((section, starts[index]));
            piece.References = ReadReferences(section, piece.Start, piece.End, Fields(section));
        }

        return piece;
    }

    private readonly HashSet<(ElfSection, ulong)> replacementsRead = [];

    // Between functions that share a section the assembler resolves branches itself: they must become references again
    // before a function can be taken out of the section.
    private void AddHiddenReferences(Piece piece, List<Reference> references)
    {
        var relocated = references.Select(r => r.Offset).ToHashSet();
        var fields = Fields(piece.Section);
        foreach (var field in fields.Values.Where(f => f.Offset >= piece.Start && f.Offset < piece.End).OrderBy(f => f.Offset))
        {
            if (
                field.RelativeTarget is not { } target
                || relocated.Contains(field.Offset - piece.Start)
                || (target >= piece.Start && target < piece.End)
            )
            {
                continue;
            }

            if (bySection[piece.Section].Containing(target) is not { } other)
            {
                // Start code is only compared, never taken out of its section.
                if (roles[piece.Section] == SectionRole.Code)
                {
                    Report(
                        DiffProblems.UnreadableCode,
                        $"{Name}: {piece.Name} branches to {piece.Section.Name}+0x{target:x}, where nothing is"
                    );
                }

                continue;
            }

            if (field.Size < Architecture.SmallestField)
            {
                piece.ShortBranchTo ??= other.Name;
                continue;
            }

            references.Add(
                new(
                    field.Offset - piece.Start,
                    field.IsBranch ? Architecture.Branch : Architecture.RelativeOperand,
                    other,
                    null,
                    (long)(target - other.Anchor),
                    field.Bias,
                    field.IsBranch ? ReferenceUse.Branch : ReferenceUse.Address
                )
                {
                    IsCall = field.IsCall,
                }
            );
        }

        references.Sort((a, b) => a.Offset.CompareTo(b.Offset));
    }

    private void Report(ProblemCode code, string reason)
    {
        if (problems.Count < 50)
        {
            problems.Add(new(code, reason));
        }
    }
}
