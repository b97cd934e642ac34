// In: a folder. Out: the keys that manifests are signed with, the newest first in use. Keys NNNN.key follow each other; the one
// before endorses the next in NNNN.next, and by that file, written last, a rotation has happened: a key without endorsement is
// not used.

using System.Globalization;
using System.Text.Json;
using Elivepatch.Model;
using Elivepatch.Model.Files;
using Elivepatch.Protocol.Manifests;

namespace Elivepatch.Server.Signing;

/// <summary>The server's signing keys.</summary>
public sealed class KeyRing : IDisposable
{
    private const int MostKeys = 10_000;
    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(10);
    private readonly string folder;
    private readonly TimeProvider clock;
    private readonly Lock gate = new();
    private List<Entry> entries = [];
    private DateTime read;

    private KeyRing(string folder, TimeProvider clock) => (this.folder, this.clock) = (folder, clock);

    /// <summary>The key that signs now.</summary>
    public PublicKey Current
    {
        get
        {
            lock (gate)
            {
                Refresh();
                return entries[^1].Key.Public;
            }
        }
    }

    /// <summary>Opens the ring, and makes the first key where there is none.</summary>
    public static Outcome<KeyRing> Open(string folder) => Open(folder, TimeProvider.System);

    /// <summary>Opens the ring, and makes the first key where there is none.</summary>
    public static Outcome<KeyRing> Open(string folder, TimeProvider clock)
    {
        var ring = new KeyRing(Path.GetFullPath(folder), clock);
        var problem = ring.Prepare();
        if (problem is null)
        {
            return ring;
        }

        ring.Dispose();
        return problem;
    }

    /// <summary>True where nothing is in the folder that belongs to a ring.</summary>
    public static bool IsEmpty(string folder) =>
        !Directory.Exists(folder)
        || !Directory.EnumerateFiles(folder, "*.key").Concat(Directory.EnumerateFiles(folder, "*.next")).Any();

    /// <summary>All keys, the oldest first, each with its endorsement of the next.</summary>
    public IReadOnlyList<KeyView> List()
    {
        lock (gate)
        {
            Refresh();
            return [.. entries.Select(View)];
        }
    }

    /// <summary>Makes a new key, which signs from now on; the one before endorses it.</summary>
    public KeyView Rotate()
    {
        lock (gate)
        {
            // The command and the server may be two processes.
            using var held = Take();
            if (Load() is { } problem)
            {
                throw new IOException(problem.Reason);
            }

            var now = clock.GetUtcNow();
            var (number, last) = (entries.Count, entries[^1].Key);
            var next = SigningKey.Create();
            KeyFile.Write(KeyPath(number + 1), next, now);
            var said = new KeyEndorsement(last.Public.Id, next.Public.Id, next.Public.Pem, now);
            var envelope = last.Sign(
                KeyEndorsement.PayloadType,
                JsonSerializer.SerializeToUtf8Bytes(said, ManifestJson.Default.KeyEndorsement)
            );
            KeyFile.WriteWhole(NextPath(number), JsonSerializer.Serialize(envelope, ManifestJson.Default.Envelope));
            entries[^1] = entries[^1] with { Endorsement = envelope };
            entries.Add(new(next, now, null));
            read = Stamp();
            return View(entries[^1]);
        }
    }

    /// <summary>Signs with the current key.</summary>
    /// <param name="payloadType">Media type of the payload.</param>
    /// <param name="payload">Given the signing key, writes the payload.</param>
    public Envelope Sign(string payloadType, Func<PublicKey, byte[]> payload)
    {
        lock (gate)
        {
            Refresh();
            var key = entries[^1].Key;
            return key.Sign(payloadType, payload(key.Public));
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var entry in entries)
        {
            entry.Key.Dispose();
        }
    }

