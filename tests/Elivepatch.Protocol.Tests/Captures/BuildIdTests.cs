using Elivepatch.Protocol.Captures;

namespace Elivepatch.Protocol.Tests.Captures;

public sealed class BuildIdTests
{
    [Fact]
    public void The_build_id_is_found_behind_other_notes()
    {
        byte[] notes =
        [
            4,
            0,
            0,
            0,
            2,
            0,
            0,
            0,
            1,
            0,
            0,
            0,
            .. "Xen\0"u8,
            7,
            7,
            0,
            0,
            4,
            0,
            0,
            0,
            3,
            0,
            0,
            0,
            3,
            0,
            0,
            0,
            .. "GNU\0"u8,
            0xAB,
            0xCD,
            0x01,
        ];

        Assert.Equal(new BuildId("abcd01"), BuildId.Find(notes));
    }

    [Fact]
    public void A_note_that_runs_over_its_end_is_none()
    {
        Assert.Null(BuildId.Find([4, 0, 0, 0, 20, 0, 0, 0, 3, 0, 0, 0, .. "GNU\0"u8, 1]));
        Assert.Null(BuildId.Find([255, 255, 255, 255, 255, 255, 255, 255, 3, 0, 0, 0]));
    }
}
