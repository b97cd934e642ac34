using Elivepatch.Model;

namespace Elivepatch.Engine;

/// <summary>A change that no livepatch can make.</summary>
public static class DiffProblems
{
    /// <summary>ELP0401.</summary>
    public static readonly ProblemCode MalformedObject = new(401, ProblemKind.Environment, "an object file cannot be read",
        "compile it again; if it comes from a compiler's normal run, report the file");

    /// <summary>ELP0402.</summary>
    public static readonly ProblemCode UnknownSection = new(402, ProblemKind.Refused, "a section that this engine does not know",
        "report the section's name and the kernel version; copying or dropping it would be a guess");

    /// <summary>ELP0403.</summary>
    public static readonly ProblemCode ChangedData = new(403, ProblemKind.Refused, "an initialiser of existing data changed",
        "the running kernel's copy is in use, with the value that it has now: change the code that reads it");

    /// <summary>ELP0404.</summary>
    public static readonly ProblemCode ChangedInit = new(404, ProblemKind.Refused, "code or data that is used only while the kernel starts changed",
        "it has run already and is gone: do its work in code that still runs, or leave these lines out of the patch");

    /// <summary>ELP0405.</summary>
    public static readonly ProblemCode RemovedData = new(405, ProblemKind.Refused, "existing data disappears",
        "keep the declaration and a use of it: functions that still run the old code use it");

    /// <summary>ELP0406.</summary>
    public static readonly ProblemCode RemovedStaticLocal = new(406, ProblemKind.Refused, "a static local variable disappears",
        "keep it: its value is state of the running kernel that old and new code share");

    /// <summary>ELP0407.</summary>
    public static readonly ProblemCode AmbiguousStaticLocal = new(407, ProblemKind.Refused, "several static local variables could be meant",
        "give the new variable a name of its own; build with debug information so that owners are known");

    /// <summary>ELP0408.</summary>
    public static readonly ProblemCode NotTraceable = new(408, ProblemKind.Refused, "a changed function has no ftrace entry",
        "give the new code a name of its own, and change its callers to call that");

    /// <summary>ELP0409.</summary>
    public static readonly ProblemCode ChangedLayout = new(409, ProblemKind.Refused, "the layout of a structure changed",
        "objects of the old layout exist already, unless all live on stacks of functions that the patch changes: keep the structure and attach new "
        + "fields with shadow variables (klp_shadow_alloc)");

    /// <summary>ELP0410.</summary>
    public static readonly ProblemCode ChangedRegistry = new(410, ProblemKind.Refused, "a list that the kernel reads only while it starts changed",
        "new initcalls, parameters, tracepoints and the like cannot be added by a livepatch: use a module for them");

    /// <summary>ELP0411.</summary>
    public static readonly ProblemCode UnreadableCode = new(411, ProblemKind.Refused, "a relocated field that no instruction explains",
        "report the function; the engine cannot tell what the field means");

    /// <summary>ELP0412.</summary>
    public static readonly ProblemCode ShortBranch = new(412, ProblemKind.Refused, "a short branch to a function that stays behind",
        "the branch cannot be relocated: change the function so that the two are not neighbours, or patch both");

    /// <summary>ELP0413.</summary>
    public static readonly ProblemCode InteriorReference = new(413, ProblemKind.Refused, "a reference to the inside of a function that is not included",
        "report the function; its code cannot be referred to by name");

    /// <summary>ELP0414.</summary>
    public static readonly ProblemCode ChangedSymbolKind = new(414, ProblemKind.Refused, "an existing symbol changes what it is",
        "a static symbol became global or the reverse, or moved to another kind of section: keep its declaration");

    /// <summary>ELP0415.</summary>
    public static readonly ProblemCode MalformedTable = new(415, ProblemKind.Refused, "a table whose entries cannot be told apart",
        "report the section and the compiler; its entry size is not what the kernel's headers say");

