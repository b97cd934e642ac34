using Elivepatch.Model;

namespace Elivepatch.Engine;

/// <summary>A change that no livepatch can make.</summary>
public static class DiffProblems
{
    /// <summary>ELP0401.</summary>
    public static readonly ProblemCode MalformedObject = new(
        401,
        ProblemKind.Environment,
        "an object file cannot be read",
        "Compile it again; if a compiler produced it in a normal run, report the file."
    );

    /// <summary>ELP0402.</summary>
    public static readonly ProblemCode UnknownSection = new(
        402,
        ProblemKind.Refused,
        "a section of unknown meaning",
        "Report the section's name and the kernel version; to copy or drop the section would be a guess."
    );

    /// <summary>ELP0403.</summary>
    public static readonly ProblemCode ChangedData = new(
        403,
        ProblemKind.Refused,
        "an initialiser of existing data changed",
        "Change the code that reads the data: the running kernel's copy is in use, with the value that it has now."
    );

    /// <summary>ELP0404.</summary>
    public static readonly ProblemCode ChangedInit = new(
        404,
        ProblemKind.Refused,
        "__init or __exit code or data changed",
        "Do the work in code that still runs, or leave these lines out of the patch: start-up code has already run and has "
            + "been freed, and exit code has no ftrace entry."
    );

    /// <summary>ELP0405.</summary>
    public static readonly ProblemCode RemovedData = new(
        405,
        ProblemKind.Refused,
        "existing data is removed",
        "Keep the declaration and a use of it: functions that still run the old code use the data."
    );

    /// <summary>ELP0406.</summary>
    public static readonly ProblemCode RemovedStaticLocal = new(
        406,
        ProblemKind.Refused,
        "a static local variable is removed",
        "Keep the variable: its value is state of the running kernel that old and new code share."
    );

    /// <summary>ELP0407.</summary>
    public static readonly ProblemCode AmbiguousStaticLocal = new(
        407,
        ProblemKind.Refused,
        "several static local variables match",
        "Give the new variable a name of its own; build with debug information, so that the function of each variable is "
            + "known."
    );

    /// <summary>ELP0408.</summary>
    public static readonly ProblemCode NotTraceable = new(
        408,
        ProblemKind.Refused,
        "a changed function has no ftrace entry",
        "Give the new code a function name of its own, and change the callers to call that function."
    );

    /// <summary>ELP0409.</summary>
    public static readonly ProblemCode ChangedLayout = new(
        409,
        ProblemKind.Refused,
        "the layout of a structure changed",
        "Keep the structure and attach new fields with shadow variables (klp_shadow_alloc): objects of the old layout exist "
            + "already, unless all of them are on stacks of functions that the patch changes."
    );

    /// <summary>ELP0410.</summary>
    public static readonly ProblemCode ChangedRegistry = new(
        410,
        ProblemKind.Refused,
        "a list that the kernel reads only at start-up changed",
        "Use an ordinary module: a livepatch cannot add initcalls, parameters, tracepoints and the like."
    );

    /// <summary>ELP0411.</summary>
    public static readonly ProblemCode UnreadableCode = new(
        411,
        ProblemKind.Refused,
        "a relocation that matches no instruction",
        "Report the function: the meaning of the relocated field cannot be determined."
    );

    /// <summary>ELP0412.</summary>
    public static readonly ProblemCode ShortBranch = new(
        412,
        ProblemKind.Refused,
        "a short branch to a function that is not included",
        "Change the function so that the two are not adjacent, or patch both: a short branch cannot be relocated."
    );

    /// <summary>ELP0413.</summary>
    public static readonly ProblemCode InteriorReference = new(
        413,
        ProblemKind.Refused,
        "a reference into a function that is not included",
        "Report the function: a place inside it cannot be referred to by name."
    );

    /// <summary>ELP0414.</summary>
    public static readonly ProblemCode ChangedSymbolKind = new(
        414,
        ProblemKind.Refused,
        "the linkage of an existing symbol changed",
        "Keep the declaration of the symbol."
    );

    /// <summary>ELP0415.</summary>
    public static readonly ProblemCode MalformedTable = new(
        415,
        ProblemKind.Refused,
        "a table that cannot be divided into entries",
        "Report the section and the compiler: the entry size is not the one that the kernel's headers give."
    );