    private Problem? Prepare()
    {
        try
        {
            Directory.CreateDirectory(folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            if (
                (File.GetUnixFileMode(folder) & ~(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute)) != 0
            )
            {
                return KeyFile.Unusable(folder, "others may look into it: its mode has to be 0700");
            }

            using var held = Take();
            if (!File.Exists(KeyPath(1)))
            {
                // Without the first, the others are of no use: that is no new ring but a damaged one.
                if (!IsEmpty(folder))
                {
                    return KeyFile.Unusable(KeyPath(1), "it is missing");
                }

                using var first = SigningKey.Create();
                KeyFile.Write(KeyPath(1), first, clock.GetUtcNow());
            }

            return Load();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return KeyFile.Unusable(folder, e.Message);
        }
    }

    // Another process may have rotated. What cannot be read then is left as it was known: the keys in hand are still good.
    private void Refresh()
    {
        if (Stamp() != read)
        {
            Load();
        }
    }

    private Problem? Load()
    {
        var found = new List<Entry>();
        var stamp = Stamp();
        var problem = Load(found);
        if (problem is null)
        {
            (var old, entries, read) = (entries, found, stamp);
            found = old;
        }

        foreach (var entry in found)
        {
            entry.Key.Dispose();
        }

        return problem;
    }

    private Problem? Load(List<Entry> found)
    {
        for (var number = 1; number <= MostKeys; number++)
        {
            var outcome = KeyFile.Read(KeyPath(number));
            if (!outcome.TryGet(out var file))
            {
                return outcome.Problems[0];
            }

            var endorsement = ReadEndorsement(NextPath(number));
            if (!endorsement.TryGet(out var envelopes))
            {
                file.Key.Dispose();
                return endorsement.Problems[0];
            }

            found.Add(new(file.Key, file.Created, envelopes.SingleOrDefault()));
            if (envelopes.Count == 0)
            {
                return Check(found);
            }
        }

        return KeyFile.Unusable(folder, $"it has more than {MostKeys} keys");
    }

    // The very check that clients make: what they would refuse is not served.
    private Problem? Check(List<Entry> found) =>
        KeyChain.Follow([.. found.Select(View)], found[0].Key.Public).TryGet(out var current)
        && current.Id == found[^1].Key.Public.Id
            ? null
            : KeyFile.Unusable(folder, "the keys do not endorse each other");

    private static Outcome<IReadOnlyList<Envelope>> ReadEndorsement(string path)
    {
        try
        {
            if (!File.Exists(path))
            {
                return new List<Envelope>();
            }

            return JsonSerializer.Deserialize(File.ReadAllText(path), ManifestJson.Default.Envelope) is { } envelope
                ? new List<Envelope> { envelope }
                : KeyFile.Unusable(path, "it is not an endorsement");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException)
        {
            return KeyFile.Unusable(path, e.Message);
        }
    }

    private static KeyView View(Entry entry) =>
        new(
            entry.Key.Public.Id,
            PublicKey.Algorithm,
            entry.Key.Public.Pem,
            entry.Created,
            entry.Endorsement is null,
            entry.Endorsement
        );

    private FileLock Take()
    {
        var start = Environment.TickCount64;
        while (true)
        {
            if (FileLock.TryTake(Path.Combine(folder, "lock")) is { } held)
            {
                return held;
            }

            if (Environment.TickCount64 - start > LongestWait.TotalMilliseconds)
            {
                throw new IOException("another process changes the keys and does not end");
            }

            Thread.Sleep(20);
        }
    }

    private DateTime Stamp() => Directory.GetLastWriteTimeUtc(folder);

    private string KeyPath(int number) => Path.Combine(folder, string.Create(CultureInfo.InvariantCulture, $"{number:0000}.key"));

    private string NextPath(int number) =>
        Path.Combine(folder, string.Create(CultureInfo.InvariantCulture, $"{number:0000}.next"));

    private sealed record Entry(SigningKey Key, DateTimeOffset Created, Envelope? Endorsement);
}
