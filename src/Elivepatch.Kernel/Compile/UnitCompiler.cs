// In: a unit's command and the patched files. Out: an object. The compiler runs as kbuild would run it, less the objtool step,
// so that what differs between objects is what the compiler made of the source and nothing else.

using System.IO.Compression;
using System.Text;
using System.Text.RegularExpressions;
using Elivepatch.Kernel.Processes;
using Elivepatch.Kernel.Storage;
using Elivepatch.Kernel.Trees;
using Elivepatch.Model;

namespace Elivepatch.Kernel.Compile;

/// <summary>Compiles units of a source tree.</summary>
public sealed partial class UnitCompiler(CacheRoot cache)
{
    private const string Version = "1";
    private const string ObjectName = "unit.o";
    private const string WarningsName = "warnings";
    private const string TextName = "text.gz";
    private const string FilesName = "files";
    private const string PreprocessedVersion = "2";
    private const int PreprocessedLimit = 128 << 20;
    private const int MessageLines = 30;
    private static readonly EntryKind Kind = new("objects");
    private static readonly EntryKind Preprocessed = new("preprocessed");

    // Debug information says which line and which type; it has to name plain DWARF 4 sections, and variable tracking is left out
    // because it costs time and describes what nobody reads here.
    private static readonly string[] SectionFlags =
    [
        "-gdwarf-4",
        "-gz=none",
        "-fno-var-tracking",
        "-fno-var-tracking-assignments",
        "-ffunction-sections",
        "-fdata-sections",
    ];

    private static readonly string[] AsBuiltFlags = ["-g0"];

    /// <summary>Compiles a unit; from the cache where the tree is unpatched.</summary>
    public async Task<Outcome<CompiledUnit>> CompileAsync(
        SourceTree tree,
        CompileCommand command,
        SourceOverlay overlay,
        CompileVariant variant,
        CancellationToken cancellation
    )
    {
        if (!overlay.IsEmpty)
        {
            using var workspace = cache.NewWorkspace();
            return await RunAsync(tree, command, overlay, variant, workspace.FullPath, cancellation);
        }
        CompiledUnit? made = null;
        var entry = await cache.GetAsync(
            Kind,
            KeyOf(tree, command, variant),
            async folder =>
            {
                using var workspace = cache.NewWorkspace();
                var outcome = await RunAsync(tree, command, overlay, variant, workspace.FullPath, cancellation);
                if (!outcome.TryGet(out made))
                {
                    return outcome.Problems[0];
                }

                await File.WriteAllBytesAsync(Path.Combine(folder, ObjectName), made.Object, cancellation);
                await File.WriteAllTextAsync(Path.Combine(folder, WarningsName), made.Warnings, cancellation);
                return null;
            },
            cancellation
        );
        return entry.Then<CompiledUnit>(folder => made ?? Load(folder, command));
    }

    /// <summary>The object that <see cref="CompileAsync"/> would take from the cache, or null.</summary>
    public CompiledUnit? Find(SourceTree tree, CompileCommand command, SourceOverlay overlay, CompileVariant variant) =>
        overlay.IsEmpty && cache.Find(Kind, KeyOf(tree, command, variant)) is { } folder ? Load(folder, command) : null;

    /// <summary>The unit's text after the preprocessor, without line markers.</summary>
    public Task<Outcome<ReadOnlyMemory<byte>>> PreprocessAsync(
        SourceTree tree,
        CompileCommand command,
        SourceOverlay overlay,
        CancellationToken cancellation
    ) => TextAsync(tree, command, overlay, ["-E", "-P"], cancellation);