    /// <summary>ELP0416.</summary>
    public static readonly ProblemCode RequestedFunctionMissing = new(
        416,
        ProblemKind.Usage,
        "a requested function is not in the unit",
        "Name the function in the statement as the unit's symbol table has it, such as meminfo_proc_show of fs/proc/meminfo.c."
    );

    /// <summary>ELP0417.</summary>
    public static readonly ProblemCode ChangedMemoryKind = new(
        417,
        ProblemKind.Refused,
        "a variable moves to another kind of memory",
        "Keep const, __ro_after_init, per-cpu and alignment as they are, and use a new variable instead: the running "
            + "kernel's copy stays where it is."
    );

    /// <summary>ELP0418.</summary>
    public static readonly ProblemCode NewStaticCall = new(
        418,
        ProblemKind.Refused,
        "a new static call",
        "Call through a function pointer, or branch on an ordinary condition: no static call site knows the trampoline of a "
            + "livepatch."
    );

    /// <summary>ELP0425.</summary>
    public static readonly ProblemCode ChangedIdList = new(
        425,
        ProblemKind.Refused,
        "a list of BTF IDs changed",
        "Leave the lists unchanged and test for the exception in code, with btf_find_by_name_kind() where an ID is needed: "
            + "the kernel's build fills in the IDs of its own lists, and nothing does so for a livepatch."
    );

    /// <summary>ELP0426.</summary>
    public static readonly ProblemCode SharedLabels = new(
        426,
        ProblemKind.Refused,
        "other code uses addresses inside a replaced function",
        "Patch the function's callers instead, or let only the function itself use the table: a table of labels or jump "
            + "targets moves with its function, and other users of it would continue in the old code."
    );

    /// <summary>ELP0427.</summary>
    public static readonly ProblemCode WritableLabels = new(
        427,
        ProblemKind.Refused,
        "writable data holds addresses inside a replaced function",
        "Patch the function's callers instead: the running kernel's copy holds state and leads into the old code."
    );

    /// <summary>ELP0428.</summary>
    public static readonly ProblemCode AmbiguousConstant = new(
        428,
        ProblemKind.Refused,
        "several equal constants of the kernel match",
        "Change the function's callers instead: pointers to the constants may be compared, so it matters which one is used."
    );

    /// <summary>ELP0430.</summary>
    public static readonly ProblemCode SecondDefinition = new(
        430,
        ProblemKind.Refused,
        "the kernel already has a definition of this name",
        "Edit the existing definition in its own unit, or rename the new one: code that is already linked keeps using the "
            + "existing definition."
    );

    /// <summary>ELP0431.</summary>
    public static readonly ProblemCode RemovedDefinition = new(
        431,
        ProblemKind.Refused,
        "a definition that others use is removed",
        "Keep the definition; to run the default of another unit, write what the default does into its body."
    );

    /// <summary>ELP0432.</summary>
    public static readonly ProblemCode OtherDefinition = new(
        432,
        ProblemKind.Refused,
        "a name now refers to another definition",
        "Leave the definition in its unit, with its names and its binding, and edit its body there."
    );

    /// <summary>ELP0433.</summary>
    public static readonly ProblemCode ChangedExportType = new(
        433,
        ProblemKind.Refused,
        "the type of an exported symbol changed",
        "Keep the function and its types, and let it call a new one: modules cannot be changed together with it."
    );

    /// <summary>ELP0434.</summary>
    public static readonly ProblemCode ChangedSignature = new(
        434,
        ProblemKind.Refused,
        "the signature of a function changed, but not all of its callers",
        "Keep the function and its types, and let it call a new one that takes the additional parameters."
    );

    /// <summary>ELP0435.</summary>
    public static readonly ProblemCode ComparedLiteral = new(
        435,
        ProblemKind.Refused,
        "the address of a literal is compared",
        "Compare the text, or another property of the object: the livepatch has its own copy of the literal, to which no "
            + "pointer of the kernel is equal."
    );

    /// <summary>ELP0436.</summary>
    public static readonly ProblemCode ChangedVariableType = new(
        436,
        ProblemKind.Refused,
        "the type of an existing variable changed",
        "Keep the variable and its type, and use a new one in addition: the running kernel's copy holds a value of the old "
            + "type."
    );
}
