using Elivepatch.Model;

namespace Elivepatch.Kernel;

/// <summary>A patch that cannot be taken.</summary>
public static class PatchProblems
{
    /// <summary>A patch is no unified diff.</summary>
    public static readonly ProblemCode PatchUnreadable = new(
        101, ProblemKind.Refused, "the patch cannot be read",
        "Use a unified diff as `git diff` or `diff -u` writes it, with paths below one top folder (a/, b/).");

    /// <summary>A patch names a file outside of the source.</summary>
    public static readonly ProblemCode PatchPathRefused = new(
        102, ProblemKind.Refused, "the patch names a path that is refused",
        "Paths in a patch are relative to the top of the kernel's source, in plain characters.");

    /// <summary>A patch removes, renames or copies files.</summary>
    public static readonly ProblemCode PatchMovesFiles = new(
        103, ProblemKind.Refused, "the patch removes or renames a file",
        "A running kernel keeps all of its code: leave the file and change what is in it.");

    /// <summary>A patch is binary, or is about links, sub-modules or modes.</summary>
    public static readonly ProblemCode PatchNotText = new(
        104, ProblemKind.Refused, "the patch changes something else than text", "Leave out everything but changes of source text.");

    /// <summary>A patch is too large.</summary>
    public static readonly ProblemCode PatchTooLarge = new(
        105, ProblemKind.Refused, "the patch is too large", "A livepatch is for a fix: split the patch.");

    /// <summary>A patch changes no file that code is compiled from.</summary>
    public static readonly ProblemCode PatchHasNoCode = new(
        106, ProblemKind.NoChange, "the patch changes no code", "There is nothing to make a livepatch of.");

    /// <summary>A patch changes how the kernel is built.</summary>
    public static readonly ProblemCode PatchChangesBuild = new(
        107, ProblemKind.Refused, "the patch changes the build system",
        "The running kernel was built already: leave out changes of Makefile, Kbuild, Kconfig, scripts and tools, and of what the build compiles to make sources from.");

    /// <summary>A patch changes assembly or a linker script.</summary>
    public static readonly ProblemCode PatchChangesAssembly = new(
        108, ProblemKind.Refused, "the patch changes assembly",
        "What is made from assembly or a linker script cannot be live patched: change the C code that calls it, and headers that only C includes.");

    /// <summary>A patch changes the vdso.</summary>
    public static readonly ProblemCode PatchChangesVdso = new(
        109, ProblemKind.Refused, "the patch changes the vdso",
        "The vdso is mapped into every process and cannot be live patched: boot a fixed kernel.");

    /// <summary>A patch changes code that has run before the kernel proper, or runs outside of it.</summary>
    public static readonly ProblemCode PatchChangesBootCode = new(
        110, ProblemKind.Refused, "the patch changes boot code",
        "Code of boot, realmode and purgatory is no part of the running kernel: boot a fixed kernel.");

    /// <summary>A patch changes a kind of file whose effect is not known.</summary>
    public static readonly ProblemCode PatchChangesOtherFile = new(
        111, ProblemKind.Refused, "the patch changes a file that is neither C nor a header",
        "Leave the file out, or say what it makes in C.");

    /// <summary>A patch does not apply.</summary>
    public static readonly ProblemCode PatchDoesNotApply = new(
        112, ProblemKind.Refused, "the patch does not apply", "Make the patch against the source of exactly this kernel.");

    /// <summary>A patch has been applied already.</summary>
    public static readonly ProblemCode PatchAlreadyApplied = new(
        113, ProblemKind.Refused, "the patch is already applied", "The kernel has this change: leave the patch out.");

    /// <summary>A hunk fits in several places.</summary>
    public static readonly ProblemCode PatchAmbiguous = new(
        114, ProblemKind.Refused, "a hunk of the patch fits in several places",
        "Make the patch against the source of exactly this kernel, or with more lines of context.");

    /// <summary>A header change touches too many units.</summary>
    public static readonly ProblemCode TooManyUnits = new(
        115, ProblemKind.Refused, "the patch touches too much of the kernel",
        "Put what is new into a header of its own or into the unit that needs it; or allow more units (--most-units, or a server's unitsPerBuild).");

    /// <summary>A changed file is compiled into nothing.</summary>
    public static readonly ProblemCode FileNotCompiled = new(
        116, ProblemKind.NoChange, "no code of this kernel comes from the patched files",
        "This kernel's configuration uses none of them: there is nothing to make a livepatch of.");

    /// <summary>A patch file is not there.</summary>
    public static readonly ProblemCode PatchFileMissing = new(
        117, ProblemKind.Usage, "a patch file does not exist", "Check the path.");

    /// <summary>A touched unit belongs to a module.</summary>
    public static readonly ProblemCode UnitIsInModule = new(
        118, ProblemKind.Refused, "the patch touches code of a module",
        "Only code that is built into vmlinux can be live patched so far: unload the module, and load a fixed one.");

    /// <summary>ELP0400.</summary>
    public static readonly ProblemCode NothingChanged = new(400, ProblemKind.NoChange, "the patch changes no code",
        "nothing needs to be loaded; if you expected a change, check that the configuration compiles the lines you edited");
}
