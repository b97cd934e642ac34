using System.Text.Json;
using Elivepatch.Protocol.Api;
using Elivepatch.Protocol.Manifests;
using Elivepatch.Server.Signing;

namespace Elivepatch.Server.Tests.Signing;

public sealed class KeyRingTests : IDisposable
{
    private readonly string folder = Path.Combine(Directory.CreateTempSubdirectory("keys-").FullName, "keys");

    public void Dispose() => Directory.Delete(Path.GetDirectoryName(folder)!, recursive: true);

    [Fact]
    public void The_first_key_is_made_and_found_again()
    {
        string id;
        using (var ring = Open())
        {
            id = ring.Current.Id;
        }

        using var again = Open();
        Assert.Equal(id, again.Current.Id);
        Assert.True(Assert.Single(again.List()).IsCurrent);
    }

    [Fact]
    public void Only_the_owner_may_read_keys()
    {
        using (Open())
        {
            Assert.All(
                Directory.EnumerateFiles(folder, "*.key"),
                f => Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(f))
            );
        }

        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(folder));
        File.SetUnixFileMode(Key(1), UnixFileMode.UserRead | UnixFileMode.GroupRead);
        Refused("others may read");
        File.SetUnixFileMode(Key(1), UnixFileMode.UserRead);
        File.SetUnixFileMode(
            folder,
            UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.OtherExecute
        );
        Refused("0700");
    }

    [Fact]
    public void Who_pinned_an_old_key_is_led_to_the_new_one()
    {
        using var ring = Open();
        var pinned = ring.Current;
        var second = ring.Rotate();
        var third = ring.Rotate();
        Assert.Equal(third.Id, ring.Current.Id);
        Assert.Equal(third.Id, KeyChain.Follow(ring.List(), pinned).Value.Id);
        Assert.Equal([pinned.Id, second.Id, third.Id], ring.List().Select(k => k.Id));
        Assert.Equal([false, false, true], ring.List().Select(k => k.IsCurrent));
        using var again = Open();
        Assert.Equal(third.Id, KeyChain.Follow(again.List(), pinned).Value.Id);
    }

    [Fact]
    public void A_rotation_by_another_process_is_noticed()
    {
        using var server = Open();
        using var command = Open();
        var next = command.Rotate();
        Assert.Equal(next.Id, server.Current.Id);
        Assert.True(server.Current.HasSigned(server.Sign("text/plain", _ => [1])));
    }

    [Fact]
    public void Rotations_at_once_follow_each_other()
    {
        using var one = Open();
        using var two = Open();
        var pinned = one.Current;
        Parallel.For(0, 6, i => (i % 2 == 0 ? one : two).Rotate());
        Assert.Equal(7, one.List().Count);
        Assert.Equal(one.Current.Id, KeyChain.Follow(two.List(), pinned).Value.Id);
    }

    [Fact]
    public void A_rotation_that_was_cut_off_has_not_happened()
    {
        using var ring = Open();
        var first = ring.Current.Id;
        ring.Rotate();
        // The new key was written, its endorsement was not.
        File.Delete(Path.Combine(folder, "0001.next"));
        using var again = Open();
        Assert.Equal(first, again.Current.Id);
        Assert.NotEqual(first, again.Rotate().Id);
        Assert.Equal(2, again.List().Count);
    }

    [Theory]
    [InlineData("0001.key", "")]
    [InlineData("0001.key", "Created: 2026-01-01T00:00:00Z\nno key")]
    [InlineData("0001.key", "Created: never\n")]
    [InlineData("0002.key", "half a")]
    [InlineData("0001.next", "{}")]
    [InlineData("0001.next", "half a")]
    [InlineData("0001.next", "null")]
    public void A_damaged_file_is_refused_and_nothing_takes_its_place(string name, string text)
    {
        using (var ring = Open())
        {
            ring.Rotate();
        }

        File.WriteAllText(Path.Combine(folder, name), text);
        Refused("");
        Assert.Equal(text, File.ReadAllText(Path.Combine(folder, name)));
    }

    [Fact]
    public void A_lost_key_is_refused_and_not_made_anew()
    {
        using (var ring = Open())
        {
            ring.Rotate();
        }

        File.Delete(Key(1));
        Refused("missing");
        Assert.False(File.Exists(Key(1)));
    }

    [Fact]
    public void A_key_that_nobody_endorsed_is_refused()
    {
        using (var ring = Open())
        {
            ring.Rotate();
        }

        using var stranger = SigningKey.Create();
        File.WriteAllText(Key(2), "Created: 2026-01-01T00:00:00Z\n" + stranger.ExportPem());
        Refused("endorse");
    }

    [Fact]
    public void The_ring_in_hand_outlives_damage_to_its_files()
    {
        using var ring = Open();
        var id = ring.Current.Id;
        File.WriteAllText(Path.Combine(folder, "0001.next"), "damaged");
        Assert.Equal(id, ring.Current.Id);
    }

    [Fact]
    public void What_a_client_is_shown_has_no_secret()
    {
        using var ring = Open();
        ring.Rotate();
        var json = JsonSerializer.Serialize(ring.List(), ProtocolJson.Default.IReadOnlyListKeyView);
        Assert.DoesNotContain("PRIVATE", json, StringComparison.Ordinal);
        Assert.Contains("PUBLIC", json, StringComparison.Ordinal);
    }

    private KeyRing Open()
    {
        var opened = KeyRing.Open(folder);
        Assert.True(opened.Succeeded, opened.Succeeded ? "" : opened.Problems[0].ToString());
        return opened.Value;
    }

    private void Refused(string reason)
    {
        var opened = KeyRing.Open(folder);
        Assert.False(opened.Succeeded);
        Assert.Equal(ServerProblems.KeyRingUnusable, opened.Problems[0].Code);
        Assert.Contains(reason, opened.Problems[0].Reason, StringComparison.Ordinal);
    }

    private string Key(int number) => Path.Combine(folder, $"000{number}.key");
}