    /// <summary>ELP0416.</summary>
    public static readonly ProblemCode RequestedFunctionMissing = new(416, ProblemKind.Usage, "a function that was asked for is not in the unit",
        "name the unit and the function as the symbol table has it: UNIT:FUNCTION, such as fs/proc/meminfo.c:meminfo_proc_show");

    /// <summary>ELP0417.</summary>
    public static readonly ProblemCode ChangedMemoryKind = new(417, ProblemKind.Refused, "a variable changes the kind of memory that it lies in",
        "the running kernel's copy stays where it is: keep const, __ro_after_init, per-cpu and alignment as they are, and use a new variable instead");

    /// <summary>ELP0418.</summary>
    public static readonly ProblemCode NewStaticCall = new(418, ProblemKind.Refused, "a new static call",
        "a trampoline of a livepatch is known to no static call site: call through a function pointer, or branch by an ordinary condition");

    /// <summary>ELP0425.</summary>
    public static readonly ProblemCode ChangedIdList = new(425, ProblemKind.Refused, "a list of BTF ids changed",
        "the kernel's build has put the ids into its own lists, and nobody does so for a livepatch: leave the lists as they are "
        + "and test for the exception in code, by btf_find_by_name_kind() where an id is needed");

    /// <summary>ELP0426.</summary>
    public static readonly ProblemCode SharedLabels = new(426, ProblemKind.Refused,
        "others use addresses inside a function that is to be replaced",
        "a table of labels or jump targets moves with its function, and whoever else uses it would go on in the old code: "
        + "patch the function's callers instead, or let only the function itself use the table");

    /// <summary>ELP0427.</summary>
    public static readonly ProblemCode WritableLabels = new(427, ProblemKind.Refused,
        "variable data holds addresses inside a function that is to be replaced",
        "the running kernel's copy has state and leads into the old code: patch the function's callers instead");

    /// <summary>ELP0428.</summary>
    public static readonly ProblemCode AmbiguousConstant = new(428, ProblemKind.Refused,
        "several equal constants of the kernel could be meant",
        "pointers to them may be compared, so that it matters which one it is: change the function's callers instead");

    /// <summary>ELP0430.</summary>
    public static readonly ProblemCode SecondDefinition = new(430, ProblemKind.Refused, "the kernel has a definition of this name already",
        "code that is linked already goes on to use the one that runs: edit that one in its own unit, or rename the new one");

    /// <summary>ELP0431.</summary>
    public static readonly ProblemCode RemovedDefinition = new(431, ProblemKind.Refused, "a definition disappears that others use",
        "keep the definition: to have a default of another unit run, write what the default does into its body");

    /// <summary>ELP0432.</summary>
    public static readonly ProblemCode OtherDefinition = new(432, ProblemKind.Refused, "a name comes to stand for another definition",
        "leave the definition in its unit, with its names and its strength, and edit its body there");

    /// <summary>ELP0433.</summary>
    public static readonly ProblemCode ChangedExportType = new(433, ProblemKind.Refused, "the type of an exported symbol changed",
        "keep the function and its types, and let it call a new one: modules cannot be changed with it");

    /// <summary>ELP0434.</summary>
    public static readonly ProblemCode ChangedSignature = new(434, ProblemKind.Refused, "the signature of a function changed, and not all callers with it",
        "keep the function and its types, and let it call a new one that takes what has to be added");

    /// <summary>ELP0435.</summary>
    public static readonly ProblemCode ComparedLiteral = new(435, ProblemKind.Refused, "the address of a literal is compared",
        "the livepatch has a copy of its own, which is equal to no pointer of the kernel: compare the text, or another sign of the object");

    /// <summary>ELP0436.</summary>
    public static readonly ProblemCode ChangedVariableType = new(436, ProblemKind.Refused, "the type of an existing variable changed",
        "the running kernel has a value of the old type there: keep the variable and its type, and use a new one beside it");
}