    /// <summary>
    /// What <see cref="PreprocessAsync"/> gives without patches, and of which files; from the cache where it is known.
    /// </summary>
    public async Task<Outcome<PreprocessedUnit>> PreprocessUnpatchedAsync(
        SourceTree tree,
        CompileCommand command,
        CancellationToken cancellation
    )
    {
        PreprocessedUnit? made = null;
        var entry = await cache.GetAsync(
            Preprocessed,
            ContentDigest.OfParts([PreprocessedVersion, tree.Key.Hex, command.Unit, .. command.Arguments]),
            async folder =>
            {
                using var workspace = cache.NewWorkspace();
                var text = await TextAsync(
                    tree,
                    command,
                    SourceOverlay.None,
                    ["-E", "-P", "-MD", "-MF", $"/out/{FilesName}"],
                    cancellation,
                    workspace.FullPath
                );
                if (!text.TryGet(out var bytes))
                {
                    return text.Problems[0];
                }

                var files = FilesOf(
                    tree,
                    command,
                    await File.ReadAllTextAsync(Path.Combine(workspace.FullPath, "out", FilesName), cancellation)
                );
                made = new([.. files], () => bytes);
                await File.WriteAllLinesAsync(Path.Combine(folder, FilesName), files, cancellation);
                await using var file = new GZipStream(File.Create(Path.Combine(folder, TextName)), CompressionLevel.Fastest);
                await file.WriteAsync(bytes, cancellation);
                return null;
            },
            cancellation
        );
        return entry.Then<PreprocessedUnit>(folder =>
            made
            ?? new PreprocessedUnit(
                [.. File.ReadLines(Path.Combine(folder, FilesName))],
                () => Unpack(Path.Combine(folder, TextName))
            )
        );
    }

    /// <summary>
    /// The files of the tree that the preprocessor reads for a unit, by path in the tree; the unit itself comes first.
    /// </summary>
    public async Task<Outcome<IReadOnlyList<string>>> FilesReadAsync(
        SourceTree tree,
        CompileCommand command,
        SourceOverlay overlay,
        CancellationToken cancellation
    )
    {
        var outcome = await TextAsync(tree, command, overlay, ["-M"], cancellation);
        return outcome.Then<IReadOnlyList<string>>(rule => FilesOf(tree, command, Encoding.UTF8.GetString(rule.Span)));
    }

    // The compiler writes a path as it came to it: ./include/linux/fs.h, fs/nfsd/../internal.h.
    private static List<string> FilesOf(SourceTree tree, CompileCommand command, string rule) =>
        [
            .. MakeRule
                .Prerequisites(rule)
                .Select(p => tree.PathOf(Path.GetFullPath(p, command.WorkingDirectory)))
                .OfType<string>()
                .Distinct(),
        ];

    /// <summary>Why a unit does not compile, or null; no code is made.</summary>
    public async Task<Problem?> CheckSyntaxAsync(
        SourceTree tree,
        CompileCommand command,
        SourceOverlay overlay,
        CancellationToken cancellation
    )
    {
        var outcome = await TextAsync(tree, command, overlay, ["-fsyntax-only"], cancellation);
        return outcome.Succeeded ? null : outcome.Problems[0];
    }

    /// <summary>The assembly that a C file is compiled to, without debug information.</summary>
    public Task<Outcome<ReadOnlyMemory<byte>>> CompileToAssemblyAsync(
        SourceTree tree,
        CompileCommand command,
        SourceOverlay overlay,
        CancellationToken cancellation
    ) => TextAsync(tree, command, overlay, ["-g0", "-S", "-o", "-"], cancellation);

    private async Task<Outcome<ReadOnlyMemory<byte>>> TextAsync(
        SourceTree tree,
        CompileCommand command,
        SourceOverlay overlay,
        IReadOnlyList<string> how,
        CancellationToken cancellation,
        string? folder = null
    )
    {
        using var workspace = cache.NewWorkspace();
        var outcome = await RunOnUnitAsync(
            tree,
            command,
            overlay,
            folder ?? workspace.FullPath,
            [.. command.Arguments, .. how, command.SourceName],
            cancellation
        );
        if (!outcome.TryGet(out var result))
        {
            return Outcome<ReadOnlyMemory<byte>>.Failure(outcome.Problems);
        }

        return result.Succeeded && !result.Truncated
            ? result.OutputBytes
            : MissingGenerated(tree, command.Unit, overlay, result) ?? Failure(command.Unit, result);
    }

