// In: how the machine is. Out: the same told to a server, as far as it takes it: names of tasks, functions and files are
// anybody's, so they are cut and made printable here.

using System.Globalization;
using System.Text;
using Elivepatch.Model;
using Elivepatch.Protocol.Api;

namespace Elivepatch.Machine.Service;

/// <summary>What <c>elivepatch status --report</c> is asked for.</summary>
/// <param name="Server">The server; null for the one that is trusted.</param>
/// <param name="Name">The machine's name; null for its host name.</param>
/// <param name="TokenFile">A file with the token; null for none.</param>
/// <param name="AllowsHttp">True where the token may travel unencrypted.</param>
public sealed record ReportRequest(string? Server, string? Name, string? TokenFile, bool AllowsHttp);

/// <summary>What a server was told.</summary>
/// <param name="Server">The server.</param>
/// <param name="Name">The machine's name there.</param>
/// <param name="Problems">What the server said of withdrawn livepatches and is not believed, or could not be kept.</param>
public sealed record ReportResult(string Server, string Name, IReadOnlyList<Problem> Problems);

/// <summary>Tells a server how the machine is.</summary>
public static class MachineReporter
{
    private const int LongestName = 64;
    private const int LongestRelease = 100;

    /// <summary>Tells it.</summary>
    public static async Task<Outcome<ReportResult>> RunAsync(
        MachineAccess machine,
        MachineState state,
        ReportRequest request,
        StatusReport status,
        CancellationToken cancellation
    )
    {
        var read = state.ReadConfig();
        if (!read.TryGet(out var config))
        {
            return Outcome<ReportResult>.Failure(read.Problems);
        }

        var chosen = TrustedConnection.Choose(config, request.Server);
        if (!chosen.TryGet(out var address))
        {
            return Outcome<ReportResult>.Failure(chosen.Problems);
        }

        var trusted = config.Find(address.Url);
        var found = TokenSource.Read(request.TokenFile, machine.Variable, trusted?.Token);
        if (!found.TryGet(out var token))
        {
            return Outcome<ReportResult>.Failure(found.Problems);
        }

        if (
            TrustedConnection.CheckEncryption(address, token, request.AllowsHttp || trusted is { AllowsHttp: true }) is
            { } readable
        )
        {
            return readable;
        }

        var name = request.Name ?? machine.Files.ReadText("proc/sys/kernel/hostname") ?? "";
        if (Printable(name, MachineReport.LongestName) != name || name.Trim().Length != name.Length)
        {
            return new Problem(
                CommandProblems.UsageInvalid,
                $"'{Printable(name, MachineReport.LongestName)}' is not a valid machine name: 1 to {MachineReport.LongestName} printable characters",
                "Name the machine with --machine NAME."
            );
        }

        using var client = new ServerClient(
            address,
            token,
            new RetryPolicy(machine.Time, machine.RetryPause, _ => { }),
            machine.Proxy
        );
        var told = await client.ReportAsync(Report(name, status), cancellation);
        if (!told.TryGet(out var known))
        {
            return Outcome<ReportResult>.Failure(told.Problems);
        }

        var kernel = state.ReadKernel(status.BuildId, status.Release);
        var keys = WithdrawalUpdates.KeysOf(kernel.Succeeded ? kernel.Value.Livepatches : [], config, address.Url);
        var news = new WithdrawalUpdates(machine, state, address, client);
        var (_, problems) = await news.AcceptAsync(known.Withdrawals ?? [], keys, cancellation);
        return new ReportResult(address.Url, name, problems);
    }

    /// <summary>How the machine is, as a server takes it.</summary>
    public static MachineReport Report(string name, StatusReport status) =>
        new()
        {
            Name = name,
            Release = Printable(status.Release, LongestRelease),
            BuildId = status.BuildId,
            Version = typeof(MachineReporter).Assembly.GetName().Version!.ToString(3),
            CanBeLivePatched = status.CanBeLivePatched,
            Livepatches = [.. status.Livepatches.Take(MachineReport.MostLivepatches).Select(Report)],
            Boot = status.Boot,
        };

    private static ReportedLivepatch Report(LivepatchStatus livepatch) =>
        new()
        {
            Name = Printable(livepatch.Name, LongestName),
            Sha256 = livepatch.Sha256,
            State = livepatch.State,
            IsOurs = livepatch.IsOurs,
            Functions =
            [
                .. livepatch.Functions.Take(MachineReport.MostNames).Select(f => Printable(f, MachineReport.LongestText)),
            ],
            FunctionCount = livepatch.Functions.Count,
            Patches =
            [
                .. livepatch
                    .Patches.Take(MachineReport.MostNames)
                    .Select(p => p with { Name = Printable(p.Name, MachineReport.LongestText) }),
            ],
            BlockingCount = livepatch.BlockingCount,
            Blocking =
            [
                .. livepatch
                    .Blocking.Take(MachineReport.MostTasks)
                    .Select(t => Printable(string.Create(CultureInfo.InvariantCulture, $"{t.Name} ({t.Id})"), LongestName)),
            ],
        };

    // What is not printable is a question mark; what is too long is cut, never within a character.
    private static string Printable(string text, int longest)
    {
        var result = new StringBuilder();
        foreach (var rune in text.EnumerateRunes())
        {
            var isPrintable =
                rune != Rune.ReplacementChar
                && Rune.GetUnicodeCategory(rune)
                    is not (
                        UnicodeCategory.Control
                        or UnicodeCategory.Format
                        or UnicodeCategory.LineSeparator
                        or UnicodeCategory.ParagraphSeparator
                        or UnicodeCategory.OtherNotAssigned
                        or UnicodeCategory.PrivateUse
                    );
            if (result.Length + (isPrintable ? rune.Utf16SequenceLength : 1) > longest)
            {
                break;
            }

            result.Append(isPrintable ? rune.ToString() : "?");
        }

        return result.Length == 0 ? "?" : result.ToString();
    }
}
