// In: compilers of kernels that no worker has. Out: toolchain roots that have them, made one after the other where Debian offers
// them, for workers to fetch. What cannot be made is not tried again for a while.

using System.Threading.Channels;
using Elivepatch.Kernel;
using Elivepatch.Kernel.Storage;
using Elivepatch.Kernel.Toolchains;
using Elivepatch.Model;
using Elivepatch.Protocol.Api;
using Elivepatch.Server.Security;

namespace Elivepatch.Server.Kernels;

/// <summary>The toolchain roots of this server, and those that it will have.</summary>
public sealed partial class ToolchainsForWorkers(CacheRoot cache, TimeProvider clock, ILogger<ToolchainsForWorkers> log)
    : BackgroundService
{
    private const int MostWanted = 100;
    private const int LongestVersion = 200;
    private static readonly TimeSpan believed = TimeSpan.FromSeconds(5);

    // Workers ask for such builds with one of their next reports, and those that never do are for another processor.
    private static readonly TimeSpan untilFetched = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan untilTriedAgain = TimeSpan.FromMinutes(10);

    private readonly ToolchainRoots roots = new(cache);
    private readonly Dictionary<string, State> states = new(StringComparer.Ordinal);
    private readonly Channel<Wanted> wanted = Channel.CreateBounded<Wanted>(MostWanted);
    private readonly Lock gate = new();
    private IReadOnlyList<ToolchainView> listed = [];
    private long listedAt;

    /// <summary>Roots are not made, only those that are here are handed out.</summary>
    public bool IsOffline { get; init; } = new ToolchainFinder(cache).IsOffline;

    private enum Step
    {
        Coming,
        Made,
        Failed,
    }

    /// <summary>The roots that workers can fetch.</summary>
    public IReadOnlyList<ToolchainView> List()
    {
        lock (gate)
        {
            // Every worker reports every few seconds.
            if (listedAt == 0 || clock.GetElapsedTime(listedAt) > believed)
            {
                listed = [.. roots.List().Select(ViewOf)];
                listedAt = clock.GetTimestamp();
            }

            return listed;
        }
    }

    /// <summary>Opens a root.</summary>
    public Outcome<ToolchainRoot> Open(string digest) =>
        ContentDigest.IsHex(digest) ? roots.Open(digest) : new Problem(ToolchainProblems.RootUnknown, "that is no digest");

    /// <summary>
    /// True where workers will have a compiler soon: its root is here since a moment, or is being made. Asked for the first time,
    /// it begins to be made.
    /// </summary>
    /// <param name="compiler">The kernel's compiler, as in <c>CONFIG_CC_VERSION_TEXT</c>.</param>
    public bool IsComing(string compiler)
    {
        if (CompilerText.VersionOf(compiler) is not { Length: <= LongestVersion } version)
        {
            return false;
        }

        var isHere = List().Any(t => t.Compilers.Any(c => CompilerText.VersionOf(c) == version));
        lock (gate)
        {
            if (states.TryGetValue(version, out var state) && IsCurrent(state, isHere))
            {
                return state.Step == Step.Coming || (state.Step == Step.Made && Age(state) < untilFetched);
            }

            if (!isHere && CompilerText.DebianVersionOf(version) is null)
            {
                return false;
            }

            foreach (var (old, _) in states.Where(s => s.Value.Step != Step.Coming && Age(s.Value) > untilTriedAgain).ToList())
            {
                states.Remove(old);
            }

            if (states.Count >= MostWanted || !wanted.Writer.TryWrite(new(version, compiler)))
            {
                return false;
            }

            states[version] = new(Step.Coming, clock.GetTimestamp());
            return true;
        }
    }

    /// <summary>Why a compiler's root could not be made, where that was tried lately; else null.</summary>
    public Problem? FailureOf(string compiler)
    {
        lock (gate)
        {
            return CompilerText.VersionOf(compiler) is { } version ? states.GetValueOrDefault(version)?.Problem : null;
        }
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            await foreach (var next in wanted.Reader.ReadAllAsync(stoppingToken))
            {
                await MakeAsync(next, stoppingToken);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The server stops; what was fetched stays for the next time.
        }
    }

    private async Task MakeAsync(Wanted next, CancellationToken cancellation)
    {
        // What the compiler calls itself was said by a client.
        LogBegins(PlainText.Of(next.Version, 100));
        Problem? problem;
        try
        {
            var made = await new ToolchainFinder(cache) { IsOffline = IsOffline }.GetRootAsync(next.Compiler, cancellation);
            problem = made.Succeeded ? null : made.Problems[0];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            problem = new(ToolchainProblems.RootUnusable, e.Message);
        }

        LogEnded(PlainText.Of(next.Version, 100), problem);
        lock (gate)
        {
            states[next.Version] = new(problem is null ? Step.Made : Step.Failed, clock.GetTimestamp(), problem);
            listedAt = 0;
        }
    }

    private static ToolchainView ViewOf(ToolchainRoot root) =>
        new(
            root.Digest.Hex,
            root.Facts.Name,
            [.. root.Facts.Compilers.Select(c => c.Text)],
            root.Facts.Assembler,
            root.Facts.Linker,
            root.Facts.RustCompiler,
            root.Facts.Size
        );

    // What was made is made again only where somebody has removed it.
    private bool IsCurrent(State state, bool isHere) =>
        state.Step switch
        {
            Step.Made => isHere,
            Step.Failed => !isHere && Age(state) < untilTriedAgain,
            _ => true,
        };

    private TimeSpan Age(State state) => clock.GetElapsedTime(state.Since);

    [LoggerMessage(LogLevel.Information, "no worker has the compiler {Version}: its toolchain root is looked for")]
    private partial void LogBegins(string version);

    [LoggerMessage(LogLevel.Information, "the toolchain root of {Version} was looked for {Problem}")]
    private partial void LogEnded(string version, Problem? problem);

    private sealed record Wanted(string Version, string Compiler);

    private sealed record State(Step Step, long Since, Problem? Problem = null);
}
