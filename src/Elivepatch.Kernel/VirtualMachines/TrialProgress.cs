namespace Elivepatch.Kernel.VirtualMachines;

/// <summary>Turns the events of a running trial into lines for a terminal.</summary>
internal sealed class TrialProgress(IReadOnlyList<TrialCase> cases, Action<string>? say)
{
    private string prefix = "";

    /// <summary>The guest is about to be started.</summary>
    public void Boot() => say?.Invoke("boot the kernel");

    /// <summary>Takes an event.</summary>
    public void Report(GuestEvent happened)
    {
        switch (happened.Name)
        {
            case "ready":
                say?.Invoke($"{happened.Word(1)} runs after {happened.Uptime:0.0} s");
                break;
            case "case":
                prefix =
                    cases.Count > 1 && int.TryParse(happened.Word(1), out var number) && number >= 0 && number < cases.Count
                        ? cases[number].Name + ": "
                        : "";
                break;
            case "phase":
                say?.Invoke(prefix + happened.Rest(1));
                break;
            case "blocking":
                say?.Invoke($"{prefix}blocked by {happened.Rest(2)} ({happened.Word(1)})");
                break;
            case "untested":
                say?.Invoke($"{prefix}untested: {happened.Rest(1)}");
                break;
            case "remains":
                say?.Invoke($"{prefix}remains: {happened.Rest(1)}");
                break;
            case "":
                say?.Invoke($"{prefix}  {happened.Text}");
                break;
        }
    }
}
