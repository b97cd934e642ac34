using Elivepatch.Model;

namespace Elivepatch.Kernel;

/// <summary>Patches that are not accepted.</summary>
public static class PatchProblems
{
    /// <summary>
    /// The file is not a unified diff, or a hunk is malformed: its lines do not match the counts in its header, or it changes
    /// nothing.
    /// </summary>
    public static readonly ProblemCode PatchUnreadable = new(
        101,
        ProblemKind.Refused,
        "the patch is not a valid unified diff",
        "Use a unified diff as written by `git diff` or `diff -u`, with paths relative to the top of the source tree."
    );

    /// <summary>
    /// A path in the patch leads outside of the source tree or through a symbolic link, names a directory, or contains unusual
    /// characters.
    /// </summary>
    public static readonly ProblemCode PatchPathRefused = new(
        102,
        ProblemKind.Refused,
        "the patch names a path that is not allowed",
        "Use paths relative to the top of the kernel source, in plain characters."
    );

    /// <summary>The patch removes, renames or copies a file.</summary>
    public static readonly ProblemCode PatchMovesFiles = new(
        103,
        ProblemKind.Refused,
        "the patch removes, renames or copies a file",
        "Keep the file and change its content: the running kernel keeps all of its code."
    );

    /// <summary>
    /// The patch contains a binary change, or a file mode other than that of a regular file (a symbolic link, a submodule).
    /// </summary>
    public static readonly ProblemCode PatchNotText = new(
        104,
        ProblemKind.Refused,
        "the patch changes something other than text",
        "Leave out everything except changes to source text."
    );

    /// <summary>
    /// The patch is larger than 16 MiB, changes more than 1000 files, or changes a file that is too large to be source.
    /// </summary>
    public static readonly ProblemCode PatchTooLarge = new(
        105,
        ProblemKind.Refused,
        "the patch is too large",
        "Split the patch: a livepatch is meant for a fix."
    );

    /// <summary>The patch changes only files from which no code is compiled, such as documentation.</summary>
    public static readonly ProblemCode PatchHasNoCode = new(
        106,
        ProblemKind.NoChange,
        "the patch changes no file that is compiled",
        "No livepatch is needed."
    );

    /// <summary>The patch changes how the kernel is built.</summary>
    public static readonly ProblemCode PatchChangesBuild = new(
        107,
        ProblemKind.Refused,
        "the patch changes the build system",
        "Leave out changes to Makefile, Kbuild, Kconfig, scripts and tools, and to files from which the build generates "
            + "sources: the running kernel is already built."
    );

    /// <summary>The patch changes an assembly file or a linker script, or a header that one of them includes.</summary>
    public static readonly ProblemCode PatchChangesAssembly = new(
        108,
        ProblemKind.Refused,
        "the patch changes assembly or a linker script",
        "Change the C code that calls it, or headers that only C files include: what is made from assembly or a linker "
            + "script cannot be live patched."
    );

    /// <summary>The patch changes a source file of the vdso, or a file that one of them includes.</summary>
    public static readonly ProblemCode PatchChangesVdso = new(
        109,
        ProblemKind.Refused,
        "the patch changes the vdso",
        "Boot a fixed kernel: the vdso is mapped into every process and cannot be live patched."
    );

    /// <summary>The patch changes code that runs before the kernel proper or outside of it.</summary>
    public static readonly ProblemCode PatchChangesBootCode = new(
        110,
        ProblemKind.Refused,
        "the patch changes boot code",
        "Boot a fixed kernel: the code of boot, realmode and purgatory is not part of the running kernel."
    );

    /// <summary>The patch changes a type of file whose effect on the kernel is not known.</summary>
    public static readonly ProblemCode PatchChangesOtherFile = new(
        111,
        ProblemKind.Refused,
        "the patch changes a file that is neither C nor a header",
        "Leave the file out, or make the equivalent change in C."
    );

    /// <summary>A hunk of the patch does not match the source of the kernel.</summary>
    public static readonly ProblemCode PatchDoesNotApply = new(
        112,
        ProblemKind.Refused,
        "the patch does not apply",
        "Make the patch against the source of exactly this kernel."
    );

    /// <summary>The source of the kernel already contains the change.</summary>
    public static readonly ProblemCode PatchAlreadyApplied = new(
        113,
        ProblemKind.Refused,
        "the patch is already applied",
        "Leave the patch out: the kernel already has this change."
    );

    /// <summary>A hunk of the patch matches the source in more than one place.</summary>
    public static readonly ProblemCode PatchAmbiguous = new(
        114,
        ProblemKind.Refused,
        "a hunk of the patch matches in several places",
        "Make the patch against the source of exactly this kernel, or with more lines of context."
    );

    /// <summary>
    /// Too many units include a header that the patch changes: each of them has to be examined, and those that use what changed
    /// have to be compared.
    /// </summary>
    public static readonly ProblemCode TooManyUnits = new(
        115,
        ProblemKind.Refused,
        "the patch affects too many units",
        "Move the new code into a header of its own or into the unit that needs it, or allow more units (--most-units, or "
            + "unitsPerBuild on a server)."
    );

    /// <summary>The configuration of this kernel compiles no unit from the patched files.</summary>
    public static readonly ProblemCode FileNotCompiled = new(
        116,
        ProblemKind.NoChange,
        "none of the patched files is compiled into this kernel",
        "No livepatch is needed: the configuration of this kernel uses none of these files."
    );

    /// <summary>A patch named on the command line does not exist.</summary>
    public static readonly ProblemCode PatchFileMissing = new(
        117,
        ProblemKind.Usage,
        "a patch file does not exist",
        "Check the path."
    );

    /// <summary>A unit that the patch affects is built into several modules.</summary>
    public static readonly ProblemCode UnitInSeveralModules = new(
        118,
        ProblemKind.Refused,
        "the patch touches code of several modules at once",
        "Unload the modules and load fixed ones: the unit is compiled once and linked into each of them, so nothing says which "
            + "copy a function is of."
    );

    /// <summary>The patches change files of the kernel, and the source of a module outside of it is named.</summary>
    public static readonly ProblemCode PatchOfTwoSources = new(
        120,
        ProblemKind.Refused,
        "the patch is for the kernel and for a module's own source",
        "Build two livepatches with --no-replace: one from the changes to the kernel, and one with --module-source from those to "
            + "the module."
    );

    /// <summary>ELP0400.</summary>
    public static readonly ProblemCode NothingChanged = new(
        400,
        ProblemKind.NoChange,
        "the patch changes no code",
        "No livepatch is needed; if you expected a change, check that the configuration compiles the lines that you edited."
    );
}
