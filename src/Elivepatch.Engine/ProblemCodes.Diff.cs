using static Elivepatch.Engine.ProblemKind;

namespace Elivepatch.Engine;

/// <content>Numbers 04xx: comparing the unit before and after the patch.</content>
public static partial class ProblemCodes
{
    /// <summary>ELP0400.</summary>
    public static readonly ProblemCode NothingChanged = new(400, NoChange, "the patch changes no code",
        "nothing needs to be loaded; if you expected a change, check that the configuration compiles the lines you edited");

    /// <summary>ELP0401.</summary>
    public static readonly ProblemCode MalformedObject = new(401, ProblemKind.Environment, "an object file cannot be read",
        "compile it again; if it comes from a compiler's normal run, report the file");

    /// <summary>ELP0402.</summary>
    public static readonly ProblemCode UnknownSection = new(402, Refused, "a section that this engine does not know",
        "report the section's name and the kernel version; copying or dropping it would be a guess");

    /// <summary>ELP0403.</summary>
    public static readonly ProblemCode ChangedData = new(403, Refused, "an initialiser of existing data changed",
        "the running kernel's copy is in use: set the new value from a patch callback, or change the code that reads it");

    /// <summary>ELP0404.</summary>
    public static readonly ProblemCode ChangedInit = new(404, Refused, "code or data that is used only while the kernel starts changed",
        "it has run already and is gone; do its work in a patch callback or in code that still runs");

    /// <summary>ELP0405.</summary>
    public static readonly ProblemCode RemovedData = new(405, Refused, "existing data disappears",
        "keep the declaration and a use of it: functions that still run the old code use it");

    /// <summary>ELP0406.</summary>
    public static readonly ProblemCode RemovedStaticLocal = new(406, Refused, "a static local variable disappears",
        "keep it: its value is state of the running kernel that old and new code share");

    /// <summary>ELP0407.</summary>
    public static readonly ProblemCode AmbiguousStaticLocal = new(407, Refused, "several static local variables could be meant",
        "give the new variable a name of its own; build with debug information so that owners are known");

    /// <summary>ELP0408.</summary>
    public static readonly ProblemCode NotTraceable = new(408, Refused, "a changed function has no ftrace entry",
        "notrace, noinstr and inline assembly functions cannot be diverted: change their callers instead");

    /// <summary>ELP0409.</summary>
    public static readonly ProblemCode ChangedLayout = new(409, Refused, "the layout of a structure changed",
        "objects of the old layout exist already: keep the structure and attach new fields with shadow variables (klp_shadow_alloc)");

    /// <summary>ELP0410.</summary>
    public static readonly ProblemCode ChangedRegistry = new(410, Refused, "a list that the kernel reads only while it starts changed",
        "new exports, initcalls, parameters, tracepoints and the like cannot be added by a livepatch: use a module for them");

    /// <summary>ELP0411.</summary>
    public static readonly ProblemCode UnreadableCode = new(411, Refused, "a relocated field that no instruction explains",
        "report the function; the engine cannot tell what the field means");

    /// <summary>ELP0412.</summary>
    public static readonly ProblemCode ShortBranch = new(412, Refused, "a short branch to a function that stays behind",
        "the branch cannot be relocated: change the function so that the two are not neighbours, or patch both");

    /// <summary>ELP0413.</summary>
    public static readonly ProblemCode InteriorReference = new(413, Refused, "a reference to the inside of a function that is not included",
        "report the function; its code cannot be referred to by name");

    /// <summary>ELP0414.</summary>
    public static readonly ProblemCode ChangedSymbolKind = new(414, Refused, "an existing symbol changes what it is",
        "a static symbol became global or the reverse, or moved to another kind of section: keep its declaration");

    /// <summary>ELP0415.</summary>
    public static readonly ProblemCode MalformedTable = new(415, Refused, "a table whose entries cannot be told apart",
        "report the section and the compiler; its entry size is not what the kernel's headers say");

    /// <summary>ELP0416.</summary>
    public static readonly ProblemCode RequestedFunctionMissing = new(416, Usage, "a function that was asked for is not in the unit",
        "name the unit and the function as the symbol table has it: UNIT:FUNCTION, such as fs/proc/meminfo.c:meminfo_proc_show");

    /// <summary>ELP0417.</summary>
    public static readonly ProblemCode ChangedMemoryKind = new(417, Refused, "a variable changes the kind of memory that it lies in",
        "the running kernel's copy stays where it is: keep const, __ro_after_init, per-cpu and alignment as they are, and use a new variable instead");

    /// <summary>ELP0418.</summary>
    public static readonly ProblemCode NewStaticCall = new(418, Refused, "a new static call",
        "a trampoline of a livepatch is known to no static call site: call through a function pointer, or branch by an ordinary condition");
}
