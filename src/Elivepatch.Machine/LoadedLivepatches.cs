using Elivepatch.Model;
using Elivepatch.Model.Explanations;
using Elivepatch.Protocol.Captures;

namespace Elivepatch.Machine;

/// <summary>The livepatches in the running kernel, of any origin.</summary>
public sealed class LoadedLivepatches(MachineFiles files)
{
    /// <summary>Where the kernel shows them.</summary>
    public const string Folder = "sys/kernel/livepatch";

    /// <summary>All of them, by name.</summary>
    public IReadOnlyList<LoadedLivepatch> List() => [.. files.Folders(Folder).Select(Find).OfType<LoadedLivepatch>()];

    /// <summary>
    /// One of them; null where it is not loaded or is gone: the kernel takes a livepatch away when its last transition ends.
    /// </summary>
    public LoadedLivepatch? Find(string name)
    {
        if (!IsName(name) || files.ReadText($"{Folder}/{name}/enabled") is not { } enabled)
        {
            return null;
        }

        return new(
            name,
            enabled == "1",
            files.ReadText($"{Folder}/{name}/transition") == "1",
            files.ReadText($"{Folder}/{name}/replace") is { } replace ? replace == "1" : null,
            Functions(name)
        )
        {
            Modules =
            [
                .. files.Folders($"{Folder}/{name}").Where(o => o != ExplainedObject.Vmlinux).Select(o => Module(name, o)),
            ],
        };
    }

    /// <summary>Makes a livepatch go away: the transition begins, or turns around, at once.</summary>
    public Problem? Disable(string name) => Write(name, "enabled", "0");

    /// <summary>Turns a livepatch around that is going away; the kernel takes it during its transition alone.</summary>
    public Problem? Enable(string name) => Write(name, "enabled", "1");

    /// <summary>Ends a transition without regard to what the tasks that block it are doing.</summary>
    public Problem? Force(string name) => Write(name, "force", "1");

    /// <summary>True where a module of this name is loaded, live or not.</summary>
    public bool IsModuleLoaded(string name) => IsName(name) && files.HasFolder($"sys/module/{name}");

    /// <summary>True for a loaded module that is a livepatch: the letter K of <c>/sys/module/NAME/taint</c>.</summary>
    public bool IsLivepatchModule(string name) =>
        IsModuleLoaded(name) && files.ReadText($"sys/module/{name}/taint")?.Contains('K', StringComparison.Ordinal) == true;

    /// <summary>
    /// True for a module that somebody holds a reference to: what is not live and is held all the same cannot be unloaded.
    /// </summary>
    public bool IsHeld(string name) =>
        IsModuleLoaded(name) && files.ReadText($"sys/module/{name}/refcnt") is { } count && count != "0";

    /// <summary>True for what can be the name of a module, and so of a folder.</summary>
    public static bool IsName(string name) =>
        name.Length is > 0 and < 64 && name.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '-');

    /// <summary>The build-id of a module that is loaded; null where none of that name is, or it does not say.</summary>
    public BuildId? BuildIdOf(string module) =>
        files.ReadBytes($"sys/module/{module}/notes/.note.gnu.build-id") is { } notes ? BuildId.FindHere(notes) : null;

    /// <summary>
    /// A problem for each module that is loaded and is another build than the one that a livepatch is for: the kernel knows
    /// modules by their names alone. What is not loaded, or does not say its build-id, the livepatch itself looks at.
    /// </summary>
    public IReadOnlyList<Problem> FindStrangers(IReadOnlyList<ExplainedObject> objects) =>
        [
            .. from expected in objects
            where expected.BuildId is not null && IsName(expected.Name)
            let running = BuildIdOf(expected.Name)
            where running is { } found && !string.Equals(found.Hex, expected.BuildId, StringComparison.OrdinalIgnoreCase)
            select new Problem(
                MachineProblems.OtherModuleLoaded,
                $"{expected.Name}: build-id {running} is loaded, and the livepatch is for {expected.BuildId}"
            ),
        ];

    // The kernel says for each object whether it is patched since 6.1.
    private PatchedModule Module(string livepatch, string module)
    {
        if (!files.HasFile($"sys/module/{module}/initstate"))
        {
            return new(module, IsInstalled(module) ? PatchedModuleState.Waiting : PatchedModuleState.Absent);
        }

        var isPatched = files.ReadText($"{Folder}/{livepatch}/{module}/patched") is not "0";
        return new(module, isPatched ? PatchedModuleState.Patched : PatchedModuleState.NotPatched);
    }

    // Where it cannot be known, it is not said to be absent.
    private bool IsInstalled(string module) =>
        files.ReadText("proc/sys/kernel/osrelease") is not { } release
        || InstalledModules.Read(files, release) is not { IsEmpty: false } installed
        || installed.Has(module);

    private Problem? Write(string name, string file, string text) =>
        files.Write($"{Folder}/{name}/{file}", text) is { } reason
            ? new(MachineProblems.LivepatchUnchangeable, $"/{Folder}/{name}/{file}: {reason}{Other(name)}")
            : null;

    // The kernel changes nothing while another livepatch is in transition (EBUSY).
    private string Other(string name) =>
        List().FirstOrDefault(l => l.IsInTransition && l.Name != name) is { } other ? $" ({other.Name} is in transition)" : "";

    // The kernel writes the position 1 for the first of several and for the only one.
    private string[] Functions(string name) =>
        [
            .. from target in files.Folders($"{Folder}/{name}")
            from function in files.Folders($"{Folder}/{name}/{target}")
            select $"{target}/{(function.EndsWith(",1", StringComparison.Ordinal) ? function[..^2] : function)}",
        ];
}
