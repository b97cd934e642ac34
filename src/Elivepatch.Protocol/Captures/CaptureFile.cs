// In: a capture file. Out: its members, and the other way round. A capture comes from another machine and is hostile: only known
// names, each once, each of a bounded size, and nothing is ever unpacked to a path that the archive names.

using System.Formats.Tar;
using System.IO.Compression;
using System.Runtime.InteropServices;
using System.Text.Json;
using Elivepatch.Model;

namespace Elivepatch.Protocol.Captures;

/// <summary>A kernel capture: a gzipped tar archive of <c>capture.json</c> and what it speaks of.</summary>
/// <param name="Facts">The small facts.</param>
/// <param name="Config">The configuration.</param>
/// <param name="Kallsyms">What <c>/proc/kallsyms</c> said to root.</param>
/// <param name="Symvers">The exports with their CRCs, or null where the machine has none.</param>
/// <param name="Notes">What <c>/sys/kernel/notes</c> said, or null.</param>
public sealed record CaptureFile(
    CaptureFacts Facts,
    ReadOnlyMemory<byte> Config,
    ReadOnlyMemory<byte> Kallsyms,
    ReadOnlyMemory<byte>? Symvers,
    ReadOnlyMemory<byte>? Notes
)
{
    private const string FactsName = "capture.json";
    private const string ConfigName = "config";
    private const string KallsymsName = "kallsyms";
    private const string SymversName = "Module.symvers";
    private const string NotesName = "notes";
    private const int MostModules = 10_000;

    // A stock kernel has a configuration of 300 KB, and modules with a hundred bytes each; what is larger is no capture. All
    // members together are the most that a capture can unpack to.
    private static readonly Dictionary<string, int> Largest = new(StringComparer.Ordinal)
    {
        [FactsName] = 2 << 20,
        [ConfigName] = 2 << 20,
        [KallsymsName] = KernelLimits.SymbolsRead,
        [SymversName] = KernelLimits.ExportsRead,
        [NotesName] = 64 << 10,
    };

    /// <summary>Reads a capture.</summary>
    public static Outcome<CaptureFile> Read(Stream stream)
    {
        try
        {
            using var decompressed = new GZipStream(stream, CompressionMode.Decompress, leaveOpen: true);
            return Assemble(ReadMembers(new CaptureArchive(decompressed), untilHas: null));
        }
        catch (Exception e) when (e is IOException or InvalidDataException)
        {
            return Damaged(e);
        }
    }

    /// <summary>Reads the configuration of a capture, and no further than to it.</summary>
    public static Outcome<ReadOnlyMemory<byte>> ReadConfig(Stream stream)
    {
        try
        {
            using var decompressed = new GZipStream(stream, CompressionMode.Decompress, leaveOpen: true);
            return ReadMembers(new CaptureArchive(decompressed), ConfigName).Then(Config);
        }
        catch (Exception e) when (e is IOException or InvalidDataException)
        {
            return Damaged(e);
        }

        static Outcome<ReadOnlyMemory<byte>> Config(Dictionary<string, byte[]> members) =>
            members.TryGetValue(ConfigName, out var config)
                ? (ReadOnlyMemory<byte>)config
                : Unreadable($"it has no {ConfigName}");
    }

    /// <summary>Writes the capture.</summary>
    public void Write(Stream stream)
    {
        using var compressed = new GZipStream(stream, CompressionLevel.Optimal, leaveOpen: true);
        using var archive = new TarWriter(compressed, TarEntryFormat.Ustar);
        Add(archive, FactsName, JsonSerializer.SerializeToUtf8Bytes(Facts, CaptureJson.Default.CaptureFacts));
        Add(archive, ConfigName, Config);
        Add(archive, KallsymsName, Kallsyms);
        if (Symvers is { } symvers)
        {
            Add(archive, SymversName, symvers);
        }

        if (Notes is { } notes)
        {
            Add(archive, NotesName, notes);
        }
    }

    private static Outcome<Dictionary<string, byte[]>> ReadMembers(CaptureArchive archive, string? untilHas)
    {
        var members = new Dictionary<string, byte[]>(StringComparer.Ordinal);
        while (archive.ReadHeader() is { } member)
        {
            if (!member.IsFile)
            {
                return Unreadable("it has a member that is not a file");
            }

            if (!Largest.TryGetValue(member.Name, out var largest) || members.ContainsKey(member.Name))
            {
                return Unreadable("it has a member of another name, or one twice");
            }

            if (member.Length > largest)
            {
                return Unreadable($"{member.Name} has {member.Length >> 20} MiB, more than {largest >> 20}");
            }

            members[member.Name] = archive.ReadContent((int)member.Length);
            if (member.Name == untilHas)
            {
                break;
            }
        }
        return members;
    }

    private static Outcome<CaptureFile> Assemble(Outcome<Dictionary<string, byte[]>> read) =>
        read.Then<CaptureFile>(members =>
        {
            foreach (var name in new[] { FactsName, ConfigName, KallsymsName })
            {
                if (!members.ContainsKey(name))
                {
                    return Unreadable($"it has no {name}");
                }
            }
            return ReadFacts(members[FactsName])
                .Then<CaptureFile>(facts => new CaptureFile(
                    facts,
                    members[ConfigName],
                    members[KallsymsName],
                    Optional(SymversName),
                    Optional(NotesName)
                ));

            ReadOnlyMemory<byte>? Optional(string name) =>
                members.TryGetValue(name, out var bytes) ? bytes : default(ReadOnlyMemory<byte>?);
        });

    private static Outcome<CaptureFacts> ReadFacts(byte[] json)
    {
        CaptureFacts? facts;
        try
        {
            facts = JsonSerializer.Deserialize(json, CaptureJson.Default.CaptureFacts);
        }
        catch (JsonException e)
        {
            return Unreadable($"{FactsName}: {e.Message}");
        }
        if (facts is not { Format: CaptureFacts.CurrentFormat })
        {
            return Unreadable($"it is of format {facts?.Format}, and only {CaptureFacts.CurrentFormat} is known");
        }

        if (!ReleaseName.IsValid(facts.Release ?? "") || BuildIdOf(facts) is null)
        {
            return Unreadable("its release or build-id is not valid");
        }

        if (facts.Modules is not { Count: <= MostModules } || facts.Livepatches is not { Count: <= MostModules })
        {
            return Unreadable("it names too many modules");
        }

        return facts;
    }

    private static BuildId? BuildIdOf(CaptureFacts facts) => facts.BuildId is null ? null : Captures.BuildId.Parse(facts.BuildId);

    private static void Add(TarWriter archive, string name, ReadOnlyMemory<byte> content)
    {
        var entry = new UstarTarEntry(TarEntryType.RegularFile, name)
        {
            ModificationTime = DateTimeOffset.UnixEpoch,
            Mode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead,
            DataStream = Open(content),
        };
        archive.WriteEntry(entry);
    }

    // What is large is not copied to be written.
    private static MemoryStream Open(ReadOnlyMemory<byte> content) =>
        MemoryMarshal.TryGetArray(content, out var bytes)
            ? new(bytes.Array!, bytes.Offset, bytes.Count, writable: false)
            : new(content.ToArray(), writable: false);

    private static Problem Damaged(Exception e) =>
        Unreadable(
            e switch
            {
                EndOfStreamException => "it ends early",
                InvalidDataException => "it is not a gzip-compressed archive, or is damaged",
                _ => e.Message,
            }
        );

    private static Problem Unreadable(string reason) =>
        new(CaptureProblems.CaptureUnreadable, string.Concat(reason.Take(300).Select(c => char.IsControl(c) ? '?' : c)));
}
