using System.Globalization;
using Elivepatch.Machine.Service;
using Elivepatch.Terminal;

namespace Elivepatch.Client.Output;

/// <summary>What came of <c>elivepatch patch</c>, as people read it.</summary>
internal static class PatchText
{
    /// <summary>Writes it.</summary>
    public static void Write(TextWriter output, PatchResult result)
    {
        output.WriteLine(
            Printable.Escape(
                result.State switch
                {
                    "written" =>
                        $"{result.File}: livepatch for {result.Release}, verified and not loaded; its manifest is {result.Manifest}",
                    "already live" => $"{result.Module}: is live already",
                    _ => string.Create(
                        CultureInfo.InvariantCulture,
                        $"{result.Module}: live after {result.TransitionSeconds:0.0} s"
                    ),
                }
            )
        );
        foreach (var patch in result.Patches)
        {
            output.WriteLine(Printable.Escape($"  {patch.Name}"));
        }

        foreach (var withdrawn in result.Withdrawn)
        {
            output.WriteLine(
                Printable.Escape(
                    result.State == "live"
                        ? $"  no longer live: {withdrawn.Describe()}"
                        : $"  {withdrawn.Describe()}. {withdrawn.Remedy}"
                )
            );
        }

        if (result.State != "live")
        {
            return;
        }

        output.WriteLine(
            $"  {(result.Tested == true ? "tested in a virtual machine by the server" : "not tested in a virtual machine")}"
        );
        foreach (var name in result.Replaced)
        {
            output.WriteLine(Printable.Escape($"  in place of {name}"));
        }

        output.WriteLine(
            result.Boot switch
            {
                "on" => "  loaded again at boot",
                "suspended" => "  not loaded at boot: that is suspended; `elivepatch persist` turns it on again",
                _ => "  until the machine restarts; `elivepatch persist` loads it again at boot",
            }
        );
    }
}
