// In: what a kernel's configuration says of its tools. Out: those very tools: this machine's, those of a toolchain root in the
// cache, or those of a root that is made now.

using Elivepatch.Kernel.Architectures;
using Elivepatch.Kernel.Storage;
using Elivepatch.Model;
using Elivepatch.Model.Progress;

namespace Elivepatch.Kernel.Toolchains;

/// <summary>Finds the compilers of kernels.</summary>
/// <param name="cache">Where toolchain roots are kept.</param>
/// <param name="progress">Told where a root is made.</param>
public sealed class ToolchainFinder(CacheRoot cache, IProgress<StageEvent>? progress = null)
{
    /// <summary>
    /// The variable that keeps roots from being made: whatever is not here is then missing, and the reason says how it can be
    /// had.
    /// </summary>
    public const string OfflineVariable = "ELIVEPATCH_OFFLINE";

    private readonly ToolchainRoots roots = new(cache);

    /// <summary>Roots are not made.</summary>
    public bool IsOffline { get; init; } = Environment.GetEnvironmentVariable(OfflineVariable) is { Length: > 0 };

    /// <summary>Finds the tools, or makes a root that has them.</summary>
    public async Task<Outcome<Toolchain>> GetAsync(
        KernelArchitecture architecture,
        RequiredTools tools,
        CancellationToken cancellation
    )
    {
        var found = await FindAsync(architecture, tools, cancellation);
        if (found.Succeeded || found.Problems[0].Code != CompileProblems.CompilerMissing)
        {
            return found;
        }

        var made = await MakeRootAsync(tools.Compiler, found.Problems[0], cancellation);
        return made.Succeeded ? await FindAsync(architecture, tools, cancellation) : Outcome<Toolchain>.Failure(made.Problems);
    }

    /// <summary>A root that has a compiler, made where none has it, whatever this machine itself has.</summary>
    /// <param name="compiler">The first line that the compiler prints of itself.</param>
    /// <param name="cancellation">Ends it.</param>
    public async Task<Outcome<ToolchainRoot>> GetRootAsync(string compiler, CancellationToken cancellation) =>
        CompilerText.VersionOf(compiler) is { } version
        && roots.List().LastOrDefault(r => r.Facts.Compilers.Any(c => c.Version == version)) is { } known
            ? known
            : await MakeRootAsync(
                compiler,
                new(CompileProblems.CompilerMissing, $"no toolchain root here has \"{compiler}\""),
                cancellation
            );

    /// <summary>Whether the tools are here or can be had; a problem that says what is missing.</summary>
    public async Task<IReadOnlyList<Problem>> CheckAsync(
        KernelArchitecture architecture,
        RequiredTools tools,
        CancellationToken cancellation
    )
    {
        var found = await FindAsync(architecture, tools, cancellation);
        if (found.Succeeded || found.Problems[0].Code != CompileProblems.CompilerMissing || IsOffline)
        {
            return found.Problems;
        }

        var offered = CompilerText.VersionOf(tools.Compiler) is { } version
            ? await new DebianRoots(cache, progress).FindAsync(version, cancellation)
            : (DebianRoots.Source?)null;
        return offered is { Succeeded: true, Value: not null } ? [] : found.Problems;
    }

    /// <summary>The texts of all compilers that are here, by whatever name.</summary>
    public async Task<IReadOnlyList<string>> ListAsync(CancellationToken cancellation)
    {
        var own = await HostToolchain.ListAsync(cancellation);
        return [.. own.Concat(roots.List().SelectMany(r => r.Facts.Compilers).Select(c => c.Text)).Distinct()];
    }

    private async Task<Outcome<Toolchain>> FindAsync(
        KernelArchitecture architecture,
        RequiredTools tools,
        CancellationToken cancellation
    )
    {
        var text = tools.Compiler;
        if (text.Split(' ', 2) is not [var name, var version] || CompilerText.CrossPrefixOf(name) is not { } prefix)
        {
            return new Problem(CompileProblems.CompilerUnsupported, $"the kernel was built by \"{text}\", which is not GCC");
        }

        var seen = new List<string>();
        var own = await HostToolchain.FindAsync(architecture, text, seen.Add, cancellation);
        var others = roots
            .List()
            .Select(r => (Root: r, Compiler: Choose(architecture, r, name, version)))
            .Where(c => c.Compiler is not null)
            // The configuration does not survive with other binutils or another Rust, if it asks for them.
            .OrderByDescending(c => Agrees(c.Root.Facts, tools))
            .ToList();
        if (others.Count > 0 && (own is null || (Agrees(others[0].Root.Facts, tools) && !await HasAllAsync(tools, cancellation))))
        {
            var (root, compiler) = others[0];
            return new Toolchain(name, compiler!.Path, prefix, root.Userland, root.Digest);
        }

        if (own is not null)
        {
            return own;
        }

        var there = roots
            .List()
            .Select(r =>
                $"{r.Facts.Name} has {string.Join(" and ", r.Facts.Compilers.Select(c => c.Version).Distinct().Select(v => $"\"{v}\""))}"
            );
        return new Problem(
            CompileProblems.CompilerMissing,
            $"the kernel was built by \"{text}\"; {(seen.Count == 0 ? "there is no GCC here" : "here " + string.Join(", ", seen))}"
                + string.Concat(there.Select(t => $"; {t}"))
        );
    }

    // Another target's compiler of the same version is another compiler.
    private static RootCompiler? Choose(KernelArchitecture architecture, ToolchainRoot root, string name, string version) =>
        root
            .Facts.Compilers.Where(c => c.Version == version)
            .OrderByDescending(c => c.Name == name)
            .FirstOrDefault(c =>
                c.Name == name
                || CompilerText.CrossPrefixOf(c.Name) is "" or null
                || c.Name.StartsWith(architecture.Target + "-gcc", StringComparison.Ordinal)
            );

    private static bool Agrees(ToolchainFacts facts, RequiredTools tools) =>
        (tools.Assembler == 0 || facts.Assembler == tools.Assembler)
        && (tools.Linker == 0 || facts.Linker == tools.Linker)
        && (tools.RustCompiler.Length == 0 || facts.RustCompiler == tools.RustCompiler);

    // Nobody builds Rust on this machine itself: which one it has is not looked at.
    private static async Task<bool> HasAllAsync(RequiredTools tools, CancellationToken cancellation) =>
        tools.RustCompiler.Length == 0 && await HostToolchain.HasBinutilsAsync(tools, cancellation);

    private async Task<Outcome<ToolchainRoot>> MakeRootAsync(string compiler, Problem missing, CancellationToken cancellation)
    {
        if (CompilerText.VersionOf(compiler) is not { } version || CompilerText.DebianVersionOf(version) is null)
        {
            return Missing(Import());
        }

        if (IsOffline)
        {
            return Missing(
                $"Run the command again without --offline and {OfflineVariable}, or add the Debian suite that has it: `elivepatch toolchain add debian:SUITE`."
            );
        }

        var debian = new DebianRoots(cache, progress);
        var offered = await debian.FindAsync(version, cancellation);
        if (!offered.TryGet(out var source))
        {
            return Missing($"Debian has it, and its archive cannot be asked now: {offered.Problems[0].Reason}");
        }

        return source is null ? Missing(Import()) : await debian.MakeAsync(source.Suite, source.Package, cancellation);

        Problem Missing(string remedy) => new(missing.Code, missing.Reason, remedy);

        string Import() =>
            $"Import a root file system that has \"{compiler}\", such as an image of the distribution that built the kernel: `elivepatch toolchain import FILE`.";
    }
}
