using Elivepatch.Elf;
using Elivepatch.Engine.Architectures;
using Elivepatch.Engine.Facts;
using Elivepatch.Engine.Units;
using Elivepatch.Model;

namespace Elivepatch.Engine.SelfCheck;

/// <summary>Puts a <see cref="LivepatchModule"/> together from the parts of the file.</summary>
internal static class ReadModule
{
    /// <summary>Undefined in objects of some compilers, and ignored by the module loader.</summary>
    private const string OffsetTable = "_GLOBAL_OFFSET_TABLE_";

    /// <inheritdoc cref="LivepatchModule.Read"/>
    public static Outcome<LivepatchModule> Read(ElfObject elf, EntryLayouts? layouts, Architecture? architecture)
    {
        if (elf.FileType != ElfFileType.Relocatable || architecture?.IsOf(elf) != true)
        {
            return new Problem(SelfCheckProblems.NotALivepatch, $"an ELF file of type {elf.FileType} for machine {elf.Machine}");
        }

        if (architecture.FieldOutside(elf) is { } outside)
        {
            return new Problem(
                SelfCheckProblems.NotALivepatch,
                $"the field of {architecture.Describe(outside)} is not all within its section"
            );
        }

        if (elf.FindSection(ModuleStart.Section) is null && elf.FindSection(".modinfo") is null)
        {
            return new Problem(SelfCheckProblems.NotALivepatch, $"it has neither {ModuleStart.Section} nor .modinfo");
        }

        var fields = new DataFields(architecture, elf);
        var entries = new PatchEntries(elf, fields);
        var lists =
            new SectionLists(elf, fields, entries).Read() ?? new StaticLists(architecture, elf, fields, entries, layouts).Read();
        if (entries.Problem is { } problem)
        {
            return problem;
        }

        if (lists is null)
        {
            return NoLists(elf);
        }

        var information = ModuleInformation.Of(elf);
        return new LivepatchModule(
            ModuleStart.NameOf(elf, layouts) ?? information.Name ?? "",
            information,
            lists.Form,
            lists.Replace,
            lists.Objects,
            lists.AreTerminated,
            LivepatchReferences(elf),
            ExportReferences(elf),
            Tables(architecture, elf, layouts),
            Sizes(elf)
        )
        {
            Architecture = architecture,
        };
    }

    private static Problem NoLists(ElfObject elf) =>
        elf.FindSymbol(ModuleStart.EnableFunction) is null
            ? new(SelfCheckProblems.NotALivepatch, $"it is a module that never calls {ModuleStart.EnableFunction}()")
            : new(
                SelfCheckProblems.UnreadablePatchLists,
                $"{ModuleStart.EnableFunction}() is called with no struct klp_patch that can be found, and there is no section that lists functions"
            );

    private static List<LivepatchReference> LivepatchReferences(ElfObject elf)
    {
        var users = new Dictionary<ElfSymbol, List<string>>(ReferenceEqualityComparer.Instance);
        foreach (var section in elf.RelocationSections.Where(s => s.Has(ElfSectionFlags.RelaLivepatch)))
        {
            foreach (var relocation in section.Entries)
            {
                if (relocation.Symbol is not { } symbol)
                {
                    continue;
                }

                if (!users.TryGetValue(symbol, out var names))
                {
                    users[symbol] = names = [];
                }

                if (names.Count == 0 || names[^1] != section.Target.Name)
                {
                    names.Add(section.Target.Name);
                }
            }
        }

        var found = new List<LivepatchReference>();
        foreach (var symbol in elf.Symbols)
        {
            if (LivepatchSymbol.TryParse(symbol.Name) is { } parsed)
            {
                found.Add(new(parsed, users.TryGetValue(symbol, out var names) ? [.. names.Distinct()] : []));
            }
        }

        return found;
    }

    private static List<ExportReference> ExportReferences(ElfObject elf)
    {
        var versions = SymbolVersions.Read(elf);
        return
        [
            .. elf
                .Symbols.Where(s => s is { Place: ElfSymbolPlace.Undefined, Name.Length: > 0 })
                .Where(s => s.Name != OffsetTable && !s.Name.StartsWith(LivepatchSymbol.Prefix, StringComparison.Ordinal))
                .Select(s => new ExportReference(
                    s.Name,
                    versions.TryGetValue(s.Name, out var crc) ? crc : null,
                    s.Binding == ElfSymbolBinding.Weak
                )),
        ];
    }

    private static List<TableSummary> Tables(Architecture architecture, ElfObject elf, EntryLayouts? layouts) =>
        [
            .. elf
                .Sections.Where(s => IsTable(architecture, s) && s.Size > 0)
                .Select(s => new TableSummary(s.Name, s.Size, EntrySize(s, layouts) is { } size ? s.Size / size : null)),
        ];

    /// <summary>True for a section that the kernel reads as a table of its own.</summary>
    public static bool IsTable(Architecture architecture, ElfSection section) =>
        section.Has(ElfSectionFlags.Alloc)
        && SectionRules.RoleOf(section, architecture.Sections) == SectionRole.Table
        && !section.Name.StartsWith(".discard", StringComparison.Ordinal);

    /// <summary>Size of an entry: what the kernel's headers say, else what the file says.</summary>
    public static ulong? EntrySize(ElfSection section, EntryLayouts? layouts) =>
        layouts?.SizeOf(section.Name) is { } known and > 0 ? (ulong)known
        : section.EntrySize > 0 ? section.EntrySize
        : null;

    private static ModuleSizes Sizes(ElfObject elf)
    {
        ulong code = 0,
            constants = 0,
            data = 0,
            init = 0;
        foreach (
            var section in elf.Sections.Where(s =>
                s.Has(ElfSectionFlags.Alloc)
                && s is not ElfRelocationSection
                && s.Name is not (".modinfo" or "__versions" or "__version_ext_crcs" or "__version_ext_names")
            )
        )
        {
            ref var sum = ref (
                section.Name.StartsWith(".init", StringComparison.Ordinal)
                    ? ref init
                    : ref section.Has(ElfSectionFlags.Execute)
                        ? ref code
                        : ref section.Has(ElfSectionFlags.Write) ? ref data : ref constants
            );
            sum = unchecked(sum + section.Size);
        }

        return new(code, constants, data, init);
    }
}
