// In: what a machine says of itself. Out: why that cannot be kept, or null. Names come from kernels, processes and files of
// anybody: all of it is bounded and printable before it is kept, for it is shown to people.

using System.Globalization;
using System.Text;
using Elivepatch.Protocol.Api;

namespace Elivepatch.Server.Api;

/// <summary>What a report may say.</summary>
internal static class MachineReportRules
{
    private const int LongestVersion = 32;
    private const int LongestRelease = 100;
    private const int LongestName = 64;
    private const int LongestBuildId = 128;
    private const int MostTasks = 1 << 22;
    private const int MostFunctions = 1 << 20;

    /// <summary>What is wrong with it; null for nothing.</summary>
    public static string? Check(MachineReport report)
    {
        if (!IsText(report.Name, MachineReport.LongestName) || report.Name.Trim() != report.Name)
        {
            return $"a machine's name has 1 to {MachineReport.LongestName} printable characters";
        }

        if (!IsText(report.Release, LongestRelease))
        {
            return $"release has 1 to {LongestRelease} printable characters";
        }

        if (!IsHexadecimal(report.BuildId, 2, LongestBuildId))
        {
            return "buildId is not a build-id";
        }

        if (!IsText(report.Version, LongestVersion))
        {
            return $"version has 1 to {LongestVersion} printable characters";
        }

        if (report.Boot is not ("off" or "on" or "suspended"))
        {
            return "boot is not one of off, on, suspended";
        }

        if (report.Livepatches is not { Count: <= MachineReport.MostLivepatches })
        {
            return $"a report has at most {MachineReport.MostLivepatches} livepatches";
        }

        return report.Livepatches.Select(Check).FirstOrDefault(wrong => wrong is not null);
    }

    private static string? Check(ReportedLivepatch? livepatch)
    {
        if (livepatch is null || !IsText(livepatch.Name, LongestName))
        {
            return $"a livepatch's name has 1 to {LongestName} printable characters";
        }

        if (livepatch.Sha256 is not null && !IsHexadecimal(livepatch.Sha256, 64, 64))
        {
            return "a livepatch's sha256 is not a digest";
        }

        if (!LivepatchStates.All.Contains(livepatch.State))
        {
            return $"a livepatch's state is not one of {string.Join(", ", LivepatchStates.All)}";
        }

        if (!AreTexts(livepatch.Functions, MachineReport.MostNames, MachineReport.LongestText))
        {
            return $"a livepatch names at most {MachineReport.MostNames} functions, printable and short";
        }

        if (livepatch.FunctionCount is < 0 or > MostFunctions || livepatch.FunctionCount < livepatch.Functions.Count)
        {
            return "functionCount is not how many functions there are";
        }

        if (
            livepatch.Patches is not { Count: <= MachineReport.MostNames }
            || !livepatch.Patches.All(p =>
                p is not null && IsText(p.Name, MachineReport.LongestText) && IsHexadecimal(p.Sha256, 64, 64)
            )
        )
        {
            return $"a livepatch names at most {MachineReport.MostNames} patches with their digests";
        }

        if (!AreTexts(livepatch.Blocking, MachineReport.MostTasks, LongestName))
        {
            return $"a livepatch names at most {MachineReport.MostTasks} blocking tasks, printable and short";
        }

        return livepatch.BlockingCount is < 0 or > MostTasks || livepatch.BlockingCount < livepatch.Blocking.Count
            ? "blockingCount is not how many tasks there are"
            : null;
    }

    private static bool AreTexts(IReadOnlyList<string>? texts, int most, int longest) =>
        texts is not null && texts.Count <= most && texts.All(t => IsText(t, longest));

    private static bool IsText(string? text, int longest) =>
        text is { Length: > 0 } && text.Length <= longest && IsPrintable(text);

    // Format characters turn the direction of text around or are not seen at all.
    private static bool IsPrintable(string text)
    {
        foreach (var rune in text.EnumerateRunes())
        {
            if (
                rune == Rune.ReplacementChar
                || Rune.GetUnicodeCategory(rune)
                    is UnicodeCategory.Control
                        or UnicodeCategory.Format
                        or UnicodeCategory.LineSeparator
                        or UnicodeCategory.ParagraphSeparator
                        or UnicodeCategory.OtherNotAssigned
                        or UnicodeCategory.PrivateUse
            )
            {
                return false;
            }
        }

        return true;
    }

    private static bool IsHexadecimal(string? text, int shortest, int longest) =>
        text is not null && text.Length >= shortest && text.Length <= longest && text.All(char.IsAsciiHexDigitLower);
}