    /// <summary>
    /// Compiles a C file that is not part of the tree with the flags of one that is, and gives its assembly.
    /// </summary>
    internal async Task<Outcome<string>> AssembleProbeAsync(
        SourceTree tree,
        CompileCommand like,
        string text,
        CancellationToken cancellation
    )
    {
        using var workspace = cache.NewWorkspace();
        var probe = Path.Combine(workspace.FullPath, "probe.c");
        await File.WriteAllTextAsync(probe, text, cancellation);
        var outcome = await RunCompilerAsync(
            tree,
            like,
            SourceOverlay.None,
            workspace.FullPath,
            [.. like.Arguments, "-g0", "-S", "-o", "-", "/out/probe.c"],
            cancellation
        );
        return outcome.Then<string>(r => r.Succeeded ? r.Output : Failure("the probe of the kernel's own headers", r));
    }

    /// <summary>Preprocesses a C file that is not part of the tree with the flags of one that is.</summary>
    internal async Task<Outcome<string>> PreprocessProbeAsync(
        SourceTree tree,
        CompileCommand like,
        string text,
        CancellationToken cancellation
    )
    {
        using var workspace = cache.NewWorkspace();
        var probe = Path.Combine(workspace.FullPath, "probe.c");
        await File.WriteAllTextAsync(probe, text, cancellation);
        var outcome = await RunCompilerAsync(
            tree,
            like,
            SourceOverlay.None,
            workspace.FullPath,
            [.. like.Arguments, "-E", "-P", "/out/probe.c"],
            cancellation
        );
        return outcome.Then<string>(r => r.Succeeded ? r.Output : Failure("the probe of the kernel's own headers", r));
    }

    private static ReadOnlyMemory<byte> Unpack(string path)
    {
        using var packed = new GZipStream(File.OpenRead(path), CompressionMode.Decompress);
        using var text = new MemoryStream();
        packed.CopyTo(text);
        return text.ToArray();
    }

    private static ContentDigest KeyOf(SourceTree tree, CompileCommand command, CompileVariant variant) =>
        ContentDigest.OfParts([Version, tree.Key.Hex, command.Unit, .. command.Arguments, .. FlagsOf(tree, variant)]);

    private static CompiledUnit Load(string folder, CompileCommand command) =>
        new(
            command.Unit,
            File.ReadAllBytes(Path.Combine(folder, ObjectName)),
            File.ReadAllText(Path.Combine(folder, WarningsName)),
            TimeSpan.Zero
        );

    private static string[] FlagsOf(SourceTree tree, CompileVariant variant) =>
        variant == CompileVariant.AsBuilt ? AsBuiltFlags : [.. SectionFlags, .. tree.DebugOptions];

    private async Task<Outcome<CompiledUnit>> RunAsync(
        SourceTree tree,
        CompileCommand command,
        SourceOverlay overlay,
        CompileVariant variant,
        string folder,
        CancellationToken cancellation
    )
    {
        var outcome = await RunOnUnitAsync(
            tree,
            command,
            overlay,
            folder,
            [.. command.Arguments, .. FlagsOf(tree, variant), "-c", "-o", "/out/" + ObjectName, command.SourceName],
            cancellation
        );
        if (!outcome.TryGet(out var result))
        {
            return Outcome<CompiledUnit>.Failure(outcome.Problems);
        }

        if (!result.Succeeded)
        {
            return MissingGenerated(tree, command.Unit, overlay, result) ?? Failure(command.Unit, result);
        }

        var bytes = await File.ReadAllBytesAsync(Path.Combine(folder, "out", ObjectName), cancellation);
        return new CompiledUnit(command.Unit, bytes, result.Error, result.Duration);
    }

    // Most units include nothing that is made for them, so kbuild is asked to make it when the compiler misses it. A file that a
    // patch adds may stand where one is made; whether it does, only the unpatched unit says.
    private async Task<Outcome<ProcessResult>> RunOnUnitAsync(
        SourceTree tree,
        CompileCommand command,
        SourceOverlay overlay,
        string folder,
        IReadOnlyList<string> words,
        CancellationToken cancellation
    )
    {
        var (unit, generated) = (command.Unit, new GeneratedSources(cache));
        if (overlay.Files.Keys.Any(p => !tree.HasFile(p)) && generated.Find(tree, unit) is null)
        {
            _ = await PreprocessUnpatchedAsync(tree, command, cancellation);
        }

        if (generated.Find(tree, unit) is not { } made)
        {
            var outcome = await RunCompilerAsync(tree, command, overlay, folder, words, cancellation);
            if (!outcome.TryGet(out var result) || result.Succeeded || MissingGenerated(tree, unit, overlay, result) is null)
            {
                return outcome;
            }

            var making = await generated.MakeAsync(tree, unit, SourceOverlay.None, cancellation);
            if (!making.TryGet(out made))
            {
                return Outcome<ProcessResult>.Failure(making.Problems);
            }
        }

        var problem = await generated.CheckSameAsync(tree, unit, made, overlay, cancellation);
        if (problem is not null && problem.Code != CompileProblems.GeneratedFileMissing)
        {
            return problem;
        }

        // Where kbuild fails because the unit does not compile, the compiler says it better.
        var compiled = await RunCompilerAsync(tree, command, overlay.Over(made), folder, words, cancellation);
        return problem is not null && compiled is { Succeeded: true, Value.Succeeded: true } ? problem : compiled;
    }

    private static async Task<Outcome<ProcessResult>> RunCompilerAsync(
        SourceTree tree,
        CompileCommand command,
        SourceOverlay overlay,
        string folder,
        IReadOnlyList<string> words,
        CancellationToken cancellation
    )
    {
        var output = Directory.CreateDirectory(Path.Combine(folder, "out")).FullName;
        var probe = Path.Combine(folder, "probe.c");
        if (File.Exists(probe))
        {
            File.Move(probe, Path.Combine(output, "probe.c"));
        }

        // A unit may be compiled a second time, with more files.
        var files = Path.Combine(folder, Path.GetRandomFileName());
        return await Sandbox.RunAsync(
            new SandboxRequest
            {
                File = words[0],
                Arguments = [.. words.Skip(1)],
                Userland = tree.Userland,
                Environment = tree.Environment,
                Binds = [.. tree.Binds, .. OverlayMounts.Create(tree, overlay, files), new(output, "/out", Writable: true)],
                WorkingDirectory = command.WorkingDirectory,
                OutputLimit = PreprocessedLimit,
            },
            cancellation
        );
    }

    // The kernel's own source includes nothing that is not there when the kernel is built; a patch may.
    private static Problem? MissingGenerated(SourceTree tree, string unit, SourceOverlay overlay, ProcessResult result)
    {
        if (MissingFile().Match(result.Error) is not { Success: true } missing)
        {
            return null;
        }

        var name = missing.Groups[1].Value;
        return overlay.Files.Any(f =>
            Names(f.Value.Span) && !(tree.HasFile(f.Key) && Names(File.ReadAllBytes(Path.Combine(tree.Folder, f.Key))))
        )
            ? null
            : new(CompileProblems.GeneratedFileMissing, $"{unit} includes {name}");

        bool Names(ReadOnlySpan<byte> text) => text.IndexOf(Encoding.UTF8.GetBytes(name)) >= 0;
    }

    [GeneratedRegex(@"fatal error: (\S{1,200}): No such file or directory")]
    private static partial Regex MissingFile();

    private static Problem Failure(string unit, ProcessResult result)
    {
        if (result.TimedOut || result.Error.Length == 0)
        {
            return new(CompileProblems.CompileFailed, $"{unit}: the compiler had {result.Describe()}");
        }

        var lines = result
            .Error.Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Take(MessageLines)
            .Select(l => l.Length > 300 ? l[..300] + "..." : l);
        return new(CompileProblems.CompileFailed, $"{unit}: {string.Join('\n', lines)}");
    }
}
